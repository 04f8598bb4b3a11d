"""Long lines: what passes comes late and in order, and some of it never."""

import os
import signal
from pathlib import Path
from random import Random

import attrs
import pytest

from lab import Detour, Host, HostProcess, Lab, Network, until
from lab.line import CAPACITY, Lane

DELAY, LOSS = 0.13, 0.2
ROUND = 2 * DELAY
LATE = 2.0
"""Seconds that a busy machine may add; a line itself adds one millisecond or two."""
PORT = 9

ECHO = f"""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", {PORT}))
print("ready", flush=True)
while True:
    s.sendto(*s.recvfrom(2000))
"""

ASK = f"""
import select, socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect((sys.argv[1], {PORT}))
count, patience = int(sys.argv[2]), float(sys.argv[3])
sent = []
while len(sent) < count or select.select([s], [], [], patience)[0]:
    if len(sent) < count:
        sent.append(time.monotonic())
        s.send(str(len(sent) - 1).encode().ljust(1000))
    while select.select([s], [], [], 0)[0]:
        number = int(s.recv(2000))
        print(number, time.monotonic() - sent[number])
    time.sleep(0.0005)
"""
"""Sends numbers to who echoes them; prints each that comes back, and how long that took."""

POUR = f"""
import socket, sys
with socket.create_connection((sys.argv[1], {PORT})) as s:
    s.sendall(bytes(1_000_000))
    s.shutdown(socket.SHUT_WR)
    print(s.recv(100).decode())
"""

COUNT = f"""
import socket
listener = socket.create_server(("", {PORT}))
print("ready", flush=True)
s, _ = listener.accept()
total = 0
while data := s.recv(65536):
    total += len(data)
s.sendall(str(total).encode())
s.close()
"""


def test_a_frame_takes_its_time() -> None:
    """It is there neither early nor twice."""
    lane = Lane(DELAY, 0.0, Random(1))
    assert lane.next() == float("inf")
    lane.take(b"one", 10.0)
    assert lane.next() == 10.0 + DELAY
    assert list(lane.arrived(10.0 + DELAY - 0.001)) == []
    assert list(lane.arrived(10.0 + DELAY)) == [b"one"]
    assert list(lane.arrived(99.0)) == []


def test_frames_keep_their_order() -> None:
    """Also those that arrive at once."""
    lane = Lane(DELAY, 0.0, Random(1))
    sent = [bytes([number]) for number in range(100)]
    for place, frame in enumerate(sent):
        lane.take(frame, place // 10 / 100)
    assert list(lane.arrived(0.05 + DELAY)) == sent[:60]
    assert list(lane.arrived(1.0)) == sent[60:]


def test_the_seed_chooses_what_is_lost() -> None:
    """The same seed the same frames, another seed others; the share is the one asked for."""

    def kept(seed: int) -> list[bytes]:
        lane = Lane(DELAY, 0.01, Random(seed))
        for number in range(CAPACITY):
            lane.take(number.to_bytes(2), 0.0)
        return list(lane.arrived(1.0))

    assert kept(1) == kept(1) != kept(2)
    lost = CAPACITY - len(kept(1))
    assert 50 < lost < 150, "within five deviations"


def test_a_full_line_loses_what_comes() -> None:
    """And keeps what is on its way."""
    lane = Lane(DELAY, 0.0, Random(1))
    for number in range(CAPACITY + 5):
        lane.take(number.to_bytes(2), 0.0)
    assert lane.lost == 5
    assert list(lane.arrived(1.0)) == [number.to_bytes(2) for number in range(CAPACITY)]


@attrs.frozen
class Pair:
    """Two hosts on a network; the second answers."""

    lan: Network
    asker: Host
    answerer: Host

    @property
    def log(self) -> Path:
        """Where the asker complains."""
        return self.asker.directory / "asks.log"

    def answer(self, program: str) -> HostProcess:
        """Start what answers at the second."""
        log = self.answerer.directory / "answers.log"
        started = self.answerer.converse(["python", "-c", program], log=log)
        assert started.stdout.readline() == "ready\n"
        return started

    def ask(self, count: int, patience: float = 1.0) -> dict[int, float]:
        """Send numbers, and give how long each took that came back, in the order of coming."""
        lines = self.asker.run(self.asking(count, patience), timeout=60.0).stdout.splitlines()
        return {int(number): float(took) for number, took in map(str.split, lines)}

    def asking(self, count: int, patience: float) -> list[str]:
        """Give the command that asks; after `patience` seconds without an echo it ends."""
        where = str(self.lan.address(self.answerer))
        return ["python", "-u", "-c", ASK, where, str(count), str(patience)]

    def said(self) -> int:
        """Count the frames that the switch has had from the asker."""
        port = self.lan.cable(self.asker).port
        path = f"/sys/class/net/{port}/statistics/rx_packets"
        return int(self.lan.switch.run(["cat", path]).stdout)


@pytest.fixture
def pair(lab: Lab) -> Pair:
    """Give them."""
    lan = lab.network("lan", "10.0.0.0/24")
    asker, answerer = lab.host("one", {lan: "10.0.0.1"}), lab.host("two", {lan: "10.0.0.2"})
    return Pair(lan, asker, answerer)


@pytest.mark.root
def test_a_detour_takes_time_in_both_directions(pair: Pair) -> None:
    """Every round trip has the delay twice, all come in order; afterwards all is as before."""
    pair.answer(ECHO)
    assert min(pair.ask(20).values()) < ROUND
    with Detour(pair.lan.cable(pair.answerer), delay=DELAY):
        took = pair.ask(200)
    assert list(took) == list(range(200))
    assert ROUND <= min(took.values()) <= max(took.values()) < ROUND + LATE
    after = pair.ask(20)
    assert list(after) == list(range(20))
    assert min(after.values()) < ROUND


@pytest.mark.root
def test_a_detour_loses_its_share(pair: Pair) -> None:
    """Of 2,000 that go and come, 0.64 come back; within five deviations. It counts the others.

    Where to send them is known before.
    """
    pair.answer(ECHO)
    pair.ask(1)
    with Detour(pair.lan.cable(pair.asker), delay=0.01, loss=LOSS, seed=5) as detour:
        assert detour.lost() == 0
        back = pair.ask(2000)
        lost = detour.lost()
    share = len(back) / 2000
    assert abs(share - (1 - LOSS) ** 2) < 5 * 0.011
    assert list(back) == sorted(back)
    assert lost >= 2000 - len(back), "of others' frames too, such as of ARP"


@pytest.mark.root
def test_a_stream_passes_a_detour(pair: Pair) -> None:
    """TCP's large segments are cut to frames and have their checksums; what is lost comes again."""
    pair.answer(COUNT)
    with Detour(pair.lan.cable(pair.answerer), delay=0.01, loss=0.01, seed=5):
        argv = ["python", "-c", POUR, str(pair.lan.address(pair.answerer))]
        assert pair.asker.run(argv, timeout=60.0).stdout.strip() == "1000000"


@pytest.mark.root
def test_a_line_that_is_held_up_blocks_nobody(pair: Pair) -> None:
    """What was sent meanwhile is late, not lost."""
    pair.answer(ECHO)
    pair.ask(1)
    with Detour(pair.lan.cable(pair.answerer), delay=0.0) as detour:
        line = detour.process.id
        assert line is not None
        before = pair.said()
        line.signal(signal.SIGSTOP)
        asking = pair.asker.converse(pair.asking(100, patience=20.0), log=pair.log)
        until(lambda: pair.said() >= before + 100, "100 questions", timeout=20.0)
        line.signal(signal.SIGCONT)
        came = [int(asking.stdout.readline().split()[0]) for _ in range(100)]
        asking.end(signal.SIGKILL)
    assert came == list(range(100))


@pytest.mark.root
def test_a_cable_on_a_detour_can_be_cut(pair: Pair) -> None:
    """Nothing passes; restored, it is a detour again."""
    pair.answer(ECHO)
    cable = pair.lan.cable(pair.asker)
    with Detour(cable, delay=DELAY):
        pair.ask(1)
        cable.cut()
        argv = ["cat", "/sys/class/net/eth0/carrier"]
        assert pair.asker.run(argv).stdout.strip() == "0"
        cable.restore()
        assert min(pair.ask(20, patience=3.0).values()) >= ROUND


@pytest.mark.root
def test_a_line_costs_little(pair: Pair) -> None:
    """A fifth of a millisecond for a frame is far more than it takes, also on a slow machine."""
    pair.answer(ECHO)
    pair.ask(1)
    with Detour(pair.lan.cable(pair.answerer), delay=DELAY) as detour:
        line = detour.process.id
        assert line is not None
        before = processor_time(line.pid)
        assert len(pair.ask(2000)) == 2000
        spent = processor_time(line.pid) - before
        assert spent < 4000 * 0.0002


def processor_time(pid: int) -> float:
    """Give the seconds that a process has had, proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
