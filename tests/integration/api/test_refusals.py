"""Each refusal has its status, and whatever is refused leaves the database as it was."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest_twisted
from attrs import evolve
from twisted.internet.base import ReactorBase
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.task import deferLater
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from zope.interface import implementer

from maasha.db.dsn import DatabaseSettings
from maasha.db.networks import lock_networks
from maasha.db.transaction import Transaction
from tests.databases import OpenPool, migrated
from tests.integration.api.client import Reply, World, build
from tests.postgres import Server

VLAN = "fabrics/1/vlans/0/"
KEYED = (
    ("GET", "rackcontrollers/"),
    ("PUT", VLAN),
    ("POST", "ipranges/"),
    ("DELETE", "subnets/1/"),
)


async def until(reactor: ReactorBase, is_so: Callable[[], Awaitable[bool]]) -> None:
    """Look every 10 ms until it is so; fail after ten seconds."""
    deadline = reactor.seconds() + 10
    while not await is_so():
        assert reactor.seconds() < deadline, is_so.__name__
        await deferLater(reactor, 0.01)


def dump(server: Server, name: str) -> bytes:
    """Dump a database's rows: without pg_dump's nonces, and numbers that sequences gave in vain."""
    return re.sub(rb"\\(un)?restrict \S+|SELECT pg_catalog.setval.*", b"", server.dump(name))


@pytest_twisted.ensureDeferred
async def test_keys(world: World) -> None:
    """Without a key, or with one that is wrong in any part, one gets a 401 and nothing else."""
    consumer, token, secret = world.admin.key.split(":")
    wrong = ("", f"x:{token}:{secret}", f"{consumer}:x:{secret}", f"{consumer}:{token}:x", "a:b:c")
    for key in wrong:
        client = evolve(world.admin, key=key)
        for method, path in KEYED:
            reply = await client.call(method, path)
            assert reply.status == 401
            assert reply.text.startswith("Authorization Error: ")
            assert reply.headers["www-authenticate"].startswith("OAuth")


@pytest_twisted.ensureDeferred
async def test_key_in_the_query(world: World) -> None:
    """The proof may come in the query."""
    consumer, token, secret = world.admin.key.split(":")
    query = {"oauth_consumer_key": consumer, "oauth_token": token, "oauth_signature": f"&{secret}"}
    assert (await world.nobody.get("users/", op="whoami", **query)).json["username"] == "admin"


@pytest_twisted.ensureDeferred
async def test_users_change_nothing(world: World) -> None:
    """A plain user gets a 403 for every change of the cluster."""
    for method, path in (
        ("PUT", VLAN),
        ("POST", "fabrics/"),
        ("DELETE", "fabrics/1/"),
        ("POST", "fabrics/1/vlans/"),
        ("PUT", "subnets/1/"),
        ("DELETE", f"rackcontrollers/{world.racks[0].system_id}/"),
    ):
        reply = await world.user.call(method, path)
        assert (reply.status, "user may not" in reply.text) == (403, True)


@pytest_twisted.ensureDeferred
async def test_requests_that_fit_nothing(world: World) -> None:
    """A missing slash, an unknown op, a wrong method and a broken body are told apart."""
    call = world.admin.call
    slash = await call("GET", "fabrics")
    assert (slash.status, "try /MAAS/api/2.0/fabrics/" in slash.text) == (404, True)
    op = await call("GET", "users/?op=dance")
    assert (op.status, "use op=whoami" in op.text) == (400, True)
    method = await call("DELETE", "fabrics/")
    assert (method.status, method.headers["allow"]) == (405, "GET, POST")
    assert (await call("HEAD", "fabrics/")).status == 200
    text = {"Content-Type": "text/plain"}
    assert (await call("POST", "fabrics/", data=b"x", headers=text)).status == 400
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    assert (await call("POST", "fabrics/", data=b"rubbish", headers=form)).status == 400
    assert (await call("GET", "fabrics/?a=%ff")).status == 400
    large = b"name=" + b"x" * (1 << 20)
    urlencoded = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await call("POST", "fabrics/", data=large, headers=urlencoded)).status == 413


@pytest_twisted.ensureDeferred
async def test_json_bodies(world: World) -> None:
    """A JSON object of plain values is as good as a form."""
    json = {"Content-Type": "application/json"}
    reply = await world.admin.call("POST", "fabrics/", data=b'{"name": "j"}', headers=json)
    assert reply.json["name"] == "j"
    reply = await world.admin.call("POST", "fabrics/?name=q")
    assert reply.json["name"] == "q"


@pytest_twisted.ensureDeferred
async def test_all_fields_at_once(world: World) -> None:
    """Every wrong field is named in one answer."""
    reply = await world.admin.put(VLAN, mtu="9", dhcp_on="perhaps", lease_time="x", colour="red")
    assert reply.status == 400
    assert set(reply.json) == {"mtu", "dhcp_on", "lease_time", "colour"}


@pytest_twisted.ensureDeferred
async def test_nothing_half_applied(
    world: World, postgres: Server, database: DatabaseSettings
) -> None:
    """Refused changes leave every table as it was, also where the refusal comes last."""
    put, post, delete = world.admin.put, world.admin.post, world.admin.delete
    await post("ipranges/", type="dynamic", start_ip="10.0.0.50", end_ip="10.0.0.99")
    await world.pool.run(
        lambda tx: tx.execute(
            "update vlan set dhcp_on = true, primary_rack = %s where id = 1", world.racks[0].rack
        )
    )
    before = dump(postgres, database.name)
    replies = (
        await put(VLAN, description="new", primary_rack="rack-9"),
        await put(VLAN, primary_rack=""),
        await put("subnets/1/", description="new", managed="false"),
        await delete("ipranges/1/"),
        await put("ipranges/1/", comment="new", type="reserved"),
        await post("ipranges/", type="dynamic", start_ip="10.0.0.90", end_ip="10.0.0.120"),
        await post("fabrics/", name="fabric-0"),
        await post("fabrics/1/vlans/", vid="9", primary_rack="rack-1"),
        await delete("fabrics/1/"),
    )
    assert {reply.status for reply in replies} == {400, 409}
    assert dump(postgres, database.name) == before


@pytest_twisted.ensureDeferred
async def test_a_fault_of_ours(world: World) -> None:
    """A fault is answered with an id and without its details; the API goes on."""
    await world.pool.run(lambda tx: tx.execute("alter table fabric rename to hidden"))
    reply = await world.admin.get("fabrics/")
    assert (reply.status, "fabric" in reply.text) == (500, False)
    await world.pool.run(lambda tx: tx.execute("alter table hidden rename to fabric"))
    assert (await world.admin.get("fabrics/")).status == 200


@pytest_twisted.ensureDeferred
async def test_two_at_once(world: World) -> None:
    """Of two changes that exclude each other one is refused, however close they come."""
    first, second = world.admin.post, world.user.post
    fields = {"type": "reserved", "start_ip": "10.0.0.20", "end_ip": "10.0.0.29"}
    calls = [Deferred.fromCoroutine(post("ipranges/", **fields)) for post in (first, second) * 3]
    replies = await gatherResults(calls)
    assert sorted(reply.status for reply in replies) == [200, 400, 400, 400, 400, 400]


@pytest_twisted.ensureDeferred
async def test_a_client_that_hangs_up(world: World, reactor: ReactorBase) -> None:
    """What was begun is finished when its client goes away, and that is no fault of ours."""
    observe = Failures()

    async def hang_up(tx: Transaction) -> None:
        await lock_networks(tx)
        calling = Deferred.fromCoroutine(world.admin.post("fabrics/", name="late"))

        async def is_waiting() -> bool:
            return await tx.one("select from pg_locks where not granted") is not None

        await until(reactor, is_waiting)
        calling.addErrback(lambda _: None)
        calling.cancel()
        await calling

    globalLogPublisher.addObserver(observe)

    async def is_made() -> bool:
        return "late" in (await world.admin.get("fabrics/")).text

    try:
        await world.pool.run(hang_up)
        await until(reactor, is_made)
    finally:
        globalLogPublisher.removeObserver(observe)
    assert observe.seen == []


@pytest_twisted.ensureDeferred
async def test_database_away(
    own_postgres: Server, reactor: ReactorBase, open_pool: OpenPool
) -> None:
    """While PostgreSQL is away one gets a 503 with Retry-After, and nothing was changed.

    A change that waits for its racks at that moment was committed: it is answered with what was
    seen last.
    """
    settings = await migrated(own_postgres, reactor)
    world = await build(reactor, open_pool(settings, patience=1.0), _Deaf())
    await world.admin.post("ipranges/", type="dynamic", start_ip="10.0.0.50", end_ip="10.0.0.99")
    put = world.admin.put(VLAN, dhcp_on="true", primary_rack="rack-1")
    waiting: Deferred[Reply] = Deferred.fromCoroutine(put)

    async def is_committed() -> bool:
        return bool((await world.admin.get(VLAN)).json["dhcp_on"])

    await until(reactor, is_committed)
    before = dump(own_postgres, settings.name)
    own_postgres.kill()
    committed = await waiting
    assert committed.status == 200
    assert committed.json["dhcp_status"].startswith("pending: ")
    for reply in (
        await world.admin.get("fabrics/"),
        await world.admin.post("fabrics/", name="lost"),
        await world.nobody.call("GET", "", root="/MAAS/rpc/"),
    ):
        assert (reply.status, reply.headers["retry-after"]) == (503, "2")
    assert (await world.nobody.get("describe/")).status == 200
    assert (await world.nobody.get("version/")).status == 200
    own_postgres.start()

    async def is_back() -> bool:
        return (await world.admin.get("fabrics/")).status == 200

    await until(reactor, is_back)
    assert dump(own_postgres, settings.name) == before
    await maybeDeferred(world.port.stopListening)


@implementer(ILogObserver)
class Failures:
    """Keeps the failures that are logged."""

    def __init__(self) -> None:
        self.seen: list[LogEvent] = []

    def __call__(self, event: LogEvent) -> None:
        """Take an event."""
        if "log_failure" in event:
            self.seen.append(event)


class _Deaf:
    """Notices that never come."""

    def subscribe(self, *_: object) -> object:
        """Take a subscriber."""
        return lambda: None
