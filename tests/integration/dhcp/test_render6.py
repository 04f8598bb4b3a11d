"""What the renderer writes of DHCPv6, read by real dhcpd."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from maasha.dhcp.facts6 import RackFacts6
from maasha.dhcp.render6 import render6
from maasha.model.network import VlanId
from maasha.model.stretches import Stretches
from tests.unit.dhcp.networks6 import situations

pytestmark = pytest.mark.root


@given(situations())
@settings(
    max_examples=100,
    deadline=None,
    # every example writes the same file anew
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_every_rendered_text_is_read_by_dhcpd(
    tmp_path: Path, situation: tuple[RackFacts6, dict[VlanId, Stretches]]
) -> None:
    """Whatever the networks are, what is not refused by name passes `dhcpd -6 -t`."""
    facts, shares = situation
    rendered = render6(facts, shares)
    wanted = [share for share in shares.values() if share]
    assert len(rendered.plan.roles) + len(rendered.problems) == len(wanted)
    config = tmp_path / "dhcpd.conf"
    config.write_text(rendered.plan.config)
    argv = ["dhcpd", "-6", "-t", "-cf", str(config), "-lf", str(tmp_path / "no.leases")]
    checked = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    assert checked.returncode == 0, checked.stderr + rendered.plan.config
