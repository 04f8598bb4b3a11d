"""Whoever reaches the port of the racks harms nobody: the racks' links, calls and joins go on.

`python -m benchmarks.attacks` holds the same figures against their bars.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from lab.cluster import OUTSIDER
from lab.testing import require
from tests.acceptance.attacker import KINDS
from tests.acceptance.figures import Figures
from tests.acceptance.siege import (
    SOURCES,
    Attack,
    Field,
    Memory,
    besieged,
    fleet_gathers,
    fleet_returns,
)

pytestmark = pytest.mark.root

LONGEST_CALL = 2.0
"""Seconds that 99 of 100 calls may take, or twice as long as without an attack. A safety bound: the
machine's other work counts too; the figures are printed."""
LONGEST_JOIN = 10.0
MORE_MEMORY = 64 * 1024
"""KiB."""
RETURN = 40.0
"""Seconds in which all racks behind one address are back: a safety bound, 4 to 9 s were seen."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """Give a region with one worker, and a host of racks."""
    require()
    with besieged(tmp_path_factory.mktemp("cluster")) as field:
        yield field


@pytest.mark.parametrize("kind", KINDS)
def test_an_attack_harms_nobody(site: Field, kind: str, figures: Figures) -> None:
    """Calls are answered, a new rack joins, memory is bounded, and the log stays readable."""
    attack = Attack(site, kind)
    sources = attack.sources()
    since, began = len(site.log()), time.monotonic()
    with Memory(site.worker()) as memory:
        before = memory.now()
        calm = attack.rehearse()
        called, joined, opened = attack.run(sources)
    figures.count(f"attack: {kind}, connections", opened)
    figures.milliseconds(f"attack: {kind}, calls p99 before", calm["p99"])
    figures.milliseconds(f"attack: {kind}, calls p99", called["p99"])
    figures.milliseconds(f"attack: {kind}, a new rack joins", joined["seconds"])
    figures.count(f"attack: {kind}, KiB more", memory.most - before)
    assert called["failed"] == calm["failed"] == []
    assert called["p99"] <= max(2 * calm["p99"], LONGEST_CALL)
    assert joined["seconds"] <= LONGEST_JOIN
    assert opened >= SOURCES * 10
    assert memory.most - before <= MORE_MEMORY
    assert site.worker() == memory.pid
    lines = lines_by_source(site.log()[since:])
    minutes = 1 + int((time.monotonic() - began) / 60)
    assert set(lines) == set(sources)
    assert max(lines.values()) <= minutes


def lines_by_source(text: str) -> Counter[str]:
    """Count the lines about each address of the outsider's."""
    found = re.findall(r"(?:from|refused a rack at) (10\.100\.0\.\d+)", text)
    return Counter(address for address in found if int(address.rpartition(".")[2]) >= 100)


def test_racks_behind_one_address_are_back_soon(site: Field, figures: Figures) -> None:
    """500 of them, also just after a restart, when the new worker knows nobody yet."""
    first = fleet_gathers(site, 500)
    back = fleet_returns(site, RETURN)
    figures.seconds("500 racks of one address: linked for the first time", first["seconds"])
    figures.seconds("500 racks of one address: worker SIGKILLed -> all linked", back["seconds"])
    figures.count("500 racks of one address: most tries of one", back["most_tries"])
    assert back["seconds"] <= RETURN


assert int(OUTSIDER.rpartition(".")[2]) < 100
