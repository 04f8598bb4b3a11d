"""TLS below a link is as safe as Twisted's, and gives the same bytes."""

from __future__ import annotations

from itertools import cycle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import gatherResults
from twisted.protocols import amp

from maasha.rpc.wire.limits import Limits
from maasha.rpc.wire.secured import Records
from tests.asynchronous import asynchronous
from tests.unit.rpc.wire.loopback import Counted, secured, until
from tests.unit.rpc.wire.parts import Lookup, Spread, cutter, outcome

pytestmark = pytest.mark.filterwarnings(  # Twisted makes the certificates in an old way
    "ignore::DeprecationWarning:twisted", "ignore::DeprecationWarning:OpenSSL"
)
LAYERS = [("ours", "ours"), ("ours", "stock"), ("stock", "ours"), ("stock", "stock")]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(0, 16_640), max_size=6),
    st.lists(st.integers(1, 7) | st.integers(1, 20_000), min_size=1, max_size=5),
)
def test_records_are_counted_however_they_are_cut(lengths: list[int], sizes: list[int]) -> None:
    """As many as end in the bytes that have come so far."""
    written = [b"\x17\x03\x03" + length.to_bytes(2, "big") + b"x" * length for length in lengths]
    ends, total = [], 0
    for record in written:
        total += len(record)
        ends.append(total)
    records, seen, counted = Records(), 0, 0
    for chunk in cutter(cycle(sizes))(b"".join(written)):
        seen += len(chunk)
        counted += records.completed(chunk)
        assert counted == sum(end <= seen for end in ends)


@pytest.mark.parametrize("layers", LAYERS, ids="-".join)
@asynchronous
async def test_nothing_of_a_link_is_on_the_wire_in_the_clear(layers: tuple[str, str]) -> None:
    """Small calls, many at once, large ones and their answers, in all mixtures of layers."""
    line = await secured(*layers)
    wires = []
    for end in (line.client, line.server):
        raw = end.transport.transport
        raw.socket = wire = Counted(raw.socket)
        wires.append(wire)
    assert (await line.client.callRemote(Lookup, id=1, name="secret"))["count"] == 2
    calls = [line.client.callRemote(Lookup, id=n, name="secret") for n in range(20)]
    assert [answer["count"] for answer in await gatherResults(calls)] == list(range(1, 21))
    for length in (1, 16_384, 16_385, 40_960, 500_000):
        octets = b"secret"[: length % 7] + b"s" * length
        answer = await line.client.callRemote(Spread, number=1, octets=octets, text="")
        assert answer["octets"] == octets
    for wire in wires:
        everything = b"".join(wire.sent)
        assert everything
        assert b"secret" not in everything
        assert b"_answer" not in everything
        assert b"s" * 100 not in everything
    await line.close()


@pytest.mark.parametrize("layers", LAYERS, ids="-".join)
@asynchronous
async def test_an_answer_before_a_close_arrives(layers: tuple[str, str]) -> None:
    """A responder that closes the connection still answers what came before it."""
    line = await secured(*layers)

    class Last(amp.CommandLocator):
        @Lookup.responder
        def lookup(self, id: int, name: str) -> dict[str, object]:
            if name == "close":
                line.server.transport.loseConnection()
            return {"ok": True, "count": id}

    line.server.locator = Last()
    call = line.client.callRemote(Lookup, id=4, name="x")
    end = outcome(line.client.callRemote(Lookup, id=5, name="close"))
    assert await call == {"ok": True, "count": 4}
    await line.closed()
    assert end[0][0].__name__ in ("ConnectionDone", "ConnectionLost")


@asynchronous
async def test_a_connection_can_be_aborted() -> None:
    """Both ends hear of it."""
    line = await secured()
    await line.client.callRemote(Lookup, id=4, name="x")
    line.client.transport.abortConnection()
    await line.closed()


@asynchronous
async def test_garbage_instead_of_cipher_text_ends_the_connection() -> None:
    """A record that does not decrypt is an error of the connection, and nothing is handed over."""
    line = await secured()
    await line.client.callRemote(Lookup, id=4, name="x")
    line.client.transport.transport.socket.send(b"\x17\x03\x03\0\x40" + b"x" * 64)
    await line.closed()


@asynchronous
async def test_a_peer_that_does_not_read_costs_bounded_memory() -> None:
    """What waits is below the TLS layer, and its amount is limited."""
    line = await secured()
    line.client.limits = Limits(in_flight=1000)
    await line.client.callRemote(Lookup, id=4, name="x")
    below = line.server.transport.transport
    below.pauseProducing()
    blob = b"x" * 100_000
    ends = [
        outcome(line.client.callRemote(Spread, number=0, octets=blob, text=str(n)))
        for n in range(300)
    ]
    await until(lambda: line.client.choked)
    waiting = line.client.transport.transport
    assert len(waiting.dataBuffer) + waiting._tempDataLen < 4 * len(blob)
    below.resumeProducing()
    await until(lambda: all(ends))
    assert [end[0]["text"] for end in ends] == [str(n) for n in range(300)]
    await line.close()
