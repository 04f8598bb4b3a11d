"""Users and their API keys."""

from __future__ import annotations

import pytest
import pytest_twisted

from maasha.db.accounts import (
    NoSuchUser,
    StoredKey,
    api_keys,
    create_admin,
    create_api_key,
    find_key,
    users,
)
from maasha.db.pool import Pool
from maasha.db.transaction import Transaction


@pytest_twisted.ensureDeferred
async def test_admin(pool: Pool) -> None:
    """Making an administrator twice keeps one, and an address that is given replaces the old."""
    await pool.run(lambda tx: create_admin(tx, "ann", "a@b"))
    again = await pool.run(lambda tx: create_admin(tx, "ann"))
    assert (again.email, again.is_superuser) == ("a@b", True)
    assert (await pool.run(lambda tx: create_admin(tx, "ann", "c@d"))).email == "c@d"
    assert await pool.run(users) == (await pool.run(lambda tx: create_admin(tx, "ann")),)


@pytest_twisted.ensureDeferred
async def test_keys(pool: Pool) -> None:
    """A key has MAAS's lengths, is found by its public parts and shows no secret."""

    async def work(tx: Transaction) -> tuple[str, StoredKey | None]:
        await create_admin(tx, "ann")
        key = await create_api_key(tx, "ann")
        consumer, token, _ = key.split(":")
        return key, await find_key(tx, consumer, token)

    key, stored = await pool.run(work)
    assert [len(part) for part in key.split(":")] == [18, 18, 32]
    assert stored is not None
    assert stored.user.username == "ann"
    assert stored.token_secret == key.split(":")[2]
    assert stored.token_secret not in repr(stored)
    second = await pool.run(lambda tx: create_api_key(tx, "ann"))
    assert await pool.run(lambda tx: api_keys(tx, "ann")) == (key, second)


@pytest_twisted.ensureDeferred
async def test_nobody(pool: Pool) -> None:
    """Nobody gets no key."""
    with pytest.raises(NoSuchUser, match="createadmin"):
        await pool.run(lambda tx: create_api_key(tx, "bob"))
    assert await pool.run(lambda tx: api_keys(tx, "bob")) == ()
    assert await pool.run(lambda tx: find_key(tx, "c", "t")) is None
