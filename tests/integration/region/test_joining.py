"""What a rack proved decides what its registration may do."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from maasha.db.instance import Instance
from maasha.db.rotation import begin_rotation, finish_rotation
from maasha.db.strays import readmit, strays
from maasha.db.tokens import create_token
from maasha.model.cluster import EventLoop, SystemId
from maasha.model.dhcp import DhcpPlan
from maasha.model.stamp import Stamp
from maasha.model.token import JoinToken
from maasha.region.credentials import TICK, Credentials
from maasha.rpc.credentials import OWN_KEY, Credential, Kind
from maasha.rpc.errors import (
    Deleted,
    Forgotten,
    Redirect,
    RegistrationRefused,
    TokenExpired,
    TokenUsed,
    TooManyLinks,
    Unavailable,
)
from tests.asynchronous import asynchronous
from tests.integration.region.at_rest import WatchedPool, after, at_rest
from tests.integration.region.rack import Rack, Town
from tests.integration.region.worker import LIMIT, Worker

HOUR = timedelta(hours=1)


@pytest.fixture
def rack(tmp_path: Path) -> Rack:
    """Give a rack that was registered with a token."""
    made = Rack(tmp_path, "rack1", Town(), "10.0.0.1/24")
    made.memory.register(JoinToken("unused", bytes(16)), "first")
    return made


async def a_token(pool: WatchedPool, lasts: timedelta = HOUR) -> Credential:
    """Make a token."""
    token, _ = await pool.run(lambda tx: create_token(tx, "user:admin", lasts))
    return Credential(Kind.TOKEN, token.id)


@asynchronous
async def test_a_token_lets_one_rack_in(
    worker: Worker, pool: WatchedPool, clock: Clock, rack: Rack, tmp_path: Path
) -> None:
    """The second is told that it was used; the first may come again, its answer may be lost."""
    token = await a_token(pool)
    first = await rack.join(worker.registration, credential=token)
    other = Rack(tmp_path / "other", "rack2", Town())
    with pytest.raises(TokenUsed):
        await other.join(worker.registration, credential=token)
    await worker.registration.part(next(iter(worker.connections)), "the answer was lost")
    await at_rest(pool, clock)
    (rack.memory.folder / "system_id").unlink()
    again = await rack.join(worker.registration, credential=token)
    assert again.system_id == first.system_id
    used_by = "select system_id from join_token join rack on rack.id = rack_id"
    assert await pool.run(lambda tx: tx.value(used_by)) == first.system_id


@asynchronous
async def test_an_expired_token_lets_nobody_in(
    worker: Worker, pool: WatchedPool, rack: Rack
) -> None:
    """Nothing of the rack stays."""
    token = await a_token(pool)
    await pool.run(lambda tx: tx.execute("update join_token set expires = now()"))
    with pytest.raises(TokenExpired):
        await rack.join(worker.registration, credential=token)
    assert await pool.run(lambda tx: tx.value("select count(*) from rack")) == 0


@asynchronous
async def test_a_refused_registration_uses_no_token_up(
    worker: Worker, pool: WatchedPool, rack: Rack, tmp_path: Path
) -> None:
    """Whoever mends what was wrong can try again with it."""
    await rack.join(worker.registration)
    twin, token = Rack(tmp_path / "twin", "rack1", Town()), await a_token(pool)
    with pytest.raises(RegistrationRefused, match="linked under the name rack1"):
        await twin.join(worker.registration, credential=token)
    assert await pool.run(lambda tx: tx.value("select used from join_token")) is None


@asynchronous
async def test_a_token_proves_nobodys_name(worker: Worker, pool: WatchedPool, rack: Rack) -> None:
    """Else whoever has a token would get the key of any rack."""
    await rack.join(worker.registration)
    with pytest.raises(RegistrationRefused, match="proves nobody's name"):
        await rack.join(worker.registration, credential=await a_token(pool))


@asynchronous
async def test_a_worker_takes_so_many_links_and_no_more(
    worker: Worker, rack: Rack, tmp_path: Path
) -> None:
    """The rack hears how many; when one of them goes there is room again."""
    for number in range(LIMIT):
        await Rack(tmp_path / str(number), f"other{number}", Town()).join(worker.registration)
    with pytest.raises(TooManyLinks) as refused:
        await rack.join(worker.registration)
    assert refused.value.limit == LIMIT
    await worker.registration.part(next(iter(worker.connections)), "gone")
    await rack.join(worker.registration)


@asynchronous
async def test_a_full_worker_names_another(
    worker: Worker, second: Worker, rack: Rack, tmp_path: Path
) -> None:
    """The one that has the least to carry."""
    for number in range(LIMIT):
        await Rack(tmp_path / str(number), f"other{number}", Town()).join(worker.registration)
    with pytest.raises(Redirect) as refused:
        await rack.join(worker.registration)
    assert refused.value.to == EventLoop("region1:pid=101", second.endpoints)
    await rack.join(second.registration)


@asynchronous
async def test_a_rack_that_a_restore_lost_is_readmitted(
    worker: Worker, pool: WatchedPool, clock: Clock, rack: Rack
) -> None:
    """It is listed, serves on, comes in by one command, and still serves the same afterwards."""
    rack.memory.belong(SystemId("abc346"), worker.standing.instance.id)
    plan = DhcpPlan(Stamp(1, 9), "subnet;", ("eth1",), ())
    rack.server.plan = plan
    for _ in range(2):
        with pytest.raises(Forgotten):
            await rack.join(worker.registration, credential=OWN_KEY)
    (stray,) = await pool.run(strays)
    assert (stray.hostname, stray.serving) == ("rack1", True)
    await pool.run(lambda tx: readmit(tx, "user:admin", stray.system_id))
    welcome = await rack.join(worker.registration, credential=OWN_KEY)
    assert welcome.system_id == "abc346"
    await after(pool, clock, 6.0, 6.0)
    assert rack.obedience.owner is not None
    assert rack.server.plan is plan


@asynchronous
async def test_one_that_was_turned_away_is_told_so(
    worker: Worker, pool: WatchedPool, rack: Rack
) -> None:
    """Its key buys that one answer."""
    rack.memory.belong(SystemId("abc346"), worker.standing.instance.id)
    with pytest.raises(Forgotten):
        await rack.join(worker.registration, credential=OWN_KEY)
    turned = "insert into rack (system_id, hostname, version, deleted) values (%s, '', '', now())"
    await pool.run(lambda tx: tx.execute(turned, "abc346"))
    with pytest.raises(Deleted):
        await rack.join(worker.registration, credential=OWN_KEY)


@asynchronous
async def test_a_worker_follows_a_rotation(worker: Worker, pool: WatchedPool, clock: Clock) -> None:
    """At a notice, or by itself a little later; what has not changed is not told."""
    told: list[Instance] = []
    credentials = Credentials(clock, pool, told.append)
    credentials.know(worker.standing.instance)
    credentials.startService()
    await after(pool, clock, TICK)
    assert told == []
    begun = await pool.run(lambda tx: begin_rotation(tx, "maasha-region"))
    credentials.wake()
    await at_rest(pool, clock)
    assert told == [begun]
    await pool.run(lambda tx: finish_rotation(tx, "maasha-region"))
    await after(pool, clock, TICK)
    assert [len(found.secrets) for found in told] == [2, 1]
    await pool.stop()
    await after(pool, clock, TICK)
    assert len(told) == 2
    credentials.stopService()


@asynchronous
async def test_tokens_are_looked_up(pool: WatchedPool, clock: Clock) -> None:
    """By the public id; without database the rack is told to come again."""
    credentials = Credentials(clock, pool, lambda _: None)
    token, _ = await pool.run(lambda tx: create_token(tx, "user:admin", HOUR))
    assert await credentials.token_secret(token.id) == token.secret
    assert await credentials.token_secret("another") is None
    await pool.stop()
    with pytest.raises(Unavailable):
        await credentials.token_secret(token.id)
