"""Join tokens: made, listed, looked up, and used up in the transaction of a registration."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from attrs import frozen

from maasha.db.events import record
from maasha.db.racks import RackRefused
from maasha.db.transaction import Row, Transaction
from maasha.model.cluster import SYSTEM_ID_ALPHABET, RackKey, SystemId
from maasha.model.token import JoinToken

ID_LENGTH = 8
SECRET_BYTES = 16
KEPT = timedelta(days=30)
"""How long an expired token is told from an unknown one."""

CREATE = """
insert into join_token (id, secret, created_by, expires)
values (%s, %s, %s, clock_timestamp() + %s) returning *, null as system_id, false as expired
"""
PURGE = "delete from join_token where expires < clock_timestamp() - %s"
SELECT = """
select join_token.*, rack.system_id, expires <= clock_timestamp() as expired
from join_token left join rack on rack.id = rack_id
"""
USE = """
update join_token set used = coalesce(used, clock_timestamp()), registration = %(registration)s
where id = %(token)s and case when used is null then expires > clock_timestamp()
    else registration = %(registration)s and registration <> '' end
"""


@frozen
class TokenTooOld(RackRefused):
    """The token's time is over."""

    token: str

    def __str__(self) -> str:
        return f"join token {self.token} has expired; make another with maasha-region token"


@frozen
class TokenSpent(RackRefused):
    """The token has let another registration in."""

    token: str

    def __str__(self) -> str:
        return f"join token {self.token} was used; make another with maasha-region token"


@frozen
class TokenRow:
    """A token without its secret; `used_by` is the rack that it let in."""

    id: str
    created: datetime
    created_by: str
    expires: datetime
    expired: bool
    used: datetime | None
    used_by: SystemId | None


async def create_token(
    tx: Transaction,
    who: str,
    lasts: timedelta,
    random: Callable[[int], bytes] = secrets.token_bytes,
    choose: Callable[[str], str] = secrets.choice,
) -> tuple[JoinToken, TokenRow]:
    """Make a token; what it proves is shown this once. `who` as events name people."""
    made = JoinToken(
        "".join(choose(SYSTEM_ID_ALPHABET) for _ in range(ID_LENGTH)), random(SECRET_BYTES)
    )
    await tx.execute(PURGE, KEPT)
    row = await tx.one(CREATE, made.id, made.secret.hex(), who, lasts)
    assert row is not None  # noqa: S101 -- "insert ... returning" gives the row or raises
    await record(tx, who, f"token:{made.id}", "token.created", "info", f"expires {row.expires}")
    return made, _token(row)


async def tokens(tx: Transaction) -> tuple[TokenRow, ...]:
    """List the tokens, the oldest first."""
    return tuple(_token(row) for row in await tx.rows(f"{SELECT} order by join_token.created"))


async def token_of(tx: Transaction, token: str) -> TokenRow | None:
    """Read a token."""
    row = await tx.one(f"{SELECT} where join_token.id = %s", token)
    return _token(row) if row else None


async def delete_token(tx: Transaction, who: str, token: str) -> bool:
    """Forget a token: from now on it is as wrong as one that never was. False: it was none."""
    deleted = await tx.execute("delete from join_token where id = %s", token) == 1
    if deleted:
        await record(tx, who, f"token:{token}", "token.deleted", "info")
    return deleted


async def secret_of(tx: Transaction, token: str) -> bytes | None:
    """Look up what a token proves, also of a used or expired one; None: there is no such token."""
    found = await tx.value("select secret from join_token where id = %s", token)
    return None if found is None else bytes.fromhex(found)


async def use_token(tx: Transaction, token: str, registration: str) -> None:
    """Use a token up; raises TokenSpent and TokenTooOld.

    The same `registration` may come again: its answer may have been lost. Of two that come at the
    same time the second waits for the first, and is refused if that one commits.
    """
    if await tx.execute(USE, {"token": token, "registration": registration}) == 1:
        return
    if await tx.value("select used from join_token where id = %s", token) is not None:
        raise TokenSpent(token)
    raise TokenTooOld(token)


async def note_user(tx: Transaction, token: str, rack: RackKey, system_id: SystemId) -> None:
    """Write which rack a token let in."""
    changed = await tx.execute(
        "update join_token set rack_id = %s where id = %s and rack_id is distinct from %s",
        rack,
        token,
        rack,
    )
    if changed:
        await record(
            tx, f"rack:{system_id}", f"token:{token}", "token.used", "info", f"by rack {system_id}"
        )


def _token(row: Row) -> TokenRow:
    return TokenRow(
        row.id,
        row.created,
        row.created_by,
        row.expires,
        row.expired,
        row.used,
        SystemId(row.system_id) if row.system_id else None,
    )
