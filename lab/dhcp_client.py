"""The caller's side of simulated DHCP clients: typed questions and answers, with deadlines."""

import json
import os
import select
import sys
import time
from collections.abc import Iterable
from typing import Any

import attrs

from lab.closing import Closing
from lab.deadline import DeadlineExceeded
from lab.dhcp_wire import MAC, Options
from lab.host import Host, HostProcess
from lab.lease import PATIENT, Errand, Lease, NoLease, Patience, Wish

START_TIMEOUT = 10.0
"""Seconds until the agent must be there; it takes 0.4 on an idle machine."""

SLACK = 5.0
"""Seconds a result may come later than the errand's own patience, on a busy machine."""


@attrs.frozen
class Ticket:
    """An errand under way."""

    number: int
    errand: Errand


class DHCPClients(Closing):
    """Any number of simulated clients behind one interface of a host.

    `history` has every ACK any of them got, in order of arrival here.  Use it as a context manager.
    """

    def __init__(self, host: Host, interface: str = "eth0") -> None:
        self.history: list[Lease] = []
        argv = [sys.executable, "-m", "lab.dhcp_agent", interface]
        log = host.directory / f"dhcp-agent-{interface}.log"
        self._agent: HostProcess = host.converse(argv, log=log)
        self._unread = b""
        self._issued = 0
        self._done: dict[int, Lease | NoLease | None] = {}
        self._read_line(time.monotonic() + START_TIMEOUT)

    def close(self) -> None:
        """End the agent; the clients disappear without a word."""
        self._agent.end()

    def acquire(
        self,
        chaddr: MAC,
        patience: Patience = PATIENT,
        *,
        secs: int | None = None,
        options: Options = (),
    ) -> Lease:
        """Get any address for a client; raise `NoLease`.  For `secs` see `Errand`."""
        errand = Errand(Wish.ACQUIRE, chaddr, patience, secs, options=options)
        return self._granted(self.submit(errand))

    def acquire_all(
        self, chaddrs: Iterable[MAC], patience: Patience = PATIENT, *, secs: int | None = None
    ) -> dict[MAC, Lease | NoLease]:
        """Get addresses for many clients at the same time."""
        tickets = [self.submit(Errand(Wish.ACQUIRE, chaddr, patience, secs)) for chaddr in chaddrs]
        return {ticket.errand.chaddr: self.outcome(ticket) for ticket in tickets}

    def renew(self, lease: Lease, patience: Patience = PATIENT) -> Lease:
        """Extend a lease at the server that granted it; raise `NoLease`."""
        return self._granted(self.submit(Errand(Wish.RENEW, lease.chaddr, patience, lease=lease)))

    def rebind(self, lease: Lease, patience: Patience = PATIENT) -> Lease:
        """Extend a lease at any server; raise `NoLease`."""
        return self._granted(self.submit(Errand(Wish.REBIND, lease.chaddr, patience, lease=lease)))

    def reboot(self, lease: Lease, patience: Patience = PATIENT) -> Lease:
        """Ask for the same address after a restart of the client; raise `NoLease`."""
        return self._granted(self.submit(Errand(Wish.REBOOT, lease.chaddr, patience, lease=lease)))

    def release(self, lease: Lease) -> None:
        """Give an address back."""
        self._finish(self.submit(Errand(Wish.RELEASE, lease.chaddr, lease=lease)))

    def leave(self, chaddr: MAC) -> None:
        """Let a client disappear without giving its address back."""
        self._finish(self.submit(Errand(Wish.LEAVE, chaddr)))

    def submit(self, errand: Errand) -> Ticket:
        """Start an errand and return at once; ask `outcome` for its end."""
        self._issued += 1
        self._agent.stdin.write(errand.to_line(self._issued) + "\n")
        self._agent.stdin.flush()
        return Ticket(self._issued, errand)

    def outcome(self, ticket: Ticket) -> Lease | NoLease:
        """Wait for the end of an errand that asks for a lease, once per ticket."""
        done = self._finish(ticket)
        assert done is not None, f"{ticket.errand.wish} has no outcome"
        return done

    def _granted(self, ticket: Ticket) -> Lease:
        done = self.outcome(ticket)
        if isinstance(done, NoLease):
            raise done
        return done

    def _finish(self, ticket: Ticket) -> Lease | NoLease | None:
        deadline = time.monotonic() + ticket.errand.patience.total + SLACK
        while ticket.number not in self._done:
            self._note(json.loads(self._read_line(deadline)))
        return self._done.pop(ticket.number)

    def _note(self, entry: dict[str, Any]) -> None:
        number: int = entry["number"]
        if "failed" in entry:
            self._done[number] = NoLease(**entry["failed"])
        elif entry["lease"] is None:
            self._done[number] = None
        else:
            lease = self._done[number] = Lease.from_json(entry["lease"])
            self.history.append(lease)

    def _read_line(self, deadline: float) -> bytes:
        """Return the agent's next line; raise `DeadlineExceeded`, EOFError when it has died."""
        descriptor = self._agent.stdout.fileno()
        while b"\n" not in self._unread:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([descriptor], [], [], left)[0]:
                raise DeadlineExceeded("the DHCP agent", left)
            chunk = os.read(descriptor, 65536)
            if not chunk:
                raise EOFError("the DHCP agent has died: see its log in the host's directory")
            self._unread += chunk
        line, _, self._unread = self._unread.partition(b"\n")
        return line
