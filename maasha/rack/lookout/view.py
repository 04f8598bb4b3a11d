"""`maasha-rack lookout`: which other racks a running rackd sees on the VLANs that it watches."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from maasha.cli.tables import table
from maasha.rack.control_lines import LOOKOUT
from maasha.rack.lookout.report import LookoutReport
from maasha.rack.views import DataDir, listed

HEADS = "VLAN", "INTERFACE", "ADDRESS", "TCP 647", "RACK", "AT", "PROBED", "REACHED", "CLOCK"

HELP = """\
One line for each other rack on the VLANs that the region has this one watch, to find out who could
be whose failover peer. A VLAN that both serve as a pair is not watched.

  VLAN       the region's number of the VLAN, which is not its VID
  INTERFACE  of this host on it, with its ADDRESS
  TCP 647    whether this rack listens there for the others' calls: no while dhcpd has the port
  RACK       the other rack, AT its address
  PROBED     how long ago a frame went to it and came back
  REACHED    how long ago its TCP 647 answered this one's call
  CLOCK      how far its clock is ahead of this one's

Where nothing is written nothing is known. A pair needs all three both ways, and clocks that are
less than 5 s apart.
"""


def add_to(commands: Any, data_dir: DataDir) -> None:
    """Add it to the subparsers of `maasha-rack`."""
    lookout = commands.add_parser(
        LOOKOUT,
        help="list the other racks that the running rackd sees on its VLANs",
        description=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    lookout.add_argument("--json", action="store_true", help="one JSON object per line")
    lookout.set_defaults(run=lambda arguments: show(arguments, data_dir(arguments)))


def show(arguments: argparse.Namespace, data_dir: Path) -> None:
    """Print a table, and below it what does not work."""
    reports = listed(arguments, data_dir, LOOKOUT, LookoutReport)
    if reports is None:
        return
    print(table(HEADS, [row(report) for report in reports]))
    for problem in dict.fromkeys(report.problem for report in reports if report.problem):
        print(problem, file=sys.stderr)
    if not reports:
        print("no region has this rack watch a VLAN now", file=sys.stderr)


def row(report: LookoutReport) -> tuple[str, ...]:
    """Give the cells of a line."""
    offset = report.clock_offset
    number = "" if report.peer is None else str(report.peer)
    return (
        *(str(report.vlan), report.interface, report.address, "yes" if report.listens else "no"),
        *(report.peer_name or number, report.peer_address),
        *(_ago(report.probed), _ago(report.reached)),
        "" if offset is None else f"{offset:+.3f} s",
    )


def _ago(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.0f} s ago"
