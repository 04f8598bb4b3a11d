"""maasha: a Twisted cluster of region and rack controllers that keeps DHCP and power control alive."""

__version__ = "0.1.0"
