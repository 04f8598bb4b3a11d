"""Tests of maasha.dhcp."""
