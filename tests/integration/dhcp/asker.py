"""Clients at the other end of the wire, which ask our dhcpd for addresses."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from attrs import define, field

from lab import MAC, Errand, Lease, Option, Patience, Wish
from tests.integration.dhcp.wire import Link

PATIENCE = Patience(total=10.0, resend=0.5)


@define
class Asker:
    """Simulated clients, each asked for in turn and waited for; dhcpd needs nothing of us."""

    agent: subprocess.Popen[str]
    asked: int = field(default=0)

    def lease(self, chaddr: MAC) -> Lease:
        """Get an address by DISCOVER and REQUEST, and leave without a word."""
        return self._errand(Errand(Wish.ACQUIRE, chaddr, PATIENCE))

    def address(self, chaddr: MAC) -> str:
        """Say which address a client gets."""
        return str(self.lease(chaddr).ip)

    def name(self, chaddr: MAC) -> str:
        """Say what the client is told that it is called; empty: nothing."""
        return (self.lease(chaddr).option(Option.HOST_NAME) or b"").decode()

    def _errand(self, errand: Errand) -> Lease:
        assert self.agent.stdin is not None
        assert self.agent.stdout is not None
        self.asked += 1
        print(errand.to_line(self.asked), file=self.agent.stdin)
        self.agent.stdin.flush()
        answer = json.loads(self.agent.stdout.readline())
        assert "lease" in answer, answer
        return Lease.from_json(answer["lease"])


@contextmanager
def asker(link: Link) -> Iterator[Asker]:
    """Have clients there for the block."""
    argv = link.over_there(sys.executable, "-m", "lab.dhcp_agent", "eth0")
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as agent:
        assert agent.stdout is not None
        assert "ready" in agent.stdout.readline()
        yield Asker(agent)
        assert agent.stdin is not None
        agent.stdin.close()
