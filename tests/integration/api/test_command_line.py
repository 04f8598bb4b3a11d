"""Our own command line against this API: the page's commands, word for word."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest_twisted
from twisted.internet.utils import getProcessOutputAndValue

from maasha.model.cluster import Endpoint
from tests.integration.api.client import World, add_worker

PAGE = """
set -e
vid=$(maas maas subnets read | jq -r '.[] | select(.cidr == "10.0.0.0/24") | .vlan.vid')
fabric_name=$(maas maas subnets read | jq -r '.[] | select(.cidr == "10.0.0.0/24") | .vlan.fabric')
query=".[] | select(.name == \\"$fabric_name\\") | .id"
fabric_id=$(maas maas fabrics read | jq "$query")
maas maas ipranges create type=reserved start_ip=10.0.0.3 end_ip=10.0.0.49 >&2
maas maas ipranges create type=dynamic start_ip=10.0.0.50 end_ip=10.0.0.99 >&2
maas maas vlan update ${fabric_id} ${vid} primary_rack=rack-1 dhcp_on=true
"""


async def bash(home: Path, script: str) -> tuple[str, str, int]:
    """Run a script in which `maas` is our command line; gives stdout, stderr and status."""
    shell = f'maas(){{ "{sys.executable}" -m maasha.cli "$@"; }}\n{script}'
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    root = str(Path(__file__).parents[3])
    out, err, code = await getProcessOutputAndValue(
        "/bin/bash", ("-c", shell), env=environment, path=root
    )
    return out.decode(), err.decode(), code


@pytest_twisted.ensureDeferred
async def test_the_page(world: World, tmp_path: Path) -> None:
    """After a login the page's block reaches the VLAN, and the answer says how it stands."""
    login = f"maas login maas {world.admin.origin}/MAAS/ {world.admin.key}"
    _, err, code = await bash(tmp_path, login)
    assert code == 0, err
    out, err, code = await bash(tmp_path, PAGE)
    assert code == 0, err
    vlan: Any = json.loads(out)
    assert vlan["primary_rack"] == world.racks[0].system_id
    assert vlan["dhcp_status"].startswith("pending: rack rack-1")
    out, err, code = await bash(tmp_path, "maas status")
    assert (code, "rack-1" in out) == (0, True), err
    out, _, code = await bash(tmp_path, "maas maas vlan update 1 0 primary_rack=nobody")
    assert (code, "primary_rack" in out) == (2, True)
    sid = world.racks[1].system_id
    _, err, code = await bash(tmp_path, f"maas maas rack-controller delete {sid}")
    assert code == 0, err


UPGRADE = """
set -e
maas drain region region-1 --for 2h --then alarm | jq -r '.kind, .name, .at_end, .remaining' | xargs
maas pause --for 10m | jq -r .pause.by
maas status | grep -E '^(Paused|Drained)'
maas balance --dry-run | jq -r '.actions[] | .rack, .from, .to, .reason' | sort | uniq -c
maas balance | jq -r .stops[0]
maas resume | jq .pause
maas drain region region-1 --undo
maas balance --explain | jq '.drains, .pause' | xargs
"""
TOLD = """\
region region-1 alarm 2
user:admin
Paused by user:admin until TIME UTC: nothing is done without a hand
Drained: region region-1 by user:admin until TIME UTC, then an alarm, 2 links left
      1 rack-1
      1 rack-2
      2 region-1/0
      2 region-2/0
      2 the worker is draining
paused by user:admin until TIME UTC
null
[] null
"""
TIME = r"20[0-9]{2}-[0-9-]+[T ][0-9:.]+(\+00:00)?"


async def beat(world: World) -> None:
    """Let the workers, which are rows only, be alive for as long as many commands take."""
    await world.pool.run(
        lambda tx: tx.execute("update worker set heartbeat = now() + interval '120 s'")
    )


@pytest_twisted.ensureDeferred
async def test_an_upgrade(world: World, tmp_path: Path) -> None:
    """A region is emptied and taken back, with everything paused meanwhile."""
    login = f"maas login maas {world.admin.origin}/MAAS/ {world.admin.key}"
    _, err, code = await bash(tmp_path, login)
    assert code == 0, err
    out, err, code = await bash(tmp_path, "maas drain region region-1")
    assert (code, "cannot be drained: nobody else" in out) == (2, True), err
    await add_worker(world.pool, "region-2", 0, Endpoint("192.0.2.2", 5250))
    await beat(world)
    out, err, code = await bash(tmp_path, UPGRADE)
    assert code == 0, err
    assert re.sub(TIME, "TIME", out) == TOLD
    _, err, code = await bash(tmp_path, "maas drain worker region-1/0 --undo")
    assert (code, err) == (2, "worker region-1/0 is not drained; see: maasha status\n")


ROLES = """
set -e
maas maas ipranges create type=dynamic start_ip=10.0.0.50 end_ip=10.0.0.99 >&2
maas maas vlan update 1 0 dhcp_on=true primary_rack=rack-1 >&2
maas maas vlan update 1 0 secondary_rack= | jq -r '.primary_rack_by, .secondary_rack_by' | xargs
maas maas dhcp-roles read | jq -r '.vlans[0].why'
maas maas vlan update 1 0 ha_auto=true | jq -r '.primary_rack_by, .secondary_rack_by' | xargs
maas dhcp roles | jq -r '.vlans[0].why' | cut -d' ' -f1-2
maas dhcp roles --plan
"""
CHOSEN = """\
user:admin user:admin
a person (user:admin) wants no secondary; ha_auto=true hands the place back
automatic automatic
nobody: rack-2
[]
"""


@pytest_twisted.ensureDeferred
async def test_roles(world: World, tmp_path: Path) -> None:
    """A person keeps a place empty and hands it back; a rack that is there is not lost."""
    login = f"maas login maas {world.admin.origin}/MAAS/ {world.admin.key}"
    _, err, code = await bash(tmp_path, login)
    assert code == 0, err
    await beat(world)
    out, err, code = await bash(tmp_path, ROLES)
    assert code == 0, err
    assert out == CHOSEN
    sid = world.racks[1].system_id
    out, err, code = await bash(tmp_path, f"maas rack-controller declare-lost {sid}")
    assert (code, out.startswith("rack rack-2 is linked: drain it, or delete it")) == (2, True), err
