"""DHCP for one rack: what dhcpd is to serve, in which order pairs change, and dhcpd itself."""
