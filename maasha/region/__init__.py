"""The region controller: a master, its workers, and what each worker does."""
