"""Reservations as MAAS's JSON; the host name is ours."""

from __future__ import annotations

from collections.abc import Sequence

from maasha.api.answers import JsonObject
from maasha.api.picture import Picture
from maasha.api.shapes import subnet_json, uri
from maasha.db.reservations import ReservationRow


def reservation_json(row: ReservationRow, picture: Picture) -> JsonObject:
    """Show a reservation and its subnet."""
    return _shown(row, subnet_json(picture.networks.subnets[row.subnet], picture))


def reservations_json(rows: Sequence[ReservationRow], picture: Picture) -> list[JsonObject]:
    """Show many; a subnet is made once, however many are in it."""
    known = picture.networks.subnets
    subnets = {key: subnet_json(known[key], picture) for key in {row.subnet for row in rows}}
    return [_shown(row, subnets[row.subnet]) for row in rows]


def _shown(row: ReservationRow, subnet: JsonObject) -> JsonObject:
    return {
        "id": row.id,
        "ip": str(row.address),
        "mac_address": row.mac,
        "hostname": row.hostname,
        "comment": row.comment,
        "subnet": subnet,
        "resource_uri": uri("reservedips", row.id),
    }
