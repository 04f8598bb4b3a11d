"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# wall time says more about the machine's other work than about the example
settings.register_profile("maasha", deadline=None)
settings.load_profile("maasha")
