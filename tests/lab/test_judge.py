"""The verdict on who held which address when."""

from ipaddress import IPv4Address

import attrs
from hypothesis import given
from hypothesis import strategies as st

from lab.dhcp_wire import MAC, Kind, mac
from lab.heard import Heard, lines
from lab.judge import Conflict, holders, judge

ANN, BOB = mac(0xA), mac(0xB)
POOL = [IPv4Address(f"10.0.0.{number}") for number in range(50, 54)]
CLIENTS = [mac(number) for number in range(6)]
LEASE = 10

COMMANDS = st.lists(
    st.tuples(
        st.sampled_from(["acquire", "renew", "release", "leave"]),
        st.sampled_from(CLIENTS),
        st.sampled_from(POOL),
        st.integers(0, 4),
    ),
    max_size=60,
)
"""What clients want of a server: what, who, which address, after how many seconds."""


def ack(when: float, chaddr: MAC, ip: IPv4Address = POOL[0], seconds: int = LEASE) -> Heard:
    """Make an ACK."""
    return Heard(when, when, Kind.ACK, 1, chaddr, ip, seconds=seconds)


def release(when: float, chaddr: MAC, ip: IPv4Address = POOL[0]) -> Heard:
    """Make a RELEASE."""
    return Heard(when, when, Kind.RELEASE, 1, chaddr, ip)


@attrs.define
class HonestServer:
    """Gives an address only when nobody holds it; notes what goes over the wire."""

    now: int = 0
    wire: list[Heard] = attrs.field(factory=list)
    table: dict[IPv4Address, tuple[MAC, int]] = attrs.field(factory=dict)

    def free(self, ip: IPv4Address, chaddr: MAC) -> bool:
        """Tell whether a client may have an address now."""
        holder, until = self.table.get(ip, (chaddr, 0))
        return holder == chaddr or until <= self.now

    def serve(self, what: str, chaddr: MAC, ip: IPv4Address, pause: int) -> None:
        """Do what a client wants, if that is right."""
        self.now += pause
        holder, until = self.table.get(ip, (None, 0))
        wants = what == "acquire" or (what == "renew" and holder == chaddr)
        if wants and self.free(ip, chaddr):
            self.table[ip] = (chaddr, self.now + LEASE)
            self.wire.append(ack(self.now, chaddr, ip))
        elif what == "release" and holder == chaddr and until > self.now:
            self.table[ip] = (chaddr, self.now)
            self.wire.append(release(self.now, chaddr, ip))


def played(commands: list[tuple[str, MAC, IPv4Address, int]]) -> HonestServer:
    """Let an honest server serve commands."""
    server = HonestServer()
    for command in commands:
        server.serve(*command)
    return server


@given(COMMANDS)
def test_an_honest_server_is_acquitted(
    commands: list[tuple[str, MAC, IPv4Address, int]],
) -> None:
    """Renewals, releases and expiries, in whatever order, are no conflict."""
    assert judge(played(commands).wire) == ()


@given(COMMANDS, st.sampled_from(POOL), st.integers(0, LEASE - 1))
def test_one_seeded_duplicate_is_found(
    commands: list[tuple[str, MAC, IPv4Address, int]], ip: IPv4Address, late: int
) -> None:
    """However it is buried, an address given to a second client in time is the one conflict."""
    server = played(commands)
    start = server.now + LEASE
    crime = [ack(start, ANN, ip), ack(start + late, BOB, ip)]
    (conflict,) = judge(server.wire + crime)
    assert (conflict.first.chaddr, conflict.second.chaddr) == (ANN, BOB)
    assert (conflict.first.ip, conflict.second.since) == (ip, start + late)


@given(COMMANDS, st.lists(st.tuples(st.sampled_from(CLIENTS), st.sampled_from(POOL)), max_size=3))
def test_the_verdict_agrees_with_looking_at_every_instant(
    commands: list[tuple[str, MAC, IPv4Address, int]], extra: list[tuple[MAC, IPv4Address]]
) -> None:
    """There is a conflict exactly when at some message's instant an address has two holders."""
    server = played(commands)
    wire = server.wire + [ack(server.now + n, *pair) for n, pair in enumerate(extra)]
    instants = {message.monotonic for message in wire}
    shared = any(
        len(clients) > 1 for instant in instants for clients in holders(wire, instant).values()
    )
    assert bool(judge(wire)) is shared


def test_a_renewal_extends_the_hold() -> None:
    """At 12 s Ann still holds what she renewed at 5 s."""
    assert judge([ack(0, ANN), ack(5, ANN), ack(12, BOB)]) != ()
    assert judge([ack(0, ANN), ack(12, BOB)]) == ()


def test_a_later_shorter_lease_ends_the_hold_earlier() -> None:
    """The last ACK counts."""
    assert judge([ack(0, ANN, seconds=100), ack(5, ANN, seconds=2), ack(8, BOB)]) == ()


def test_a_released_address_may_be_given_away_at_once() -> None:
    """Even at the same instant; another client's RELEASE changes nothing."""
    assert judge([ack(0, ANN), release(1, ANN), ack(1, BOB)]) == ()
    assert judge([ack(0, ANN), release(1, BOB), ack(1, BOB)]) != ()


def test_an_address_is_free_at_the_instant_its_lease_ends() -> None:
    """The end is no part of the lease."""
    assert judge([ack(0, ANN), ack(LEASE, BOB)]) == ()
    assert judge([ack(0, ANN), ack(LEASE - 0.001, BOB)]) != ()


def test_an_ack_without_lease_time_gives_nothing() -> None:
    """It answers an INFORM."""
    assert judge([ack(0, ANN), ack(1, BOB, seconds=0)]) == ()


def test_renewals_within_a_conflict_are_no_new_one() -> None:
    """The second holder's renewal adds nothing, the first one's comeback does not either."""
    assert len(judge([ack(0, ANN), ack(1, BOB), ack(2, BOB), ack(3, ANN)])) == 1


def test_a_conflict_says_who_and_when() -> None:
    """Its text is for the report of a failed test."""
    conflict = judge([ack(0, ANN), ack(1, BOB)])[0]
    assert isinstance(conflict, Conflict)
    assert str(conflict).startswith("10.0.0.50: 00:00:00:00:00:0a (from 0.0.0.0) until 10.000")


@given(st.lists(st.builds(ack, st.floats(0, 1e6), st.sampled_from(CLIENTS))))
def test_a_sniffers_file_is_read_as_it_was_written(messages: list[Heard]) -> None:
    """A line that is still being written is left out."""
    text = "".join(message.to_line() + "\n" for message in messages)
    assert lines(text) == tuple(messages)
    assert lines(text + '{"monotonic": 1.0, "wa') == tuple(messages)
