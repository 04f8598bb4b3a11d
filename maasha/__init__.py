"""maasha: regions and racks, a Twisted cluster that keeps DHCP alive."""

__version__ = "0.1.0"
