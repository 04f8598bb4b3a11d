"""Errors travel with their fields, bounded, and readable by people."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maasha.model.cluster import Endpoint, EventLoop, Ownership, WorkerId
from maasha.model.stamp import Stamp
from maasha.rpc.errors import (
    CUT,
    LIMIT,
    TRAVELLING,
    BadArgument,
    Busy,
    DeadlineExceeded,
    Deleted,
    DhcpRefused,
    Forgotten,
    LinkLost,
    MessageTooLong,
    NotMoved,
    NotOffered,
    NotOwner,
    OutOfOrder,
    Redirect,
    RegistrationRefused,
    RemoteFailure,
    RpcError,
    StaleEpoch,
    TokenExpired,
    TokenUsed,
    TooManyLinks,
    Unavailable,
    Unreachable,
    WrongInstance,
    WrongSecret,
    WrongVersion,
    code_of,
    describe,
    recognise,
)
from maasha.rpc.versions import Versions

EXAMPLES: tuple[tuple[RpcError, str], ...] = (
    (RemoteFailure("10.0.0.1:4711#3", "to carry out Own"), "look for 10.0.0.1:4711#3 in its log"),
    (BadArgument("cursor", "missing"), "argument cursor: missing"),
    (DeadlineExceeded("Own", 10.0), "Own had no answer within 10 s"),
    (MessageTooLong("Own", 20_000_000, 16_777_216), "split it into several calls"),
    (OutOfOrder("Prove"), "the handshake is Hello, Prove, Register"),
    (WrongSecret("rack"), "register the rack again with the secret of the region"),
    (WrongSecret("rack", "token"), "wrong token: the rack's proof does not fit; make another"),
    (WrongSecret("region", "key"), "wrong key: the region's proof does not fit; if the region"),
    (TokenExpired("k3f8"), "make another with `maasha-region token`"),
    (TokenUsed("k3f8"), "look at the events"),
    (TooManyLinks(3), "too many connections: this worker has its 3 links"),
    (Forgotten("acdefg"), "`maasha rack-controller readmit acdefg`"),
    (WrongVersion(Versions(2, 3), Versions(1, 1)), "upgrade the older side"),
    (WrongInstance(UUID(int=1), UUID(int=2)), "correct the rack's maas_url"),
    (Deleted("acdefg"), "retired: rack acdefg was deleted from this instance; register it anew"),
    (RegistrationRefused("the name is taken"), "the name is taken"),
    (StaleEpoch(Stamp(1, 2), Stamp(1, 3)), "claim the rack first"),
    (DhcpRefused("line 3: semicolon expected"), "line 3: semicolon expected"),
    (NotOwner(Ownership(WorkerId(4), Stamp(1, 3))), "worker 4 does"),
    (NotOwner(None), "nobody does yet"),
    (NotMoved("no link to b:pid=7"), "stays where it is"),
    (Redirect(EventLoop("b:pid=7", (Endpoint("10.0.0.9", 5251),), 0.5)), "b:pid=7 takes more"),
    (Unavailable("no database", 2.5), "try again in 2.5 s"),
)


@pytest.mark.parametrize(("error", "advice"), EXAMPLES)
def test_an_error_travels_with_its_fields(error: RpcError, advice: str) -> None:
    """The other side gets the same type with the same fields and the same words."""
    got = recognise(code_of(type(error)), describe(error))
    assert type(got) is type(error)
    assert attrs.asdict(got) == attrs.asdict(error)
    assert advice in str(got)
    assert advice in json.loads(describe(error))["message"]


def test_every_travelling_error_has_an_example() -> None:
    """None is forgotten above, and none has a field that the message would hide."""
    assert {type(error) for error, _ in EXAMPLES} == set(TRAVELLING)
    names = {field.name for cls in TRAVELLING for field in attrs.fields(cls)}
    assert "message" not in names


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (LinkLost("silent"), "lost: silent; ask again"),
        (Busy(1024), "1024 calls wait already"),
        (Unreachable("refused"), "no connection: refused"),
        (NotOffered("unknown command b'X'"), "does not take this command now"),
        (RemoteFailure("", "X: y"), "look for the cause"),
    ],
)
def test_a_local_error_says_what_to_do(error: RpcError, words: str) -> None:
    """Errors that never travel speak to people, too."""
    assert words in str(error)


@given(st.text(max_size=200), st.integers(0, 40_000))
def test_a_long_listing_is_cut_to_the_limit(start: str, length: int) -> None:
    """The box stays below 16 KiB whatever dhcpd has to say; the start is what remains."""
    listing = start.replace("\0", "") + "é\n" * length
    text = describe(DhcpRefused(listing))
    assert len(text) <= LIMIT
    got = recognise(b"DhcpRefused", text)
    assert isinstance(got, DhcpRefused)
    assert got.listing == listing or got.listing.endswith(CUT)
    assert listing.startswith(got.listing.removesuffix(CUT))


def test_all_long_texts_are_cut_in_turn() -> None:
    """Two long texts do not break the limit either."""
    got = recognise(b"BadArgument", describe(BadArgument("a" * 20_000, "r" * 30_000)))
    assert isinstance(got, BadArgument)
    assert len(got.argument) + len(got.reason) <= LIMIT


def test_an_unknown_command_is_not_offered() -> None:
    """AMP's own code keeps its meaning."""
    assert isinstance(recognise(b"UNHANDLED", b"Unhandled Command: b'X'"), NotOffered)


@pytest.mark.parametrize(
    ("code", "description"),
    [
        (b"UNKNOWN", b"Unknown Error"),
        (b"WrongSecret", b"it is wrong"),
        (b"WrongSecret", b'{"message":"it is wrong"}'),
        (b"\xff", b"\xff"),
        (b"", b""),
    ],
)
def test_a_strange_error_is_quoted(code: bytes, description: bytes) -> None:
    """What this code cannot read becomes a RemoteFailure with the peer's words."""
    got: Any = recognise(code, description)
    assert isinstance(got, RemoteFailure)
    assert description.decode("utf-8", "replace") in got.text
