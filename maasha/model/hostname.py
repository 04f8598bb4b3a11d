"""Which of the names that clients give themselves DNS would take."""

from __future__ import annotations

import re

LONGEST = 253
"""Characters of a name without its last dot (RFC 1035, 2.3.4)."""
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""RFC 952 and RFC 1123, 2.1."""


def dns_name(said: str) -> str:
    """Give the name in lower case, without a last dot; empty: no host could have it in DNS."""
    name = said.lower().removesuffix(".")
    if not said.isascii() or len(name) > LONGEST:
        return ""
    fits = all(LABEL.fullmatch(label) for label in name.split("."))
    return name if fits else ""
