"""What goes over a link, for people to read: bytes in, lines out, and nothing secret in them.

`stream` finds the boxes in the bytes of one direction, `harmless` says what of their values may be
seen, `conversation` puts questions and answers together, `layout` writes it all for a terminal.
"""
