"""What the renderer writes, read by real dhcpd."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from maasha.dhcp.facts import RackFacts
from maasha.dhcp.render import render
from maasha.model.dhcp import Role
from maasha.model.network import VlanId
from tests.unit.dhcp.networks import situations

pytestmark = pytest.mark.root


@given(situations())
@settings(
    max_examples=200,
    deadline=None,
    # every example writes the same file anew
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_every_rendered_text_is_read_by_dhcpd(
    tmp_path: Path, situation: tuple[RackFacts, dict[VlanId, Role]]
) -> None:
    """Whatever the networks are, what is not refused by name passes `dhcpd -4 -t`."""
    facts, roles = situation
    rendered = render(facts, roles)
    problems = [problem for problem in rendered.problems if problem.vlan in roles]
    assert len(rendered.plan.roles) + len(problems) == len(roles)
    config = tmp_path / "dhcpd.conf"
    config.write_text(rendered.plan.config)
    argv = ["dhcpd", "-4", "-t", "-cf", str(config), "-lf", str(tmp_path / "no.leases")]
    checked = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    assert checked.returncode == 0, checked.stderr + rendered.plan.config
