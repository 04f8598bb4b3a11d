"""maasha: regions and racks, a Twisted cluster that keeps DHCP and power control alive."""

__version__ = "0.1.0"
