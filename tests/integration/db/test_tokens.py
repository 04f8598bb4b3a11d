"""A join token lets one registration in, once, as long as the database's clock says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from twisted.internet.defer import Deferred, DeferredList

from maasha.db.events import history
from maasha.db.pool import Pool
from maasha.db.tokens import (
    KEPT,
    TokenSpent,
    TokenTooOld,
    create_token,
    delete_token,
    note_user,
    secret_of,
    token_of,
    tokens,
    use_token,
)
from maasha.model.token import JoinToken, parse_token
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import found, hire, link

HOUR = timedelta(hours=1)
WHO = "user:admin"


async def made(pool: Pool, lasts: timedelta = HOUR) -> JoinToken:
    """Make a token."""
    token, _ = await pool.run(lambda tx: create_token(tx, WHO, lasts))
    return token


async def age(pool: Pool, by: timedelta) -> None:
    """Let time pass for all tokens."""
    await pool.run(lambda tx: tx.execute("update join_token set expires = expires - %s", by))


async def use(pool: Pool, token: JoinToken, registration: str = "first") -> None:
    """Use a token."""
    await pool.run(lambda tx: use_token(tx, token.id, registration))


@asynchronous
async def test_made_and_found(pool: Pool) -> None:
    """It is printed once; what it proves can be looked up, and is in no listing and no event."""
    token = await made(pool)
    assert parse_token(str(token)) == token
    assert await pool.run(lambda tx: secret_of(tx, token.id)) == token.secret
    assert await pool.run(lambda tx: secret_of(tx, "another")) is None
    (row,) = await pool.run(tokens)
    assert (row.id, row.created_by, row.expired, row.used) == (token.id, WHO, False, None)
    assert row == await pool.run(lambda tx: token_of(tx, token.id))
    event = (await pool.run(history))[0]
    assert (event.kind, event.subject) == ("token.created", f"token:{token.id}")
    assert token.secret.hex() not in repr((row, event))


@asynchronous
async def test_used_once(pool: Pool) -> None:
    """Another registration is refused; the same one may come again, its answer may be lost."""
    token = await made(pool)
    await use(pool, token)
    await use(pool, token)
    with pytest.raises(TokenSpent):
        await use(pool, token, "second")


@asynchronous
async def test_a_registration_without_a_name_does_not_come_again(pool: Pool) -> None:
    """Racks that do not name their registration are one each time."""
    token = await made(pool)
    await use(pool, token, "")
    with pytest.raises(TokenSpent):
        await use(pool, token, "")


@asynchronous
async def test_of_two_at_once_one_gets_in(pool: Pool) -> None:
    """The second waits for the first, and is refused when that one has committed."""
    token = await made(pool)
    both = [Deferred.fromCoroutine(use(pool, token, name)) for name in ("first", "second")]
    results: list[tuple[bool, Any]] = await DeferredList(both, consumeErrors=True)
    assert [one.type for success, one in results if not success] == [TokenSpent]


@asynchronous
async def test_expired(pool: Pool) -> None:
    """A token that is too old lets nobody in, and one that was used in time is not too old."""
    used, late = await made(pool), await made(pool)
    await use(pool, used)
    await age(pool, HOUR)
    with pytest.raises(TokenTooOld):
        await use(pool, late)
    await use(pool, used)
    with pytest.raises(TokenSpent):
        await use(pool, used, "second")
    assert [row.expired for row in await pool.run(tokens)] == [True, True]


@asynchronous
async def test_who_used_it(pool: Pool) -> None:
    """The rack is written down with an event, once; it may be deleted later."""
    token = await made(pool)
    rack = await link(pool, await hire(pool, await found(pool), 0), "rack1")
    await use(pool, token)
    for _ in range(2):
        await pool.run(lambda tx: note_user(tx, token.id, rack.rack, rack.system_id))
    row = await pool.run(lambda tx: token_of(tx, token.id))
    assert row is not None
    assert row.used_by == rack.system_id
    assert [one.kind for one in await pool.run(history)].count("token.used") == 1


@asynchronous
async def test_deleted(pool: Pool) -> None:
    """A deleted token is as unknown as one that never was."""
    token = await made(pool)
    assert await pool.run(lambda tx: delete_token(tx, WHO, token.id))
    assert not await pool.run(lambda tx: delete_token(tx, WHO, token.id))
    assert await pool.run(lambda tx: secret_of(tx, token.id)) is None
    assert await pool.run(lambda tx: token_of(tx, token.id)) is None
    with pytest.raises(TokenTooOld):
        await use(pool, token)


@asynchronous
async def test_old_ones_are_forgotten(pool: Pool) -> None:
    """A month after its end a token goes when the next is made."""
    await made(pool)
    await age(pool, KEPT + HOUR)
    newest = await made(pool)
    assert [row.id for row in await pool.run(tokens)] == [newest.id]
