"""`maasha-rack dhcp`: what this rack's DHCP does, and orders to it, with or without a region."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from attrs import evolve

from maasha.dhcp.joining import ranges
from maasha.dhcp.leases import LeaseParser
from maasha.dhcp.orders import Impossible
from maasha.model.codec import to_loose
from maasha.model.duration import parse_duration
from maasha.model.network import VlanId
from maasha.model.orders import OrderKind
from maasha.rack import offline
from maasha.rack.acting import RESUME, Wish
from maasha.rack.control_client import NotRunning, ask
from maasha.rack.control_lines import DHCP_ORDER, DHCP_STATUS, Refused, Request, socket_in
from maasha.rack.dhcp_words import Live, Status, shown
from maasha.rack.lease_list import Choice, chosen
from maasha.rack.lease_list import shown as shown_leases
from maasha.rack.views import DataDir, read, show_anything

TIMEOUT = 10.0
"""Seconds that rackd may take to say how it is."""
ORDER_TIMEOUT = 150.0
"""Seconds that an order may take: dhcpd is checked, stopped, started, and where that fails put
back."""
MAC = re.compile(r"[0-9a-f]{1,2}([:-][0-9a-f]{1,2}){5}", re.IGNORECASE)

HELP = """\
Works on the spot, without any region, and where no rackd runs as far as files and dhcpd's process
allow. What is ordered stands until it is ended, through restarts of rackd and of this host; regions
hear of it, write it into their history as this host's user's act, and plan around it.
"""
STOP_HELP = """\
Serve a VLAN no more, or nothing at all. Its failover peer, if it has one, goes on, and a region
that is reached lets it serve alone with all addresses. The end of a stop that no region knows of
serves again at once; after that it is the region's to say, for the peer may serve alone by then.
"""
SOLO_HELP = """\
Serve a VLAN alone, all of its addresses, at once: the failover peer is gone and no region is there
to see to it. You vouch that the host of every other rack of this VLAN is OFF and stays off. If its
dhcpd ran, both would give out the same addresses. It stands until `maasha-rack dhcp resume` or its
like in the region; then the region forms the pair again, in the order in which no lease is lost.
"""
VOUCH = """\
No other rack's dhcpd may run for this VLAN: two would lease one address to different clients.
The others are the failover peer, and whomever a region may have put into the place of a rack that
was stopped. Are their hosts switched off, and will they stay so? Type `off` if they are: """
DECLINED = "nothing is done: make sure that the peer is off (--peer-is-off says that it is)"


def add_to(commands: Any, data_dir: DataDir) -> None:
    """Add it to the subparsers of `maasha-rack`."""
    raw = argparse.RawDescriptionHelpFormatter
    dhcp = commands.add_parser(
        "dhcp", help="this rack's DHCP on the spot", description=HELP, formatter_class=raw
    )
    parts = dhcp.add_subparsers(required=True, metavar="WHAT")

    def part(
        name: str, run: Callable[[argparse.Namespace, Path], None], brief: str, text: str = ""
    ) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = parts.add_parser(
            name, help=brief, description=text or brief, formatter_class=raw
        )
        made.set_defaults(run=lambda arguments: run(arguments, data_dir(arguments)))
        return made

    status = part("status", _status, "what runs, since when, by which plan and which orders")
    leases = part("leases", _leases, "the leases that are on this host's disk")
    for each in (status, leases):
        each.add_argument("--format", choices=("table", "json"), default="table")
    leases.add_argument("--vlan", type=_vlan, metavar="VLAN", help="only of this VLAN's ranges")
    leases.add_argument("--mac", type=_mac, metavar="MAC", help="only of this client")
    leases.add_argument("--ip", type=_network, metavar="IP", help="only this address or network")
    leases.add_argument("--all", action="store_true", help="those too that nobody holds now")
    stop = part("stop", _stop, "serve a VLAN, or everything, no more", STOP_HELP)
    stop.add_argument("vlan", nargs="?", type=_vlan, metavar="VLAN")
    stop.add_argument("--for", dest="span", type=_span, metavar="TIME", help="30m, 1h, 7d")
    solo = part("solo", _solo, "serve a VLAN alone: the peer's host is off", SOLO_HELP)
    solo.add_argument("vlan", type=_vlan, metavar="VLAN")
    solo.add_argument(
        "--peer-is-off", "--yes", dest="off", action="store_true", help="do not ask: you vouch"
    )
    resume = part(RESUME, _resume, "end what was ordered here, about a VLAN or at all")
    resume.add_argument("vlan", nargs="?", type=_vlan, metavar="VLAN")


def _status(arguments: argparse.Namespace, data_dir: Path) -> None:
    show_anything()
    status = offline.read_status(data_dir)
    try:
        items = list(ask(socket_in(data_dir), Request(DHCP_STATUS), TIMEOUT))
    except NotRunning:
        items = []
    for item in items:
        status = _with(status, read(Live, item))
    if arguments.format == "json":
        loose = to_loose(status)
        del loose["plan"]["config"]  # it has OMAPI's secret
        del loose["plan"]["hosts"]  # a region has them, and they are many
        print(json.dumps(loose))
    else:
        print(shown(status))


def _with(status: Status, live: Live) -> Status:
    told = (live.report.problem,) if live.report.problem else ()
    return evolve(status, live=live, problems=(*status.problems, *told))


def _leases(arguments: argparse.Namespace, data_dir: Path) -> None:
    show_anything()
    folder = offline.folder_in(data_dir)
    held = ranges(offline.held_in(folder).base.config)
    parser, text = LeaseParser(), b""
    if folder.leases.exists():
        text = folder.leases.read_bytes()
    choice = Choice(arguments.vlan, arguments.mac, arguments.ip, arguments.all)
    found = chosen(parser.feed(text), held, choice, datetime.now(UTC))
    if arguments.format == "json":
        print(json.dumps(to_loose(tuple(found))))
        return
    print(shown_leases(found))
    print(f"{len(found)} leases", file=sys.stderr)


def _stop(arguments: argparse.Namespace, data_dir: Path) -> None:
    _order(data_dir, _wish(OrderKind.STOP, arguments.vlan, arguments.span))


def _solo(arguments: argparse.Namespace, data_dir: Path) -> None:
    if not arguments.off and not _vouched():
        raise Refused(DECLINED)
    _order(data_dir, _wish(OrderKind.SOLO, arguments.vlan))


def _resume(arguments: argparse.Namespace, data_dir: Path) -> None:
    _order(data_dir, _wish(None, arguments.vlan))


def _vouched() -> bool:
    try:
        return input(VOUCH).strip() == "off"
    except EOFError:
        return False


def _wish(kind: OrderKind | None, vlan: VlanId | None, seconds: float | None = None) -> Wish:
    login = os.environ.get("SUDO_USER") or os.environ.get("LOGNAME", "")
    return Wish(kind, vlan, seconds, login, _terminal())


def _terminal() -> str:
    try:
        return os.ttyname(sys.stdin.fileno())
    except (OSError, ValueError):
        return "no terminal"


def _order(data_dir: Path, wish: Wish) -> None:
    """Have rackd do it; where none runs, do what can be done without."""
    act = RESUME if wish.kind is None else wish.kind.value
    details = {"act": act, "vlan": wish.vlan, "seconds": wish.seconds}
    details |= {"login": wish.login, "terminal": wish.terminal}
    try:
        for words in ask(socket_in(data_dir), Request(DHCP_ORDER, details), ORDER_TIMEOUT):
            print(words)
    except NotRunning:
        try:
            print(offline.stop(data_dir, wish, datetime.now(UTC)))
        except Impossible as error:
            raise Refused(str(error)) from error


def _vlan(text: str) -> VlanId:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(
            f"{text!r} is no VLAN: it is the region's number, see `maasha-rack dhcp status`"
        )
    return VlanId(int(text))


def _mac(text: str) -> str:
    if not MAC.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no MAC: write it as 52:54:00:12:34:56")
    return ":".join(each.zfill(2) for each in re.split("[:-]", text.lower()))


def _network(text: str) -> IPv4Network:
    try:
        return IPv4Network(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r}: {error}; write 10.0.0.7 or 10.0.0.0/24"
        ) from None


def _span(text: str) -> float:
    try:
        return parse_duration(text).total_seconds()
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
