"""Which running system this is."""

from __future__ import annotations

from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """Name this boot of this host: a copy of a host has another one at each moment (random(4))."""
    return BOOT_ID.read_text().strip()
