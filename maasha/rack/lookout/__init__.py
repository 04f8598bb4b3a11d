"""Finds out which racks could be failover peers: by frames, by TCP 647, and by their clocks."""
