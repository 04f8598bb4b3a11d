"""The high availability page's own commands, run by bash with `maas` standing for `maasha`."""

from __future__ import annotations

import socket

import pytest

from tests.integration.cli.conftest import User
from tests.integration.cli.small_region import Reply, SmallRegion

PAGE = r"""
set -euo pipefail
maas() { maasha "$@"; }
vid=$(maas maas subnets read | jq -r '.[] | select(.cidr == "10.0.0.0/24") | .vlan.vid')
fabric_name=$(maas maas subnets read | jq -r '.[] | select(.cidr == "10.0.0.0/24") | .vlan.fabric')
query=".[] | select(.name == \"$fabric_name\") | .id"
fabric_id=$(maas maas fabrics read | jq "$query")
maas maas ipranges create type=reserved start_ip=10.0.0.3 end_ip=10.0.0.49
maas maas ipranges create type=dynamic start_ip=10.0.0.50 end_ip=10.0.0.99
maas maas vlan update ${fabric_id} ${vid} primary_rack=$(hostname) dhcp_on=true
"""


@pytest.mark.root
def test_the_page(admin: User, region: SmallRegion) -> None:
    """The page's commands ask the region for what they mean, as they stand there."""
    vlan = {"vid": 0, "fabric": "fabric-3", "fabric_id": 3}
    region.will_answer("GET subnets/", Reply(200, [{"cidr": "10.0.0.0/24", "vlan": vlan}]))
    region.will_answer("GET fabrics/", Reply(200, [{"name": "fabric-3", "id": 3}]))
    region.will_answer("POST ipranges/", Reply(200, {"id": 1}))
    region.will_answer("PUT fabrics/3/vlans/0/", Reply(200, vlan | {"dhcp_status": "running"}))
    done = admin.runs("bash", "-c", PAGE)
    assert (done.status, done.err) == (0, "")
    assert [(seen.path, dict(seen.fields)) for seen in region.seen if seen.method != "GET"] == [
        ("ipranges/", {"type": "reserved", "start_ip": "10.0.0.3", "end_ip": "10.0.0.49"}),
        ("ipranges/", {"type": "dynamic", "start_ip": "10.0.0.50", "end_ip": "10.0.0.99"}),
        ("fabrics/3/vlans/0/", {"primary_rack": socket.gethostname(), "dhcp_on": "true"}),
    ]
