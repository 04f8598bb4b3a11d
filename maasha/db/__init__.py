"""PostgreSQL: the only room that speaks SQL, one module per noun of the cluster."""
