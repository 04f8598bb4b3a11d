"""From words to HTTP requests."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maasha.cli.description import find, parse_description
from maasha.cli.failures import Misused
from maasha.cli.request import Field, Request, make_request
from tests.unit.cli.samples import document

DESCRIPTION = parse_description(document())
BASE = "http://region:5240/MAAS/api/2.0/"
FILES = {"note.txt": b"two\nlines\n"}


def read(path: str) -> bytes:
    """Read one of the files there are."""
    if path not in FILES:
        raise FileNotFoundError(2, "No such file or directory", path)
    return FILES[path]


def made(words: str, base: str = BASE) -> Request:
    """Make the request for a noun, a verb and what follows them."""
    noun, verb, *rest = words.split(" ")
    return make_request(base, *find(DESCRIPTION, [noun, verb]), rest, read)


@pytest.mark.parametrize(
    ("words", "method", "url"),
    [
        ("subnets read", "GET", "subnets/"),
        ("rack-controller delete abc", "DELETE", "rackcontrollers/abc/"),
        ("rack-controller delete abc force=true", "DELETE", "rackcontrollers/abc/?force=true"),
        (
            "rack-controllers read hostname=a hostname=b",
            "GET",
            "rackcontrollers/?hostname=a&hostname=b",
        ),
        ("users whoami", "GET", "users/?op=whoami"),
        (
            "rack-controllers is-registered mac=a:b",
            "GET",
            "rackcontrollers/?op=is_registered&mac=a%3Ab",
        ),
        ("subnet read 10.0.0.0/24", "GET", "subnets/10.0.0.0%2F24/"),
        ("subnets read name@=note.txt", "GET", "subnets/?name=two%0Alines%0A"),
    ],
)
def test_reads_and_deletions_have_a_query(words: str, method: str, url: str) -> None:
    """GET and DELETE carry their fields in the query."""
    assert made(words) == Request(method, BASE + url)


def test_creations_and_updates_have_a_form() -> None:
    """POST and PUT carry their fields in the body, the operation in the query."""
    assert made("vlan update 1 0 primary_rack=rack-1 dhcp_on=true name=") == Request(
        "PUT",
        f"{BASE}fabrics/1/vlans/0/",
        (Field("primary_rack", b"rack-1"), Field("dhcp_on", b"true"), Field("name", b"")),
    )
    assert made("account create-authorisation-token name=a=b") == Request(
        "POST",
        f"{BASE}account/?op=create_authorisation_token",
        (Field("name", b"a=b"),),
    )
    assert made("iprange update 5 comment@=note.txt").fields == (
        Field("comment", FILES["note.txt"]),
    )


def test_the_host_is_the_profiles() -> None:
    """Whatever host and prefix the server says it has, the key goes only to the profile's URL."""
    assert made("subnets read", "https://proxy/x/MAAS/api/2.0/").url == (
        "https://proxy/x/MAAS/api/2.0/subnets/"
    )


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("vlan update 1", r"vlan update needs FABRIC_ID VID\nwrite: vlan update FABRIC_ID VID"),
        ("vlan update 1 0 dhcp_on", "'dhcp_on' is not of the form NAME=VALUE"),
        ("vlan update 1 0 =on", "'=on' is not of the form"),
        ("vlan update 1 0 @=on", "'@=on' is not of the form"),
        ("rack-controller delete ", "'' is no system_id\nlist them: maasha rack-controllers read"),
        ("rack-controller delete ..", "'..' is no system_id"),
        ("iprange update 1 comment@=gone", "gone cannot be read: No such file or directory"),
    ],
)
def test_words_that_make_no_request(words: str, problem: str) -> None:
    """Words that do not fit are refused before anything is sent."""
    with pytest.raises(Misused, match=problem):
        made(words)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.text(min_size=1))
def test_any_value_arrives_as_it_was_written(value: str, identifier: str) -> None:
    """No character of an id or a value can change what is asked for."""
    resource, action = find(DESCRIPTION, ["rack-controller", "delete"])
    if identifier in (".", "..") or any("\ud800" <= c <= "\udfff" for c in identifier):
        return
    url = urlsplit(make_request(BASE, resource, action, [identifier, f"k={value}"], read).url)
    assert url.path.count("/") == "/MAAS/api/2.0/rackcontrollers/x/".count("/")
    assert parse_qsl(url.query, keep_blank_values=True) == [("k", value)]
