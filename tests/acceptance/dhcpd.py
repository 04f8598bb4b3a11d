"""What a test can see of the dhcpd on a rack, without asking maasha."""

from __future__ import annotations

import re
import sys
from hashlib import sha256
from pathlib import Path

from attrs import frozen

from lab import Host, Process, until

NORMAL, INTERRUPTED = 2, 3
"""Numbers of failover states, dhcpd/failover.h."""


@frozen
class Snapshot:
    """A running dhcpd, so that a test can say that nothing has touched it."""

    file_hash: str
    pid: int
    started: int


@frozen
class Dhcpd:
    """The dhcpd of a rack."""

    rack: Host

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return self.rack.directory / "rack" / "dhcp"

    @property
    def config(self) -> str:
        """The text of dhcpd.conf."""
        return (self.folder / "dhcpd.conf").read_text()

    @property
    def leases(self) -> str:
        """The text of dhcpd.leases."""
        return (self.folder / "dhcpd.leases").read_text()

    def processes(self) -> tuple[Process, ...]:
        """Give the running servers."""
        return tuple(p for p in self.rack.processes("dhcpd") if p.argv[0].endswith("dhcpd"))

    def snapshot(self) -> Snapshot:
        """Give what changes when anything happens to it."""
        (process,) = self.processes()
        digest = sha256(self.config.encode()).hexdigest()
        return Snapshot(digest, process.pid, process.id.started)

    def block(self) -> str:
        """Give the failover block of its configuration."""
        (found,) = re.findall(r"^failover peer .*?^}$", self.config, re.DOTALL | re.MULTILINE)
        return str(found)

    def state(self) -> int | None:
        """Give its failover state by OMAPI, None where it does not answer."""
        names = re.findall(r'^failover peer "(.*)" {$', self.config, re.MULTILINE)
        keys = re.findall(r'^ +secret "(.*)";$', self.config, re.MULTILINE)
        if not (names and keys):
            return None
        argv = [sys.executable, "-m", "tests.acceptance.omapi_state", names[0], keys[0]]
        done = self.rack.run(argv, check=False)
        return int(done.stdout) if done.returncode == 0 else None

    def wait_state(self, wanted: int, timeout: float) -> None:
        """Wait until OMAPI shows a state; raises DeadlineExceeded."""
        what = f"state {wanted} on {self.rack.name}"
        until(lambda: self.state() == wanted, what, timeout=timeout, interval=0.2)

    def knows_active(self, ip: str) -> bool:
        """Whether the last word of its leases file on an address is "active"."""
        records = re.findall(
            rf"^lease {re.escape(ip)} {{(.*?)^}}", self.leases, re.DOTALL | re.MULTILINE
        )
        return bool(records) and "\n  binding state active;" in records[-1]
