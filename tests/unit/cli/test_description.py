"""The API's description as nouns and verbs of the command line."""

from __future__ import annotations

import pytest
from hypothesis import given

from maasha.cli.description import (
    Action,
    Description,
    UnknownWord,
    find,
    find_resource,
    noun,
    nouns,
    parse_description,
    usage,
    usage_of_all,
)
from tests.unit.cli.samples import document, resource
from tests.unit.cli.test_shape import json_values

DESCRIPTION = parse_description(document())


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("RackControllersHandler", "rack-controllers"),
        ("VlanHandler", "vlan"),
        ("IPRangesHandler", "ipranges"),
        ("DHCPSnippet", "dhcpsnippet"),
        ("Users", "users"),
        ("", ""),
    ],
)
def test_nouns_are_made_from_names(name: str, word: str) -> None:
    """A resource's name becomes the word that MAAS's users know."""
    assert noun(name) == word


def test_actions() -> None:
    """The four have their name, others that of their operation."""
    _, read = find(DESCRIPTION, ["subnets", "read"])
    assert read == Action("read", "GET", "", "Does read.\n:param x: an x")
    _, named = find(DESCRIPTION, ["account", "create-authorisation-token"])
    assert (named.method, named.op) == ("POST", "create_authorisation_token")


def test_usage() -> None:
    """The usage names ids in the order of the path, and fields where there may be some."""
    vlan, update = find(DESCRIPTION, ["vlan", "update"])
    assert usage(vlan, update) == "vlan update FABRIC_ID VID [NAME=VALUE ...]"
    assert usage_of_all(vlan).splitlines() == [
        "  vlan read FABRIC_ID VID                     Does read.",
        "  vlan update FABRIC_ID VID [NAME=VALUE ...]  Does update.",
        "  vlan delete FABRIC_ID VID                   Does delete.",
    ]


def test_all_nouns() -> None:
    """The list of nouns has the first line of what each is."""
    assert "  vlan              What VlanHandler is." in nouns(DESCRIPTION).splitlines()
    assert nouns(Description("", ())) == ""


def test_unknown_nouns_and_verbs() -> None:
    """An unknown word gets the nearest known one, or all."""
    with pytest.raises(UnknownWord, match=r"no command 'subnts'\nDid you mean subnets\?"):
        find_resource(DESCRIPTION, "subnts")
    with pytest.raises(UnknownWord, match="Known are: rack-controller, rack-controllers, vlan"):
        find_resource(DESCRIPTION, "zzz")
    with pytest.raises(UnknownWord, match=r"vlan has no 'updat'\nDid you mean update\?"):
        find(DESCRIPTION, ["vlan", "updat"])
    with pytest.raises(UnknownWord, match=r"Known are: read, update, delete\n  vlan read"):
        find(DESCRIPTION, ["vlan", "zzz"])


def test_resources_without_a_key() -> None:
    """What needs no key is described on its other side."""
    open_to_all = resource("VersionHandler", "version/", "read")
    open_to_all |= {"auth": None, "anon": open_to_all["auth"]}
    description = parse_description(document([open_to_all]))
    assert find_resource(description, "version").path == "/MAAS/api/2.0/version/"


@given(json_values)
def test_any_document_is_read(value: object) -> None:
    """A document of another shape describes nothing."""
    assert isinstance(parse_description(value), Description)
    assert parse_description({"resources": [{"auth": value}], "hash": value}).resources == ()


def test_the_hash() -> None:
    """The hash tells one version of an API from another."""
    assert (DESCRIPTION.hash, len(DESCRIPTION.resources)) == ("h1", 11)
