"""A database in memory: what each statement of the region's logic means, in Python.

It stands in PostgreSQL's place below the project's own connections, so all that is above them is
the real thing: pools, transactions and every function of `maasha.db`. `tests/contract` holds it
and PostgreSQL to the same facts. A statement that has no meaning here is an error that names it.
Left out are networks (there are no VLANs) and what two transactions do at the same moment.
"""
