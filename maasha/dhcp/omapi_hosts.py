"""Has a running dhcpd take up fixed hosts, move them and drop them over OMAPI, and looks after it.

It answers clients between two commands, a command takes it half a millisecond.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from time import monotonic
from typing import assert_never

from attrs import frozen
from pypureomapi import OMAPI_OP_STATUS, OMAPI_OP_UPDATE, Omapi, OmapiMessage
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from maasha.dhcp.errors import OmapiSilent
from maasha.dhcp.hosts import Add, Drop, Host, Move, Operation
from maasha.dhcp.omapi import conversation
from maasha.dhcp.reactor import IReactorDhcp
from maasha.dhcp.render import OMAPI_PORT

DEADLINE = 60.0
"""Seconds for all of it: 30,000 hosts. Whoever asked waits twice as long."""
ONE = b"\0\0\0\1"
"""Ethernet as a hardware type, and a true flag."""


@frozen
class _Found:
    handle: int
    name: bytes
    addresses: bytes


async def change_hosts(
    reactor: IReactorDhcp,
    pool: ThreadPool,
    secret: str,
    steps: Sequence[Operation],
    wanted: Mapping[str, Host | None],
    port: int = OMAPI_PORT,
) -> None:
    """Carry out the steps, then see that each MAC of `wanted` is known just so.

    Raises OmapiSilent: it is not, or nobody knows. A host's name cannot be asked for.
    """
    end = monotonic() + DEADLINE
    await deferToThreadPool(reactor, pool, _change, secret.encode(), steps, wanted, port, end)


def _change(
    secret: bytes,
    steps: Sequence[Operation],
    wanted: Mapping[str, Host | None],
    port: int,
    end: float,
) -> None:
    """Do it, blocking; every wait in here ends by the socket's timeout."""
    with conversation(secret, port) as omapi:
        for step in steps:
            _in_time(end)
            _carry_out(omapi, step)
        for mac, host in wanted.items():
            _in_time(end)
            _verify(omapi, mac, host)


def _in_time(end: float) -> None:
    if monotonic() > end:
        raise OmapiSilent(f"not all hosts were changed within {DEADLINE} s")


def _carry_out(omapi: Omapi, step: Operation) -> None:
    match step:
        case Drop(mac):
            found = _look_up(omapi, mac)
            if found is not None:
                answer = omapi.query_server(OmapiMessage.delete(found.handle))
                _require_done(answer, f"host {mac} was not deleted")
        case Move(mac, addresses):
            _move(omapi, mac, addresses)
        case Add(host):
            answer = omapi.query_server(_new(host))
            if answer.opcode != OMAPI_OP_UPDATE:
                raise OmapiSilent(f"host {host.mac} was not added: {_words(answer)}")
        case _:
            assert_never(step)


def _move(omapi: Omapi, mac: str, addresses: Sequence[str]) -> None:
    found = _look_up(omapi, mac)
    if found is None:
        raise OmapiSilent(f"it does not know host {mac}, which it should")
    change = OmapiMessage.update(found.handle)
    change.obj.append((b"ip-address", _packed(addresses)))
    _require_done(omapi.query_server(change), f"host {mac} was not changed")


def _new(host: Host) -> OmapiMessage:
    """Ask for a host whose MAC and name are free: `exclusive` refuses others."""
    message = OmapiMessage.open(b"host")
    message.message += [(b"create", ONE), (b"exclusive", ONE)]
    message.obj += [(b"name", host.label.encode()), *_hardware(host.mac)]
    message.obj.append((b"ip-address", _packed(host.addresses)))
    if host.options:
        message.obj.append((b"statements", host.options.encode()))
    return message


def _verify(omapi: Omapi, mac: str, host: Host | None) -> None:
    found = _look_up(omapi, mac)
    known = None if found is None else (found.name, found.addresses)
    if known != (None if host is None else (host.label.encode(), _packed(host.addresses))):
        raise OmapiSilent(f"it knows another host {mac} than it was told")


def _look_up(omapi: Omapi, mac: str) -> _Found | None:
    question = OmapiMessage.open(b"host")
    question.obj += _hardware(mac)
    answer = omapi.query_server(question)
    if answer.opcode != OMAPI_OP_UPDATE:
        return None
    found = dict(answer.obj)
    return _Found(answer.handle, found.get(b"name", b""), found.get(b"ip-address", b""))


def _hardware(mac: str) -> list[tuple[bytes, bytes]]:
    return [(b"hardware-address", bytes.fromhex(mac.replace(":", ""))), (b"hardware-type", ONE)]


def _packed(addresses: Sequence[str]) -> bytes:
    return b"".join(IPv4Address(address).packed for address in addresses)


def _require_done(answer: OmapiMessage, otherwise: str) -> None:
    result = dict(answer.message).get(b"result", b"")
    if answer.opcode != OMAPI_OP_STATUS or any(result):
        raise OmapiSilent(f"{otherwise}: {_words(answer)}")


def _words(answer: OmapiMessage) -> str:
    return str(dict(answer.message).get(b"message", b"?").decode(errors="replace"))
