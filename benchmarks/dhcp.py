"""What DHCP for a large site costs: `python -m benchmarks.dhcp [--quick]`, as root.

10,000 reserved addresses in 200 subnets of one VLAN, which a pair of racks serves in a lab.
Measured is how long one rack needs to render, check and apply all of it; how long one change of a
host takes from the call of the API until a client has been offered the new address by both racks,
while neither dhcpd is restarted; and what that costs a rack, compared in the same round with the
naive way, to write everything anew and restart. Then perfdhcp has 6,000 clients come anew, 1,000 a
second, once at dhcpd as rackd runs it and once at a bare one: what reporting costs it. Ends with 1
if a bar of `benchmarks.bars` is short.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from ipaddress import IPv4Address
from pathlib import Path

from benchmarks.bars import DHCP
from benchmarks.dhcp_site import Site, client, serving
from benchmarks.figures import Figure, conclude, owed

ROUNDS, QUICK_ROUNDS = 20, 3
FREE = IPv4Address("10.1.1.0")
"""Of the racks' own subnet: no range and no reservation is beyond."""
LEASE_ROUNDS = 8
"""Of 15 s each."""
PATIENCE = 240.0
"""Seconds for the rounds on one rack."""

Values = defaultdict[str, list[float]]


def on_one_rack(part: str, rounds: int, values: Values) -> None:
    """Measure a part of one rack's, in a network of its own."""
    argv = ["unshare", "-n", sys.executable, "-m", f"benchmarks.{part}", str(rounds)]
    done = subprocess.run(argv, check=True, stdout=subprocess.PIPE, timeout=PATIENCE)
    for name, found in json.loads(done.stdout).items():
        values[name] += found


def end_to_end(site: Site, rounds: int, values: Values) -> None:
    """Measure additions and changes of a host."""
    before = site.pids()
    for number in range(1, rounds + 1):
        address, other = FREE + number, FREE + 128 + number
        fields = {"mac_address": str(client(number)), "hostname": f"new{number}"}
        made = site.call("POST", "reservedips/", ip=str(address), **fields)
        added = site.offered(client(number), address) - made["began"]
        path = f"reservedips/{json.loads(made['body'])['id']}/"
        changed = site.call("PUT", path, ip=str(other))
        moved = site.offered(client(number), other) - changed["began"]
        values["a host added: API call -> offered by both, ms"].append(added * 1000)
        values["a host moved: API call -> offered by both, ms"].append(moved * 1000)
        values["a host moved: API call -> answer, ms"].append(
            (changed["ended"] - changed["began"]) * 1000
        )
    values["dhcpds restarted by it"].append(float(before != site.pids()))


def run(rounds: int) -> dict[str, Figure]:
    """Measure so many rounds of each."""
    values: Values = defaultdict(list)
    on_one_rack("dhcp_apply", rounds, values)
    on_one_rack("dhcp_leases", min(rounds, LEASE_ROUNDS), values)
    with tempfile.TemporaryDirectory() as directory, serving(Path(directory)) as site:
        end_to_end(site, rounds, values)
        values["rackd, MiB"].append(site.resident("maasha-rackd"))
        values["dhcpd, MiB"].append(site.resident("/usr/sbin/dhcpd"))
    return {name: Figure(name, tuple(found)) for name, found in values.items()}


def main() -> int:
    """Measure, print the table, and give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dhcp", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few rounds")
    parser.add_argument("--rounds", type=int, help="how many rounds (20, quick 3)")
    parser.add_argument("--json", type=Path, help="where to write the figures that have a bar")
    given = parser.parse_args()
    rounds = given.rounds or (QUICK_ROUNDS if given.quick else ROUNDS)
    found, bars = run(rounds), owed(DHCP, given.quick)
    return conclude(found, bars, given.json)


if __name__ == "__main__":
    sys.exit(main())
