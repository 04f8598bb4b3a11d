"""Arbitrary bytes against the ends of a link: `make fuzz`, and every case found so far."""
