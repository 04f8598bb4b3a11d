"""What is told to clients, in words for events."""

from __future__ import annotations

from ipaddress import IPv4Address

from maasha.model.options import MANUAL, Boot, BootFile


def test_words() -> None:
    """Short enough for one line of the history."""
    assert str(MANUAL) == "mclt=3600 split=255 max_response_delay=60"
    files = (BootFile(16, "a.efi"), BootFile(None, "b"))
    assert str(Boot(files)) == "[16=a.efi default=b] of the rack"
    assert str(Boot((), IPv4Address("10.0.0.9"))) == "[] of 10.0.0.9"
