"""Rows of snippets as MAAS's JSON, with what dhcpd said."""

from __future__ import annotations

from collections.abc import Sequence

from maasha.api.answers import Json, JsonObject
from maasha.api.shapes import uri
from maasha.db.networks import Networks
from maasha.db.snippets import SnippetRow, SnippetText


def snippet_json(row: SnippetRow, history: Sequence[SnippetText], known: Networks) -> JsonObject:
    """Show a snippet and the texts it had, the newest first; machines have none of their own."""
    subnet: Json = None
    if row.subnet is not None:
        held = known.subnets[row.subnet]
        subnet = {
            "id": held.id,
            "name": held.name,
            "cidr": str(held.cidr),
            "resource_uri": uri("subnets", held.id),
        }
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "value": row.value,
        "history": [
            {"id": each.id, "value": each.value, "created": each.created.isoformat()}
            for each in history
        ],
        "enabled": row.enabled,
        "node": None,
        "subnet": subnet,
        "iprange": row.range,
        "global_snippet": row.subnet is None and row.range is None,
        "refusal": row.refusal,
        "resource_uri": uri("dhcp-snippets", row.id),
    }
