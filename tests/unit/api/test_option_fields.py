"""What clients are told, as it is submitted."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maasha.api.option_fields import (
    ARCHITECTURES,
    architecture_name,
    boot_files,
    domains,
    ipv4_or_empty,
    snippet,
)
from maasha.model.options import BootFile

numbers = st.none() | st.integers(0, 0xFFFF)
files = st.from_regex(r"[A-Za-z0-9./:-]{1,60}", fullmatch=True)


@given(st.dictionaries(numbers, files))
def test_what_is_shown_can_be_submitted(chosen: dict[int | None, str]) -> None:
    """The default comes last, the others by their numbers."""
    words = [f"{architecture_name(number)}={file}" for number, file in chosen.items()]
    found = boot_files(", ".join(words))
    assert {entry.architecture: entry.file for entry in found} == chosen
    known = [entry.architecture for entry in found if entry.architecture is not None]
    assert known == sorted(known)
    assert all(entry.architecture is not None for entry in found[:-1])


def test_the_rack_may_be_named() -> None:
    """By the place that its address takes."""
    assert boot_files("uefi-http-amd64=http://{rack}/a") == (BootFile(16, "http://{rack}/a"),)
    assert ARCHITECTURES["uefi-http-amd64"] == 16


@pytest.mark.parametrize(
    ("submitted", "words"),
    [
        ("a.efi", "is not ARCHITECTURE=FILE"),
        ("pxe=", "is not ARCHITECTURE=FILE"),
        ("vax=a", "'vax' is no architecture"),
        ("65536=a", "is no architecture"),
        ("pxe=a 0=b", "pxe has more than one file"),
        ('pxe=a"b', "cannot name a boot file"),
        ("pxe=a\\b", "cannot name a boot file"),
        ("pxe={host}/a", "cannot name a boot file"),
        ("pxe=a}", "cannot name a boot file"),
        (f"pxe={'a' * 128}", "has 128 bytes, and a DHCP message carries 127"),
        (f"pxe={'a' * 113}{{rack}}", "has 128 bytes"),
    ],
)
def test_what_is_no_boot_file(submitted: str, words: str) -> None:
    """The text is named with its mend."""
    with pytest.raises(ValueError, match=words):
        boot_files(submitted)


def test_domains() -> None:
    """Parted by blanks or commas, a dot at the end is of no use."""
    assert domains("example.org, a_b.example.") == ("example.org", "a_b.example")
    assert domains("") == ()


@pytest.mark.parametrize("submitted", ["-a", "a..b", 'a"', "a" * 64, ".".join(["a" * 60] * 5)])
def test_what_is_no_domain(submitted: str) -> None:
    """The text is named."""
    with pytest.raises(ValueError, match="is not a domain name"):
        domains(submitted)


def test_too_many_domains() -> None:
    """A message has no room for more."""
    with pytest.raises(ValueError, match="17 domains are too many"):
        domains(" ".join(["a"] * 17))


def test_one_ipv4_address() -> None:
    """Or none."""
    assert ipv4_or_empty("") is None
    assert ipv4_or_empty("10.0.0.1") == IPv4Address("10.0.0.1")
    with pytest.raises(ValueError, match="fd00::1 is not an IPv4 address"):
        ipv4_or_empty("fd00::1")


def test_a_snippet() -> None:
    """Line ends become those of a file; what would break us is refused with its reason."""
    assert snippet("a 1;\r\nb 2;") == "a 1;\nb 2;"
    for submitted, words in (
        ("# a\ron commit { }", "cannot be a snippet: on is refused"),
        ("key x { }", "cannot be a snippet: key is refused"),
        ("# ä\na 1;", "letters beyond ASCII"),
    ):
        with pytest.raises(ValueError, match=words):
            snippet(submitted)
