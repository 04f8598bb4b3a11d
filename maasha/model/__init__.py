"""Frozen values that every room shares: the cluster, its networks, DHCP roles and leases."""
