"""What `maasha-rack dhcp` can do where no rackd runs: read the files, and stop dhcpd."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from maasha.dhcp.acts import ActSpool
from maasha.dhcp.family import IPV4
from maasha.dhcp.folder import Folder
from maasha.dhcp.held import Held
from maasha.dhcp.plan import EMPTY, digest
from maasha.dhcp.proc import instant_of, start_time
from maasha.dhcp.process import KILL_GRACE, STOP_GRACE
from maasha.dhcp.systemd import systemctl
from maasha.model.orders import Act, OrderKind
from maasha.rack.acting import DONE, Wish, changed, person
from maasha.rack.control_lines import Refused
from maasha.rack.dhcp_words import Status, outcome


def folder_in(data_dir: Path) -> Folder:
    """Give the files of the rack's dhcpd."""
    return Folder(data_dir / "dhcp", lambda: str(uuid4()))


def held_in(folder: Folder) -> Held:
    """Give what the rack holds on to, as rackd reads it at its start."""
    return Held(folder.plan() or EMPTY, folder.standing())


def read_status(data_dir: Path) -> Status:
    """Give what the files and /proc say."""
    folder = folder_in(data_dir)
    held = held_in(folder)
    pid = next(folder.servers(), None)
    started = None if pid is None else start_time(pid)
    problems = []
    if folder.damaged:
        problems.append("the last good plan on disk cannot be read; the one before counts")
    plan = held.plan
    if pid is None and plan.interfaces:
        problems.append("dhcpd does not run though it is to serve")
    since = None if started is None else instant_of(started)
    fingerprint = digest(plan) if plan.interfaces else ""
    return Status(plan, fingerprint, held.standing, pid, since, None, tuple(problems))


def stop(data_dir: Path, wish: Wish, now: datetime) -> str:
    """Stop dhcpd and have rackd, when it runs, start none; raises Refused, Impossible, OSError.

    dhcpd serves all VLANs or none while nobody is there to start it anew on fewer.
    """
    if wish.kind is not OrderKind.STOP or wish.vlan is not None:
        raise Refused(
            "no rackd runs here, and without it only `maasha-rack dhcp stop`, of every VLAN, can "
            "be done: start rackd (`twistd --nodaemon --pidfile= maasha-rackd`)"
        )
    folder = folder_in(data_dir)
    with _in_charge(folder):
        before = held_in(folder)
        who = person(os.getuid(), wish)
        after = Held(before.base, changed(wish, before, now, who))
        spool = ActSpool(folder.acts)
        spool.load()
        act = Act(uuid4(), after.standing.number, now, who, f"{wish} (no rackd ran)")
        spool.begin(act)
        folder.keep_standing(after.standing)
        for pid in list(folder.servers()):
            _end(pid)
        folder.withdraw()
        words = outcome(wish.kind, wish.vlan, before, after)
        spool.finish(act.id, f"{DONE}: {words}")
    return (
        f"{words}\nrackd, when it runs, starts no dhcpd: `maasha-rack dhcp resume` ends that, "
        "and this stop is told to a region then"
    )


@contextmanager
def _in_charge(folder: Folder) -> Iterator[None]:
    charge = folder.take_charge()
    if charge is None:
        raise Refused(
            "a rackd has these files in hand but does not answer: look into its log, end it "
            "(SIGKILL, if it must be; dhcpd goes on), and ask again"
        )
    try:
        yield
    finally:
        os.close(charge)


def _end(pid: int) -> None:
    """End it as rackd does; raises Refused where even the kernel cannot."""
    if systemctl(IPV4.unit) is not None:
        # else systemd would start it again; that the unit does not exist is no harm
        subprocess.run(
            [str(systemctl(IPV4.unit)), "stop", IPV4.unit], check=False, capture_output=True
        )
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        for number, grace in ((signal.SIGTERM, STOP_GRACE), (signal.SIGKILL, KILL_GRACE)):
            try:
                signal.pidfd_send_signal(pidfd, number)
            except ProcessLookupError:
                return
            if select.select([pidfd], [], [], grace)[0]:
                return
    finally:
        os.close(pidfd)
    raise Refused(f"process {pid} does not end even when killed: restart this host")
