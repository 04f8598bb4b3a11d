"""Whole clusters on one clock, with Hypothesis as the scheduler.

Real are the parts of a region's worker and of rackd, and the connections to the database; modelled
are the network between racks and workers (`network.py`), what is below those connections
(`tests.memory`), processes and their supervisors. Left out are DHCP and VLANs, the handshake and
the wire, and what two transactions do at the same moment.
"""
