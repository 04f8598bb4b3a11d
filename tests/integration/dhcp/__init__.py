"""Tests of maasha.dhcp with real dhcpd."""
