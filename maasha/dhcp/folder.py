"""The files of one rack's dhcpd, on disk so that they outlive rackd."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from pathlib import Path
from typing import TypeVar

from attrs import frozen

from maasha.dhcp.hosts import Host, patched, stanzas
from maasha.dhcp.joining import Past, forget
from maasha.dhcp.logs import Logs
from maasha.host.files import PLAIN_MODE, SECRET_MODE, read_text, remove, write_atomic
from maasha.model.codec import BadRecord, from_json, to_json
from maasha.model.dhcp import DhcpPlan

R = TypeVar("R")


@frozen
class Identity:
    """The dhcpd that was started last; `digest` is that of its plan."""

    pid: int
    started: int
    """Clock ticks since boot."""
    digest: str


class Folder:
    """Names, reads and writes the files; `new_id` makes the names of lease stores (UUIDs)."""

    def __init__(self, path: Path, new_id: Callable[[], str]) -> None:
        self._path = path.resolve()
        self._new_id = new_id
        self.config = self._path / "dhcpd.conf"
        self.draft = self._path / "dhcpd.conf.draft"
        self.hosts = self._path / "hosts.conf"
        self.leases = self._path / "dhcpd.leases"
        self.logs = Logs(self._path)
        self.spool = self._path / "spool"
        self._plan = self._path / "plan.json"
        self._identity = self._path / "process.json"
        self._store = self._path / "lease_store"
        self._unsure = self._path / "hosts.unsure"

    def plan(self) -> DhcpPlan | None:
        """Give the last good plan; None: there was none, or it cannot be read."""
        return _record(DhcpPlan, self._plan)

    def keep_plan(self, plan: DhcpPlan) -> None:
        """Make this the last good plan."""
        write_atomic(self._plan, to_json(plan), SECRET_MODE)

    def identity(self) -> Identity | None:
        """Give the dhcpd that was started last."""
        return _record(Identity, self._identity)

    def keep_identity(self, identity: Identity | None) -> None:
        """Remember which dhcpd is ours; None: there is none."""
        if identity is None:
            remove(self._identity)
        else:
            write_atomic(self._identity, to_json(identity))

    def lease_store(self) -> str:
        """Give the name of the leases file; empty: there never was one."""
        return read_text(self._store) or ""

    def ensure_leases(self) -> None:
        """Make a leases file where there is none, empty and under a new name.

        Under its old name an empty server would pass for one that knows its leases.
        """
        if not self.leases.exists():
            write_atomic(self._store, self._new_id())
            write_atomic(self.leases, "")
        elif not self.lease_store():
            write_atomic(self._store, self._new_id())

    def prepare(self, config: str, gone: Past, hosts: str = "") -> None:
        """Put the files in place for a start; no dhcpd may run on them meanwhile.

        Raises BadHosts.
        """
        declared = stanzas(hosts)
        self.ensure_leases()
        before = self.leases.read_text(encoding="utf-8", errors="replace")
        after = forget(before, gone)
        if after != before:
            write_atomic(self.leases, after, PLAIN_MODE)
        write_atomic(self.hosts, declared, SECRET_MODE)
        write_atomic(self.config, with_hosts(config, self.hosts), SECRET_MODE)

    def declare(self, macs: Set[str], hosts: Mapping[str, Host]) -> None:
        """Have the next start know these hosts in place of all that it would know of these MACs."""
        before = self.hosts.read_text(encoding="utf-8") if self.hosts.exists() else ""
        write_atomic(self.hosts, patched(before, macs, hosts), SECRET_MODE)

    def unsure(self) -> frozenset[str]:
        """Give the MACs of which nobody knows what the running dhcpd was told last."""
        return frozenset((read_text(self._unsure) or "").split())

    def keep_unsure(self, macs: Set[str]) -> None:
        """Remember them; they are about the running dhcpd, which no power cut outlives."""
        if macs:
            write_atomic(self._unsure, "\n".join(sorted(macs)), durable=False)
        else:
            remove(self._unsure)

    def withdraw(self) -> None:
        """Take the configuration away: no server is to run on it."""
        remove(self.config)


def with_hosts(config: str, hosts: Path) -> str:
    """Give the text that reads the hosts' file too, which can change on its own."""
    return f'{config}\ninclude "{hosts}";\n'


def _record(cls: type[R], path: Path) -> R | None:
    text = read_text(path)
    if not text:
        return None
    try:
        return from_json(cls, text)
    except BadRecord:
        return None
