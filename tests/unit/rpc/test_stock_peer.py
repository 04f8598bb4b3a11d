"""Controllers written elsewhere need nothing but stock AMP, hashlib and the protocol page."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import Clock
from twisted.protocols import amp

from maasha.model.codec import to_json
from maasha.rpc.ground import Ground
from maasha.rpc.rack_side import join
from tests.unit.rpc.parts import (
    EPOCH,
    INSTANCE,
    INTRODUCTION,
    PLAN,
    RACK_FACTS,
    REGION,
    REPORT,
    SECRET,
    WELCOME,
    Counter,
    Hands,
    House,
    Line,
    error_of,
    house,
    value_of,
)


class WrongSecret(Exception):
    """What a foreign controller makes of the code."""


class Hello(amp.Command):
    """The same command in stock terms."""

    arguments = [
        (b"lowest", amp.Integer()),
        (b"highest", amp.Integer()),
        (b"version", amp.Unicode()),
        (b"system_id", amp.Unicode(optional=True)),
        (b"instance", amp.Unicode(optional=True)),
        (b"credential", amp.Unicode()),
        (b"nonce", amp.String()),
    ]
    response = [
        (b"protocol", amp.Integer()),
        (b"lowest", amp.Integer()),
        (b"highest", amp.Integer()),
        (b"version", amp.Unicode()),
        (b"system_id", amp.Unicode()),
        (b"instance", amp.Unicode()),
        (b"nonce", amp.String()),
    ]


class Prove(amp.Command):
    """The same command in stock terms."""

    arguments = [(b"proof", amp.String())]
    response = [(b"proof", amp.String())]
    errors = {WrongSecret: b"WrongSecret"}


class Register(amp.Command):
    """The same command in stock terms."""

    arguments = [(b"introduction", amp.Unicode())]
    response = [(b"welcome", amp.Unicode()), (b"key", amp.String(optional=True))]


class Own(amp.Command):
    """The same command in stock terms."""

    arguments = [(b"epoch", amp.Unicode())]
    response = [(b"report", amp.Unicode())]


class ConfigureDHCP(amp.Command):
    """The same command in stock terms, for short plans."""

    arguments = [(b"epoch", amp.Unicode()), (b"plan", amp.Unicode())]
    response = [(b"report", amp.Unicode())]


class Ping(amp.Command):
    """The same command in stock terms."""


def proof_of(side: bytes, fields: tuple[bytes, ...], secret: bytes = SECRET) -> bytes:
    """Prove as the page says."""
    said = b"".join(len(each).to_bytes(4, "big") + each for each in (side, *fields))
    return hmac.new(secret, said, hashlib.sha256).digest()


def said(greeting: dict[str, Any], hello: dict[str, Any]) -> tuple[bytes, ...]:
    """Give the fields of the transcript."""
    return (
        b"maasha handshake 1",
        b"%d" % hello["lowest"],
        b"%d" % hello["highest"],
        hello["version"].encode(),
        (hello.get("system_id") or "").encode(),
        (hello.get("instance") or "").encode(),
        hello["credential"].encode(),
        b"",
        hello["nonce"],
        b"%d" % greeting["protocol"],
        b"%d" % greeting["lowest"],
        b"%d" % greeting["highest"],
        greeting["version"].encode(),
        greeting["system_id"].encode(),
        greeting["instance"].encode(),
        greeting["nonce"],
        b"",
    )


class StockRack(amp.AMP):
    """A rack on stock AMP."""

    pings = 0

    async def join(self, secret: bytes = SECRET) -> dict[str, Any]:
        """Prove and register; gives the welcome."""
        hello: dict[str, Any] = {
            "lowest": 1,
            "highest": 1,
            "version": "x",
            "credential": "secret",
            "nonce": b"n" * 32,
        }
        greeting = await self.callRemote(Hello, **hello)
        fields = said(greeting, hello)
        answer = await self.callRemote(Prove, proof=proof_of(b"rack", fields, secret))
        assert answer["proof"] == proof_of(b"region", fields)
        welcome = await self.callRemote(Register, introduction='{"hostname":"h","version":"x"}')
        parsed: dict[str, Any] = json.loads(welcome["welcome"])
        return parsed

    @Ping.responder
    def ping(self) -> dict[str, object]:
        """Answer."""
        self.pings += 1
        return {}

    @Own.responder
    def own(self, epoch: str) -> dict[str, object]:
        """Serve nothing."""
        assert json.loads(epoch) == {"incarnation": 1, "counter": 4}
        return {"report": '{"serving":false,"problem":"\\u00e9"}'}


class StockRegion(amp.AMP):
    """A region on stock AMP."""

    fields: tuple[bytes, ...]

    @Hello.responder
    def hello(self, **hello: Any) -> dict[str, object]:
        """Greet."""
        greeting = {
            "protocol": 1,
            "lowest": 1,
            "highest": 1,
            "version": "y",
            "system_id": REGION,
            "instance": str(INSTANCE),
            "nonce": b"N" * 32,
        }
        self.fields = said(greeting, hello)
        return greeting

    @Prove.responder
    def prove(self, proof: bytes) -> dict[str, object]:
        """Check and prove."""
        assert proof == proof_of(b"rack", self.fields)
        return {"proof": proof_of(b"region", self.fields)}

    @Register.responder
    def register(self, introduction: str) -> dict[str, object]:
        """Welcome."""
        assert json.loads(introduction)["hostname"] == INTRODUCTION.hostname
        return {"welcome": to_json(WELCOME)}

    @Ping.responder
    def ping(self) -> dict[str, object]:
        """Answer."""
        return {}


def joined(rack: StockRack, secret: bytes = SECRET) -> tuple[House, Deferred[dict[str, Any]]]:
    """Let a stock rack join a region of ours."""
    home = house()
    home.line.attach(rack)
    return home, home.run(rack.join(secret))


def test_a_stock_rack_joins_and_is_owned() -> None:
    """A rack on stock AMP registers, answers heartbeats and takes orders."""
    rack = StockRack()
    home, welcome = joined(rack)
    assert value_of(welcome)["worker"] == WELCOME.worker
    report = value_of(home.run(home.door.racks[0].own(EPOCH)))
    assert (report.serving, report.problem) == (False, "é")
    home.line.advance(10.5)
    assert rack.pings >= 9
    assert home.door.desk.ended == []


def test_a_stock_rack_can_show_why_it_was_refused() -> None:
    """The description of an error is readable without this code."""
    _, welcome = joined(StockRack(), secret=bytes(16))
    error = error_of(welcome)
    assert isinstance(error, WrongSecret)
    assert "register the rack again" in str(error)
    assert json.loads(str(error))["prover"] == "rack"


def test_a_rack_joins_a_stock_region_and_obeys_it() -> None:
    """A region on stock AMP is trusted for its proof, and its orders are carried out."""
    clock, region, hands = Clock(), StockRegion(), Hands()
    line = Line(region, clock)
    joining = ensureDeferred(
        join(Ground(clock), line, RACK_FACTS, lambda: INTRODUCTION, hands, Counter(), tls=False)
    )
    line.pump.flush()
    session = value_of(joining)
    assert session.welcome == WELCOME
    answer = region.callRemote(ConfigureDHCP, epoch=to_json(EPOCH), plan=to_json(PLAN))
    line.pump.flush()
    assert value_of(answer) == {"report": to_json(REPORT)}
    assert hands.orders == [(WELCOME.worker, EPOCH, PLAN)]
    line.advance(10)
    assert not session.closed.called
