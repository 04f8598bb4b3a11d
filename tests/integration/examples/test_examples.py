"""The examples of docs/library.md do what the page says, on real daemons."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.examples.programs import EXAMPLES, Site


def test_a_plugin_serves_both_ends(site: Site) -> None:
    """A rack offers its sensor, the region reads it; what cannot be used is named and left out."""
    site.sensor("thermal_zone0", "21500")
    region = site.region()
    rack = site.rack()
    for daemon in (region, rack):
        daemon.says("extension thermometer: racks answer ReadSensor, regions answer OfferSensor")
        daemon.says("No module named 'a_module_that_was_never_installed'")
        daemon.says("plugin twisted.plugins.broken is left out: it cannot be imported")
        daemon.says("extension thief is left out: its command Retire belongs to maasha already")
    read = region.says(": 21500 mC")
    name = (site.folder / "rack" / "system_id").read_text().strip()
    assert f" {name}: " in read


def test_an_error_nobody_declared_is_found_by_its_id(site: Site) -> None:
    """The rack's log has the cause under an id, which travels with the error; the link lives."""
    site.sensor("thermal_zone0", "broken")
    region = site.region()
    rack = site.rack()
    told = rack.says("ReadSensor failed, the caller was told")
    identity = told.rpartition(" ")[2]
    rack.says("invalid literal for int()")
    rack.says(f"look for {identity} in its log")  # the region hands the error on to its own caller
    rack.says("extension thermometer does nothing unasked any more")
    assert "unlinked" not in region.said


def test_a_guest_joins_with_a_token_and_returns_with_its_key(site: Site) -> None:
    """It is one rack all the time, answers what it is asked, and the token is used up."""
    region = site.region()
    credential = site.folder / "guest-credential"
    credential.write_text(site.token())
    first = site.guest(credential)
    name = first.says("joined as").rpartition(" ")[2]
    region.says(f"{name}: 36600 mC")
    assert json.loads(credential.read_text())["system_id"] == name
    first.end()
    region.says("rack guest unlinked")
    again = site.guest(credential)
    assert again.says("joined as").endswith(name)


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_an_example_fits_on_a_page(example: Path) -> None:
    """At most 60 lines."""
    assert len(example.read_text().splitlines()) <= 60
