"""Raises the generation of DHCP service that racks are to run."""

from __future__ import annotations

from collections.abc import Iterable

from maasha.db.channels import Channel, notify
from maasha.db.ownership import lock
from maasha.db.transaction import Transaction
from maasha.model.cluster import RackKey

RAISE = """
update rack set wanted_incarnation = coalesce((select incarnation from instance), 1),
    wanted_counter = wanted_counter + 1, kept = false
where id = any(%s)
"""


async def raise_wanted(tx: Transaction, racks: Iterable[RackKey]) -> None:
    """Give each rack a new generation to run, and wake whoever acts for it."""
    keys = sorted(set(racks))
    if not keys:
        return
    await lock(tx, keys)
    await tx.execute(RAISE, keys)
    for key in keys:
        await notify(tx, Channel.DHCP, key)
