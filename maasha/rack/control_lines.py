"""The lines between rackd and those who ask it something on its own host: JSON, version 1.

A connection has one request and its answer. The request is a line

    {"version": 1, "ask": "links", "with": {...}}

and the answer any number of lines `{"item": ...}`, then `{"done": true}` or
`{"refused": "why, and what to do"}`. Whoever asked may hang up at any time; an answer that ends
without one of these was cut off.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, assert_never

from attrs import field, frozen

VERSION = 1
LINKS, TRACE, LOOKOUT = "links", "rpc-trace", "lookout"
DHCP_STATUS, DHCP_ORDER = "dhcp-status", "dhcp-order"
"""What can be asked."""
LONGEST_REQUEST = 64 * 1024
"""Bytes of a request's line."""


class Refused(Exception):
    """What was asked is not done; the message is for people."""


@frozen
class Request:
    """What is asked, and its details; each question checks its own."""

    ask: str
    details: dict[str, Any] = field(factory=dict)


@frozen
class Item:
    """A part of an answer: whatever JSON carries."""

    value: Any


@frozen
class Done:
    """The end of an answer that is complete."""


Answer = Item | Done | Refused


def socket_in(data_dir: Path) -> Path:
    """Say where the rackd with this data folder listens."""
    return data_dir / "control.sock"


def write_request(request: Request) -> bytes:
    """Write a request as a line."""
    return _line({"version": VERSION, "ask": request.ask, "with": request.details})


def read_request(line: bytes) -> Request:
    """Read a request; raises Refused."""
    loose = _loose(line)
    if loose.get("version") != VERSION:
        raise Refused(f"this rackd speaks version {VERSION}: use the maasha-rack beside it")
    ask, details = loose.get("ask"), loose.get("with", {})
    if not isinstance(ask, str) or not isinstance(details, dict):
        raise Refused('a request is {"version": 1, "ask": TEXT, "with": {...}}')
    return Request(ask, details)


def write_answer(answer: Answer) -> bytes:
    """Write a part of an answer as a line."""
    match answer:
        case Item(value):
            return _line({"item": value})
        case Refused():
            return _line({"refused": str(answer)})
        case Done():
            return _line({"done": True})
        case _:
            assert_never(answer)


def read_answer(line: bytes) -> Answer:
    """Read a part of an answer; raises Refused where it is none."""
    loose = _loose(line)
    if "item" in loose:
        return Item(loose["item"])
    if loose.get("done") is True:
        return Done()
    why = loose.get("refused")
    if isinstance(why, str):
        return Refused(why)
    raise Refused("this is no answer of a rackd: is something else behind its socket?")


def _line(loose: dict[str, Any]) -> bytes:
    return json.dumps(loose, separators=(",", ":")).encode() + b"\n"


def _loose(line: bytes) -> dict[str, Any]:
    try:
        loose = json.loads(line)
    except (ValueError, RecursionError):
        loose = None
    if not isinstance(loose, dict):
        raise Refused("a line of this protocol is a JSON object")
    return loose
