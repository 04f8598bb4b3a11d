"""The cluster of `make run`: started, found again, shown, entered and ended."""

import argparse
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from lab.cluster import API_PORT, BIN, PROFILE, STATE, Cluster, cli_environment, start
from lab.deadline import until
from lab.dhcp_client import DHCPClients
from lab.dhcp_wire import mac
from lab.host import NAMESPACES, PROJECT, environment
from lab.lab import Lab
from lab.lease import NoLease
from lab.postgres import Postgres
from lab.requirements import missing

DIRECTORY = Path(os.environ.get("MAASHA_DEMO_DIRECTORY", PROJECT / ".run" / "demo"))
PORT = int(os.environ.get("MAASHA_DEMO_PORT", "5240"))
"""Where localhost leads to the region; another directory and port make another demo."""
ADDRESS = f"http://localhost:{PORT}/MAAS/"
HOSTS = {"db", "region", "rack1", "rack2", "clients", "outsider"}


class Complaint(Exception):
    """Something the user must mend first."""


def main() -> int:
    """Run one of the verbs; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m lab.demo", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    verbs.add_parser("up", help="start the cluster, or find it again").set_defaults(run=_up)
    verbs.add_parser("down", help="end exactly what `up` started").set_defaults(run=_down)
    verbs.add_parser("status", help="print the status tables").set_defaults(run=_status)
    verbs.add_parser("lease", help="have a client ask for an address").set_defaults(run=_lease)
    enter = verbs.add_parser("enter", help="run a shell or a command on a host")
    enter.add_argument("host", choices=sorted(HOSTS))
    enter.add_argument("command", nargs=argparse.REMAINDER)
    enter.set_defaults(run=_enter)
    arguments = parser.parse_args()
    try:
        status: int = arguments.run(arguments)
    except Complaint as complaint:
        print(complaint, file=sys.stderr)
        return 1
    return status


def _up(_: argparse.Namespace) -> int:
    _check_machine()
    began = time.monotonic()
    cluster = _found() or _start()
    _keep_runners(cluster)
    _keep_relay(cluster)
    print(f"ready after {time.monotonic() - began:.1f} s\n")
    _show(cluster)
    return 0


def _spread(cluster: Cluster) -> bool:
    """Whether each rack has links to two workers."""
    return all(len(rack["connections"]) >= 2 for rack in cluster.status()["racks"])


def _down(_: argparse.Namespace) -> int:
    lab = Lab.adopt(DIRECTORY)
    if lab is None:
        print("nothing runs")
        return 0
    count = sum(len(host.processes()) for host in lab.hosts.values())
    lab.close()
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    print(f"ended {count} processes on {len(HOSTS)} hosts")
    return 0


def _status(_: argparse.Namespace) -> int:
    _show(_running())
    return 0


def _enter(arguments: argparse.Namespace) -> int:
    host = _running().lab.hosts[arguments.host]
    command = arguments.command or ["bash", "--norc"]
    env = environment({**cli_environment(), "PS1": f"{host.name}:\\w# ", "TERM": "xterm"})
    argv = ["nsenter", "--target", str(host.namespace), *NAMESPACES]
    return subprocess.run(
        [*argv, "--", "env", "-C", str(STATE), *command], check=False, env=env
    ).returncode


def _lease(_: argparse.Namespace) -> int:
    """Be a client that has never been seen before, on the small LAN."""
    chaddr = mac(0x020000000000 + random.SystemRandom().randrange(1 << 32))
    with DHCPClients(_running().clients, "eth0") as clients:
        try:
            lease = clients.acquire(chaddr)
        except NoLease as refusal:
            raise Complaint(str(refusal)) from refusal
    print(
        f"{lease.chaddr} has {lease.ip} for {lease.seconds} s from {lease.server}, "
        f"after {lease.latency:.2f} s"
    )
    return 0


def _check_machine() -> None:
    if os.geteuid() != 0:
        raise Complaint("make run makes network namespaces and needs root: sudo make run")
    if lacking := missing():
        raise Complaint(f"make run needs: {', '.join(lacking)}")


def _found() -> Cluster | None:
    """Give the cluster of an earlier `make run` if all its hosts live; clear away a broken one."""
    lab = Lab.adopt(DIRECTORY)
    if lab is None:
        return None
    if set(lab.hosts) != HOSTS or len(lab.networks) != 3:
        print("the cluster of an earlier run is incomplete: it is ended")
        lab.close()
        shutil.rmtree(DIRECTORY, ignore_errors=True)
        return None
    return Cluster(lab, Postgres(lab.hosts["db"]))


def _running() -> Cluster:
    cluster = _found()
    if cluster is None:
        raise Complaint("nothing runs: start it with make run")
    return cluster


def _start() -> Cluster:
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    if _answers():
        raise Complaint(f"port {PORT} of this machine is taken: end what listens there first")
    cluster = start("demo", DIRECTORY, detached=True, progress=_progress)
    # the first link of a rack is there before all workers are up
    until(lambda: _spread(cluster), "two links of each rack", timeout=30.0, interval=0.3)
    return cluster


def _progress(step: str) -> None:
    print(f"  starting: {step}", flush=True)


def _keep_runners(cluster: Cluster) -> None:
    """Start the runner of every host whose runner has died; it adopts what still runs."""
    for host in (cluster.db, cluster.region, *cluster.racks):
        control = cluster.runner(host)
        if not host.processes("-m lab.runner"):
            print(f"  the runner of {host.name} had died: started again", flush=True)
            control.launch()


def _keep_relay(cluster: Cluster) -> None:
    """Make localhost lead to the region; the relay ends with the region's host."""
    if _answers():
        return
    anchor = cluster.region.namespace
    log = cluster.region.directory / "relay.log"
    enter = ["nsenter", "--target", str(anchor), "--pid", "--"]
    ports = (str(PORT), str(API_PORT))
    relay = [sys.executable, "-m", "lab.relay", *ports, f"/proc/{anchor}/ns/net"]
    with log.open("w") as output:
        subprocess.Popen(
            [*enter, *relay],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment(),
            start_new_session=True,
        )
    until(_answers, f"port {PORT} on localhost (see {log})", timeout=10.0)


def _answers() -> bool:
    try:
        socket.create_connection(("127.0.0.1", PORT), timeout=1.0).close()
    except OSError:
        return False
    return True


def _show(cluster: Cluster) -> None:
    """Print what a newcomer needs, ending with the status tables."""
    print(f"API      {ADDRESS}")
    print(f"API key  {cluster.api_key}\n")
    argv = [str(BIN / "maasha"), "status", PROFILE]
    print(cluster.rack1.run(argv, env=cli_environment(), timeout=30.0).stdout)
    python = Path(sys.executable).relative_to(PROJECT)
    print("the manual's commands work on a rack; this opens a shell on one:")
    print(f"  {python} -m lab.demo enter rack1")
    print("once DHCP is on, this has a client ask for an address:")
    print(f"  {python} -m lab.demo lease")
    print("and `make stop` ends it all")


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
