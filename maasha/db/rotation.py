"""Replaces the shared secret: two are valid while racks are given the new one."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime

from attrs import frozen

from maasha.db.channels import Channel, notify
from maasha.db.errors import DatabaseError
from maasha.db.events import record
from maasha.db.instance import SECRET_BYTES, SUBJECT, Instance, read
from maasha.db.transaction import Transaction

BEGIN = """
update instance set old_secret = secret, secret = %s, rotated = clock_timestamp()
where old_secret is null
"""
FINISH = "update instance set old_secret = null, rotated = null where old_secret is not null"


@frozen
class RotationOpen(DatabaseError):
    """Two secrets are valid already."""

    since: datetime | None

    def __str__(self) -> str:
        return (
            f"a rotation is open since {self.since}: when every rack that still has to join has "
            "the new secret, end it with maasha-region rotate-secret --finish"
        )


@frozen
class NoRotation(DatabaseError):
    """One secret is valid, and none is to be dropped."""

    def __str__(self) -> str:
        return "no rotation is open: begin one with maasha-region rotate-secret"


async def begin_rotation(
    tx: Transaction, who: str, random: Callable[[int], bytes] = secrets.token_bytes
) -> Instance:
    """Make a new secret; the old one stays valid. Raises RotationOpen and NoInstance."""
    if not await tx.execute(BEGIN, random(SECRET_BYTES).hex()):
        raise RotationOpen((await read(tx)).rotated)
    return await _told(tx, who, "secret.rotation-begun")


async def finish_rotation(tx: Transaction, who: str) -> Instance:
    """Drop the old secret: it lets nobody in any more. Raises NoRotation and NoInstance."""
    if not await tx.execute(FINISH):
        raise NoRotation
    return await _told(tx, who, "secret.rotation-finished")


async def _told(tx: Transaction, who: str, kind: str) -> Instance:
    await record(tx, who, SUBJECT, kind, "info")
    await notify(tx, Channel.SECRETS)
    return await read(tx)
