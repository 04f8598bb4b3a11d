"""Snippets as MAAS shows them."""

from __future__ import annotations

from attrs import evolve

from maasha.api.snippet_shapes import snippet_json
from maasha.db.snippets import SnippetRow, SnippetText
from maasha.model.network import RangeId
from maasha.model.options import SnippetId
from tests.unit.api.samples import NETWORKS, NOON, SUBNET

ROW = SnippetRow(SnippetId(4), "own", "a 1;")
PAST = (SnippetText(9, "a 1;", NOON),)


def test_a_snippet_for_all_vlans() -> None:
    """It has MAAS's fields; no machine has one of its own."""
    assert snippet_json(ROW, PAST, NETWORKS) == {
        "id": 4,
        "name": "own",
        "description": "",
        "value": "a 1;",
        "history": [{"id": 9, "value": "a 1;", "created": "2026-01-02T12:00:00+00:00"}],
        "enabled": True,
        "node": None,
        "subnet": None,
        "iprange": None,
        "global_snippet": True,
        "refusal": "",
        "resource_uri": "/MAAS/api/2.0/dhcp-snippets/4/",
    }


def test_a_snippet_for_one_place() -> None:
    """A subnet is named, a range has its number."""
    of_subnet = snippet_json(evolve(ROW, subnet=SUBNET.id), (), NETWORKS)
    assert of_subnet["subnet"] == {
        "id": 5,
        "name": "lan",
        "cidr": "10.0.0.0/24",
        "resource_uri": "/MAAS/api/2.0/subnets/5/",
    }
    assert of_subnet["global_snippet"] is False
    of_range = snippet_json(evolve(ROW, range=RangeId(9)), (), NETWORKS)
    assert (of_range["iprange"], of_range["global_snippet"]) == (9, False)
