"""`maasha-rack links` and `maasha-rack rpc-trace`: what a running rackd has to show."""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import tzinfo
from pathlib import Path
from typing import Any, TypeVar

from maasha.cli.tables import table
from maasha.model.codec import BadRecord, from_loose
from maasha.rack.control_client import Unanswered, ask
from maasha.rack.control_lines import LINKS, TRACE, Request, socket_in
from maasha.rack.link_report import LinkReport
from maasha.rpc.tracing.layout import Layout, duration
from maasha.rpc.tracing.line import Line

TIMEOUT = 10.0
"""Seconds that rackd may take to tell of its links."""
WIDTH = 100
"""Characters, where there is no terminal to ask."""
HEADS = "WORKER", "ADDRESS", "SINCE", "HEALTH", "ROUND TRIP", "IN FLIGHT"

T = TypeVar("T")
DataDir = Callable[[argparse.Namespace], Path]
"""Says where the data folder is, given the words of the command line."""

LINKS_HELP = """\
One line for each link of the rackd that runs on this host:

  WORKER      the region's worker, under the name that the regions publish
  ADDRESS     where the link leads
  SINCE       when it was connected, in this host's time
  HEALTH      healthy; suspect: silent, so calls wait; joining: the proof is not through yet
  ROUND TRIP  smoothed mean and mean deviation, as the heartbeat measures them
  IN FLIGHT   this rack's calls that wait for an answer or for their turn
"""

TRACE_HELP = """\
Shows what goes over the links of the rackd that runs on this host, from now on until Ctrl-C. Links
that come later are shown from their first byte on, their handshake included.

  10:21:04.518  region:pid=812 → ReportDHCP #1f  (within 10 s, trace 9c1e05aa-2.1f)
                report: {serving: true, digest: <text, 64 bytes>, generation: 1.12}
  10:21:04.521  region:pid=812 ← ReportDHCP #1f  ok  after 2.9 ms

An arrow to the right is what this rack sent, to the left what it got; `·` is a link that came or
went. Question and answer have the same number; each side counts its own. A question is followed by
how long its caller waits and by the trace that it belongs to: work that one message causes carries
its trace on. `after` is the time from question to answer as this rack sees it.

Nothing secret is shown, and no lease: of proofs, nonces, keys, tokens, addresses, texts of dhcpd
and of all arguments of a third party's commands there is kind and size only, as `<32 bytes>`.

What is not read is not kept: a trace that falls a megabyte behind is ended by rackd.
"""

TRACE_EXAMPLES = """\
examples:
  maasha-rack rpc-trace                       all links, without heartbeats
  maasha-rack rpc-trace --link 10.0.0.10      links to one host
  maasha-rack rpc-trace --json | jq 'select(.kind == "error")'

exit status:
  0  ended by Ctrl-C, or nobody reads the output any more
  1  no rackd runs here, or it ended; 78: rackd.conf is wrong
"""


def add_to(commands: Any, data_dir: DataDir) -> None:
    """Add both to the subparsers of `maasha-rack`."""
    raw = argparse.RawDescriptionHelpFormatter
    links = commands.add_parser(
        LINKS,
        help="list the links of the running rackd",
        description=LINKS_HELP,
        formatter_class=raw,
    )
    links.add_argument("--json", action="store_true", help="one JSON object per line")
    links.set_defaults(run=lambda arguments: show_links(arguments, data_dir(arguments)))
    trace = commands.add_parser(
        TRACE,
        help="show the messages on the links of the running rackd",
        description=TRACE_HELP,
        epilog=TRACE_EXAMPLES,
        formatter_class=raw,
    )
    trace.add_argument(
        "--link",
        default="",
        metavar="WORKER|HOST",
        help="only links to this worker or region (as `links` names them), or to this address",
    )
    trace.add_argument("--all", action="store_true", help="heartbeats too")
    trace.add_argument("--json", action="store_true", help="one JSON object per line")
    trace.set_defaults(run=lambda arguments: show_trace(arguments, data_dir(arguments)))


def show_links(arguments: argparse.Namespace, data_dir: Path) -> None:
    """Print a table."""
    reports = listed(arguments, data_dir, LINKS, LinkReport)
    if reports is None:
        return
    print(table(HEADS, [row(report) for report in reports]))
    if not reports:
        print("rackd has no link now; its log says why", file=sys.stderr)


def row(report: LinkReport, zone: tzinfo | None = None) -> tuple[str, ...]:
    """Give the cells of a link; `zone` is this host's, unless given."""
    trip = ""
    if report.round_trip is not None and report.deviation is not None:
        trip = f"{duration(report.round_trip)} ± {duration(report.deviation)}"
    since = report.since.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
    count = str(report.in_flight)
    return report.worker, report.remote, since, report.health, trip, count


def show_trace(arguments: argparse.Namespace, data_dir: Path) -> None:
    """Print what goes on until somebody ends it."""
    request = Request(TRACE, {"link": arguments.link, "all": arguments.all})
    show_anything()
    width = shutil.get_terminal_size((WIDTH, 24)).columns
    layout = Layout(width, plain=not _can_show("→"))
    with ended_by_hand():
        for item in ask(socket_in(data_dir), request, None):
            text = json.dumps(item) if arguments.json else layout.written(read(Line, item))
            print(text, flush=True)


def listed(
    arguments: argparse.Namespace, data_dir: Path, question: str, kind: type[T]
) -> list[T] | None:
    """Give what rackd answers to a question; None: it is printed already, as JSON."""
    show_anything()
    items = list(ask(socket_in(data_dir), Request(question), TIMEOUT))
    if arguments.json:
        print("".join(f"{json.dumps(item)}\n" for item in items), end="")
        return None
    return [read(kind, item) for item in items]


def show_anything() -> None:
    """Have characters that this terminal does not know written as escapes."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


@contextmanager
def ended_by_hand() -> Iterator[None]:
    """Take Ctrl-C, and an output that nobody reads any more, for the end."""
    try:
        yield
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for Python's last flush


def _can_show(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return False
    return True


def read(record: type[Any], item: object) -> Any:
    """Read an item of an answer; raises Unanswered where it is none that we know."""
    try:
        return from_loose(record, item)
    except BadRecord as error:
        raise Unanswered(f"rackd is of another version ({error}): restart it") from error
