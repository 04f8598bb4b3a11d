"""The composition roots: each daemon's object graph, built in one place on the real reactor."""
