"""Asks networks what is on them: DHCP servers that are none of ours, name servers that answer."""
