"""The rack controller: links to the regions, and the dhcpd that it keeps serving."""
