"""What the region's logic asks of its database, of PostgreSQL and of the one in memory alike."""
