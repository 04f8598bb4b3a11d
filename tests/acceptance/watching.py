"""What a test can see of the control plane: the API's view, the database's, the kernel's."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from subprocess import TimeoutExpired

from lab import CommandFailed, Host, until
from lab.cluster import BIN, Cluster, cli_environment

RPC_PORTS = range(5250, 5271)
NO_ANSWER = CommandFailed, TimeoutExpired
"""What `Host.run` raises where nobody can say, for example without a database."""


def connections(cluster: Cluster) -> dict[str, int]:
    """Give the number of links by rack."""
    return {rack["hostname"]: len(rack["connections"]) for rack in cluster.status()["racks"]}


def wait_linked(cluster: Cluster, rack: str) -> None:
    """Wait until a rack has both its links."""
    what = f"two links of {rack}"
    until(lambda: connections(cluster).get(rack) == 2, what, timeout=30.0, interval=0.2)


def live_workers(cluster: Cluster) -> int:
    """Give how many workers the region shows."""
    return sum(len(region["workers"]) for region in cluster.status()["regions"])


def owner_of(cluster: Cluster, rack: str) -> tuple[str, ...]:
    """Give slot and process of the worker that owns a rack; empty: nobody."""
    found = cluster.sql(
        "select worker.slot, worker.pid from rack join worker on worker.id = owner "
        f"where rack.hostname = '{rack}' and deleted is null"
    )
    return found[0] if found else ()


def established(cluster: Cluster) -> set[str]:
    """Give the racks' TCP connections to region workers, as the regions' kernels see them."""
    argv = ["ss", "-Htn", "state", "established"]
    texts = [region.run(argv).stdout for region in cluster.regions]
    pairs = [line.split()[2:4] for text in texts for line in text.splitlines()]
    return {
        f"{ours} {theirs}" for ours, theirs in pairs if int(ours.rpartition(":")[2]) in RPC_PORTS
    }


def kill_rackd(rack: Host) -> None:
    """SIGKILL rackd; its runner starts another."""
    rack.signal("maasha-rackd", signal.SIGKILL)


def remains(condition: Callable[[], object], seconds: float, interval: float = 0.5) -> None:
    """Look again and again for so long whether a thing stays as it is."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        assert condition()
        time.sleep(interval)


def answers(cluster: Cluster) -> bool:
    """Whether the API answers; a command that finds no end is an answer too: no."""
    argv = [str(BIN / "maasha"), "maas", "version", "read"]
    try:
        return cluster.region.run(argv, env=cli_environment(), check=False).returncode == 0
    except TimeoutExpired:
        return False


def events(cluster: Cluster, kind: str) -> list[str]:
    """Give the details of all events of a kind."""
    return [row[0] for row in cluster.sql(f"select detail from event where kind = '{kind}'")]


def log_of(host: Host, name: str) -> str:
    """Give the text of a daemon's log."""
    return (host.directory / f"{name}.log").read_text()


def wait_logged(host: Host, name: str, text: str, since: int = 0) -> None:
    """Wait until a daemon has logged a text after the first `since` characters."""
    what = f"{text!r} in the log of {name} on {host.name}"
    until(lambda: text in log_of(host, name)[since:], what, timeout=30.0, interval=0.1)
