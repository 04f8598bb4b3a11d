"""An API client and a small cluster for these tests: real HTTP, real PostgreSQL, no racks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from ipaddress import ip_interface
from typing import Any
from uuid import uuid4

import treq
from attrs import frozen
from twisted.internet.address import IPv4Address
from twisted.internet.base import ReactorBase
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort
from twisted.web.resource import Resource
from twisted.web.server import Site

from maasha.api.services import ApiServices
from maasha.api.site import make_resource
from maasha.db.accounts import create_admin, create_api_key
from maasha.db.instance import create_instance
from maasha.db.interfaces import store_interfaces
from maasha.db.pool import Pool
from maasha.db.racks import Registered, register_link
from maasha.db.regions import Identity, publish_endpoints, register_region, register_worker
from maasha.db.transaction import Transaction
from maasha.model.cluster import Endpoint, Introduction, WorkerId
from maasha.model.network import Interface

TIMEOUT = 15.0
"""Seconds; a PUT that waits for racks takes ten."""


@frozen
class Reply:
    """What the API answered."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)


@frozen
class Client:
    """Calls the API as one user; without a key as nobody."""

    origin: str
    key: str = ""

    async def get(self, path: str, **query: str) -> Reply:
        """GET a path below the API's root."""
        return await self.call("GET", path, params=query)

    async def post(self, path: str, **fields: str) -> Reply:
        """POST a form as MAAS's client does: multipart."""
        parts = (
            f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        )
        body = "".join(parts) + "--edge--\r\n"
        headers = {"Content-Type": "multipart/form-data; boundary=edge"}
        return await self.call("POST", path, data=body.encode(), headers=headers)

    async def put(self, path: str, **fields: str) -> Reply:
        """PUT a form."""
        return await self.call("PUT", path, data=fields)

    async def delete(self, path: str, **query: str) -> Reply:
        """DELETE a path."""
        return await self.call("DELETE", path, params=query)

    async def call(
        self, method: str, path: str, root: str = "/MAAS/api/2.0/", **more: Any
    ) -> Reply:
        """Make a request; `more` are treq's keywords."""
        headers = {**self._signature(), **more.pop("headers", {})}
        url = self.origin + root + path
        response = await treq.request(method, url, headers=headers, timeout=TIMEOUT, **more)
        text = await treq.text_content(response)
        names = [name.decode().lower() for name, _ in response.headers.getAllRawHeaders()]
        found = {name: response.headers.getRawHeaders(name)[0] for name in names}
        return Reply(response.code, text, found)

    def _signature(self) -> dict[str, str]:
        if not self.key:
            return {}
        consumer, token, secret = self.key.split(":")
        fields = {
            "oauth_version": "1.0",
            "oauth_signature_method": "PLAINTEXT",
            "oauth_consumer_key": consumer,
            "oauth_token": token,
            "oauth_signature": f"%26{secret}",
            "oauth_nonce": "1",
            "oauth_timestamp": "1",
        }
        listed = ", ".join(f'{name}="{value}"' for name, value in fields.items())
        return {"Authorization": f"OAuth {listed}"}


@frozen
class World:
    """A region with one live worker, two racks on 10.0.0.0/24, an admin and a plain user."""

    pool: Pool
    admin: Client
    user: Client
    worker: WorkerId
    racks: tuple[Registered, Registered]
    port: IListeningPort

    @property
    def nobody(self) -> Client:
        """A client without a key."""
        return Client(self.admin.origin)


def interface(*addresses: str, name: str = "eth0") -> Interface:
    """Make an interface."""
    return Interface(name, "52:54:00:00:00:01", tuple(map(ip_interface, addresses)))


async def add_rack(pool: Pool, worker: WorkerId, hostname: str, *addresses: str) -> Registered:
    """Link a rack with one interface."""

    async def work(tx: Transaction) -> Registered:
        introduction = Introduction(hostname, "0.1.0")
        rack = await register_link(tx, introduction, worker, "192.0.2.9:40000")
        await store_interfaces(tx, rack.rack, (interface(*addresses),))
        return rack

    return await pool.run(work)


async def add_worker(pool: Pool, hostname: str, slot: int, *endpoints: Endpoint) -> WorkerId:
    """Register a live worker of a region."""

    async def work(tx: Transaction) -> WorkerId:
        region = await register_region(tx, hostname, "0.1.0")
        worker, epoch = await register_worker(
            tx, Identity(region, slot, 100 + slot, uuid4(), "boot")
        )
        await publish_endpoints(tx, worker, epoch, endpoints)
        return worker

    return await pool.run(work)


async def add_user(tx: Transaction, username: str, *, is_superuser: bool) -> str:
    """Make a user and a key."""
    await create_admin(tx, username)
    await tx.execute(
        "update user_account set is_superuser = %s where username = %s", is_superuser, username
    )
    return await create_api_key(tx, username)


async def serve(reactor: ReactorBase, services: ApiServices) -> IListeningPort:
    """Serve the API on a free port of the loopback."""
    root = Resource()
    root.putChild(b"MAAS", make_resource(services))
    site = Site(root, parsePOSTFormSubmission=False)
    port: IListeningPort = await serverFromString(reactor, "tcp:0:interface=127.0.0.1").listen(site)
    return port


async def build(reactor: ReactorBase, pool: Pool, notices: Any) -> World:
    """Make the world."""
    instance = await pool.run(create_instance)
    worker = await add_worker(pool, "region-1", 0, Endpoint("192.0.2.1", 5250))
    racks = (
        await add_rack(pool, worker, "rack-1", "10.0.0.1/24", "fd00::1/64"),
        await add_rack(pool, worker, "rack-2", "10.0.0.2/24"),
    )
    admin = await pool.run(lambda tx: add_user(tx, "admin", is_superuser=True))
    user = await pool.run(lambda tx: add_user(tx, "user", is_superuser=False))
    port = await serve(reactor, ApiServices(pool, notices, reactor, "0.1.0", instance.id))
    address = port.getHost()
    assert isinstance(address, IPv4Address)
    origin = f"http://127.0.0.1:{address.port}"
    return World(pool, Client(origin, admin), Client(origin, user), worker, racks, port)
