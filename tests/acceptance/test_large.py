"""Very many racks on two regions: whatever dies, all are served soon and even again.

A rolling restart of everything, with a drain of each region first, costs no call. MAASHA_SOAK in
the environment (`make soak`) makes it a thousand racks under the rules as shipped; else there is a
fifth of them, and what takes its time by rule takes less.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from lab import Host, until
from lab.testing import require
from tests.acceptance.city import LOOK, PATIENCE, RATE, City, Span, city, p99
from tests.acceptance.figures import Figures
from tests.acceptance.ledger import Tally
from tests.acceptance.storm_caller import INTERVAL

pytestmark = pytest.mark.root

WHOLE = "MAASHA_SOAK" in os.environ
COUNT = 1000 if WHOLE else 200
SHIPPED: dict[str, object] = {}
QUICK: dict[str, object] = {"balance_stay": 3, "balance_hold": 3, "balance_pace": 50}
SERVED = 60.0
"""Seconds until every rack has an owner again: a safety bound; figures are printed."""
PACED = 0.9
"""Of the rate at which each kind of calls is to begin, for a processor may be late."""
SLOWEST_CALL = 10.0
"""Seconds that 99 of 100 calls of the API may take."""
WORKER, ALL = "maasha.daemon.worker", "maasha"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """Give all racks on two regions, even."""
    require()
    with city(tmp_path_factory.mktemp("city"), COUNT, SHIPPED if WHOLE else QUICK) as started:
        yield started


def note(figures: Figures, what: str, span: Span) -> None:
    """Tell how calls fared."""
    figures.count(f"{what}: calls of racks", span.racks.begun)
    figures.count(f"{what}: calls of racks that failed", span.racks.failed.total())
    figures.milliseconds(f"{what}: calls of racks p99", p99(span.racks.answered))
    figures.count(f"{what}: calls of regions", span.regions.begun)
    figures.count(f"{what}: calls of regions that failed", span.regions.failed)
    figures.count(f"{what}: calls of regions that ended with their process", span.regions.open)
    figures.count(f"{what}: calls of the API", span.api.begun)
    figures.count(f"{what}: calls of the API that failed", span.api.failed.total())
    figures.milliseconds(f"{what}: calls of the API p99", span.api_p99)


def strike(site: City, figures: Figures, what: str, happen: Callable[[], object]) -> None:
    """Let something die that is started again, and measure until all is as before."""
    what = f"{COUNT} racks, {what}"
    site.begin()
    began = time.monotonic()
    happen()
    served = until(
        lambda: site.served(began), f"all racks served: {what}", timeout=PATIENCE, interval=LOOK
    )
    even = site.wait_even(what)
    figures.seconds(f"{what} -> every rack served", served - began)
    figures.seconds(f"{what} -> even again", even - began)
    span = site.end()
    note(figures, what, span)
    assert served - began <= SERVED
    assert span.api_p99 <= SLOWEST_CALL


def test_a_worker_dies(site: City, figures: Figures) -> None:
    """Its racks go on with their other link, and its share comes back to its successor."""
    region = site.cluster.regions[1]
    victim = region.processes(WORKER)[0].pid
    strike(site, figures, "worker SIGKILLed", lambda: region.signal(victim, signal.SIGKILL))


def test_a_region_dies(site: City, figures: Figures) -> None:
    """All its processes at once; the other one carries everything until it is back."""
    region = site.cluster.regions[1]
    strike(site, figures, "region SIGKILLed", lambda: region.signal(ALL, signal.SIGKILL))


def restart(site: City, region: Host, other: Host) -> tuple[float, float, float]:
    """Drain a region, restart it, and let it have its share; gives the seconds of each."""
    began = time.monotonic()
    site.command(other, "drain", "region", region.name, "--wait")
    drained = time.monotonic()
    runner = site.cluster.runner(region)
    runner.stop("regiond", timeout=PATIENCE)
    runner.start("regiond")
    site.command(other, "drain", "region", region.name, "--undo")
    started = time.monotonic()
    even = site.wait_even(f"{region.name} restarted")
    return drained - began, started - drained, even - started


def test_a_rolling_restart(site: City, figures: Figures) -> None:
    """Of both regions, one after the other: every call of anybody is answered."""
    what = f"{COUNT} racks, rolling restart"
    first, second = site.cluster.regions
    site.begin()
    for region, other in ((first, second), (second, first)):
        drained, restarted, even = restart(site, region, other)
        figures.seconds(f"{what}: drain of {region.name}", drained)
        figures.seconds(f"{what}: {region.name} stopped and started", restarted)
        figures.seconds(f"{what}: {region.name} undone -> even again", even)
    span = site.end()
    note(figures, what, span)
    begun = span.racks.begun + span.regions.begun
    figures.count(f"{what}: calls a second", round(begun / span.seconds))
    assert span.racks.failed == {}
    assert span.complaints == ()
    assert span.regions == Tally(begun=span.regions.begun, answered=span.regions.begun)
    assert span.api.failed == {}
    assert span.api_p99 <= SLOWEST_CALL
    assert min(span.racks.begun, span.regions.begun) >= PACED * RATE / 2 * span.seconds
    assert span.api.begun >= span.seconds / INTERVAL / 4  # it leaves out those it is late for
