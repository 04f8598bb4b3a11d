"""The shared secret is replaced in two steps, between which both are valid."""

from __future__ import annotations

import pytest

from maasha.db.events import history
from maasha.db.instance import create_instance, read
from maasha.db.pool import Pool
from maasha.db.rotation import NoRotation, RotationOpen, begin_rotation, finish_rotation
from tests.asynchronous import asynchronous

WHO = "maasha-region"


@asynchronous
async def test_two_secrets_and_then_one(pool: Pool) -> None:
    """The new one comes first; racks' keys are not touched."""
    before = await pool.run(create_instance)
    assert len(before.secrets) == 1
    open_now = await pool.run(lambda tx: begin_rotation(tx, WHO))
    assert open_now.secrets[1:] == before.secrets
    assert open_now.secrets[0] != before.secrets[0]
    assert open_now.rotated is not None
    after = await pool.run(lambda tx: finish_rotation(tx, WHO))
    assert after == await pool.run(read)
    assert after.secrets == open_now.secrets[:1]
    assert (after.rotated, after.key_root) == (None, before.key_root)
    kinds = [event.kind for event in await pool.run(history)]
    assert kinds[:2] == ["secret.rotation-finished", "secret.rotation-begun"]


@asynchronous
async def test_each_step_at_its_time(pool: Pool) -> None:
    """A third secret is not made, and the only one is not dropped."""
    await pool.run(create_instance)
    with pytest.raises(NoRotation, match="begin one"):
        await pool.run(lambda tx: finish_rotation(tx, WHO))
    open_now = await pool.run(lambda tx: begin_rotation(tx, WHO))
    with pytest.raises(RotationOpen, match="--finish"):
        await pool.run(lambda tx: begin_rotation(tx, WHO))
    assert await pool.run(read) == open_now


@asynchronous
async def test_no_secret_is_shown(pool: Pool) -> None:
    """What an instance looks like in a log holds none of them."""
    await pool.run(create_instance)
    found = await pool.run(lambda tx: begin_rotation(tx, WHO))
    for secret in (found.secret, found.old_secret, found.key_root, found.omapi_secret):
        assert str(secret) not in repr(found)
