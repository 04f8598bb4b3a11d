"""Our own command line against this API: the page's commands, word for word."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest_twisted
from twisted.internet.utils import getProcessOutputAndValue

from tests.integration.api.client import World

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
