"""The files of one rack's dhcpd, on disk so that they outlive rackd."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping, Set
from pathlib import Path
from typing import TypeVar

from attrs import frozen

from maasha.dhcp.aside import rearranged
from maasha.dhcp.hosts import Host, patched, stanzas
from maasha.dhcp.joining import Past, forget
from maasha.dhcp.logs import Logs
from maasha.dhcp.proc import find
from maasha.host.files import (
    PLAIN_MODE,
    PRIVATE_MODE,
    SECRET_MODE,
    read_text,
    remove,
    write_atomic,
)
from maasha.model.codec import BadRecord, from_json, to_json
from maasha.model.dhcp import DhcpPlan
from maasha.model.orders import Standing

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
        self.acts = self._path / "acts.jsonl"
        self._plan = self._path / "plan.json"
        self._plan_before = self._path / "plan.before.json"
        self._standing = self._path / "orders.json"
        self._standing_copy = self._path / "orders.copy.json"
        self._aside = self._path / "dhcpd.leases.aside"
        self.environment = self._path / "dhcpd.environment"
        self._charge = self._path / "in-charge"
        self._identity = self._path / "process.json"
        self._store = self._path / "lease_store"
        self._unsure = self._path / "hosts.unsure"

    def plan(self) -> DhcpPlan | None:
        """Give the last good plan; None: there was none, or neither it nor the one before is whole.

        See `damaged`.
        """
        return _record(DhcpPlan, self._plan) or _record(DhcpPlan, self._plan_before)

    @property
    def damaged(self) -> bool:
        """Whether there is a last good plan that cannot be read."""
        return self._plan.exists() and _record(DhcpPlan, self._plan) is None

    def keep_plan(self, plan: DhcpPlan) -> None:
        """Make this the last good plan, and keep the one before, if it is whole, beside it."""
        before = _record(DhcpPlan, self._plan)
        if before is not None:
            write_atomic(self._plan_before, to_json(before), SECRET_MODE)
        write_atomic(self._plan, to_json(plan), SECRET_MODE)

    def standing(self) -> Standing:
        """Give what people ordered; nothing where neither it nor its copy can be read."""
        found = _record(Standing, self._standing) or _record(Standing, self._standing_copy)
        return found or Standing()

    def keep_standing(self, standing: Standing) -> None:
        """Remember what people ordered, before it is carried out."""
        for path in (self._standing, self._standing_copy):
            write_atomic(path, to_json(standing))

    def take_charge(self) -> int | None:
        """Say to other processes that this one runs dhcpd, until the descriptor is closed.

        None: another one does (flock(2)).
        """
        self._path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._charge, os.O_RDWR | os.O_CREAT, PRIVATE_MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return None
        return descriptor

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

    def set_aside(self, before: DhcpPlan, plan: DhcpPlan) -> None:
        """Save the leases of what `plan` does not declare, and give back those of what it does."""
        if not self.leases.exists():
            return
        leases = self.leases.read_text(encoding="utf-8", errors="replace")
        aside = ""
        if self._aside.exists():
            aside = self._aside.read_text(encoding="utf-8", errors="replace")
        kept, away = rearranged(leases, aside, before, plan)
        if away != aside:
            write_atomic(self._aside, aside + away, PLAIN_MODE)  # until the next line in both
        if kept != leases:
            write_atomic(self.leases, kept, PLAIN_MODE)
        if away != aside:
            write_atomic(self._aside, away, PLAIN_MODE)

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

    def servers(self) -> Iterator[int]:
        """Give every process that runs on these files."""
        return find(("-cf", str(self.config), "-lf", str(self.leases)))

    def withdraw(self) -> None:
        """Take the configuration away: no server is to run on it, nor a unit to start at boot."""
        remove(self.environment)
        remove(self.config)


def with_hosts(config: str, hosts: Path) -> str:
    """Give the text that reads the hosts' file too, which can change on its own."""
    return f'{config}\ninclude "{hosts}";\n'


def _record(cls: type[R], path: Path) -> R | None:
    try:
        text = read_text(path)
        return from_json(cls, text) if text else None
    except (BadRecord, UnicodeDecodeError):
        return None
