"""What a region tells Prometheus: every worker its own figures, and any of them those of all.

`samples` (what a worker's counters are called), `families` (the figures as values and as bytes) and
`exposition` (all workers' in one text) are pure; `reading` looks at the living parts of a worker,
`offer` gives its figures to siblings, `scrape` asks them.
"""
