"""The one installation that this database is: its name, its secrets and its incarnation."""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime

from attrs import field, frozen

from maasha.db.channels import Channel, notify
from maasha.db.errors import DatabaseError
from maasha.db.events import record
from maasha.db.transaction import Row, Transaction
from maasha.model.cluster import InstanceId

SECRET_BYTES = 16
OMAPI_BYTES = 32
ROOT_BYTES = 32
SUBJECT = "instance"

FINGERPRINT = """
select concat_ws('/',
    (select system_identifier from pg_control_system()),
    left(pg_walfile_name(pg_current_wal_lsn()), 8),
    (select oid from pg_database where datname = current_database()),
    'instance'::regclass::oid
)
"""
"""Tells this database from every copy: another cluster (initdb) has another system identifier, a
promoted standby another timeline, a restored dump another database or another table. The timeline
is the one that is being written: pg_control_checkpoint() may show the old one until the checkpoint
after a promotion is through. All four may be read by an ordinary role."""

CREATE = """
insert into instance (secret, omapi_secret, key_root, fingerprint) values (%s, %s, %s, %s)
on conflict do nothing returning incarnation
"""
RAISE = """
update instance set incarnation = greatest(incarnation + %s, %s), fingerprint = %s
returning incarnation
"""
SUPERSEDE = """
update rack set owner = null,
    owner_incarnation = %(new)s, owner_counter = owner_counter + 1,
    wanted_incarnation = %(new)s, wanted_counter = wanted_counter + 1
"""


@frozen
class Instance:
    """The installation; `secret`, `old_secret` and `key_root` are hex, `omapi_secret` base64.

    While the secret is replaced, since `rotated`, `old_secret` is valid too.
    """

    id: InstanceId
    secret: str = field(repr=False)
    omapi_secret: str = field(repr=False)
    incarnation: int
    key_root: str = field(repr=False)
    old_secret: str | None = field(default=None, repr=False)
    rotated: datetime | None = None

    @property
    def secrets(self) -> tuple[bytes, ...]:
        """All secrets that let a rack in, the newest first."""
        return tuple(bytes.fromhex(text) for text in (self.secret, self.old_secret) if text)


@frozen
class NoInstance(DatabaseError):
    """The database has tables but no instance."""

    def __str__(self) -> str:
        return "the database holds no instance yet: run maasha-region init"


async def create_instance(
    tx: Transaction, random: Callable[[int], bytes] = secrets.token_bytes
) -> Instance:
    """Make the instance with fresh secrets, or read the one that is there."""
    secret, omapi = random(SECRET_BYTES).hex(), b64encode(random(OMAPI_BYTES)).decode()
    root = random(ROOT_BYTES).hex()
    if await tx.one(CREATE, secret, omapi, root, await tx.value(FINGERPRINT)) is not None:
        await record(tx, "region", SUBJECT, "instance.created", "info")
    return await read(tx)


async def read(tx: Transaction) -> Instance:
    """Read the instance; raises NoInstance."""
    row = await tx.one("select * from instance")
    if row is None:
        raise NoInstance
    return _instance(row)


async def confirm_incarnation(tx: Transaction) -> int:
    """Give the incarnation, raised if this is not the database that it was given for.

    Every region worker does this after each connection to the database, before it hands out an
    epoch or a generation.
    """
    found = await tx.value(FINGERPRINT)
    row = await tx.one("select * from instance")
    if row is not None and row.fingerprint == found:
        return int(row.incarnation)
    row = await _locked(tx)
    if row.fingerprint == found:
        return int(row.incarnation)
    new = int(await tx.value(RAISE, 1, 0, found))
    await _supersede(tx, new, f"the database is another than before ({row.fingerprint}, {found})")
    return new


async def raise_incarnation(tx: Transaction, at_least: int, why: str) -> int:
    """Give the incarnation, raised to `at_least` if it is lower.

    For a rack that reports a higher stamp than the database knows: a failover lost commits, or a
    copy of the files was put back, which no fingerprint shows.
    """
    row = await _locked(tx)
    if row.incarnation >= at_least:
        return int(row.incarnation)
    await tx.execute(RAISE, 0, at_least, row.fingerprint)
    await _supersede(tx, at_least, why)
    return at_least


async def _locked(tx: Transaction) -> Row:
    row = await tx.one("select * from instance for update")
    if row is None:
        raise NoInstance
    return row


async def _supersede(tx: Transaction, incarnation: int, why: str) -> None:
    """Outdate every epoch and generation that was handed out before."""
    await tx.execute(SUPERSEDE, {"new": incarnation})
    detail = f"incarnation {incarnation}: {why}"
    await record(tx, "region", SUBJECT, "instance.incarnation", "warning", detail)
    await notify(tx, Channel.RACKS)
    await notify(tx, Channel.DHCP)


def _instance(row: Row) -> Instance:
    return Instance(
        InstanceId(row.uuid),
        row.secret,
        row.omapi_secret,
        row.incarnation,
        row.key_root,
        row.old_secret,
        row.rotated,
    )
