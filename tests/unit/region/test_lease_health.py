"""What reports of leases say of a rack's spool and clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from maasha.db.lease_alarms import CLOCK, SPOOL_DAMAGED, SPOOL_UNWRITTEN
from maasha.model.lease import LeaseReport, Trouble, TroubleKind
from maasha.region.lease_health import LIMIT, LeaseHealth

HERE = datetime(2026, 1, 31, 12, tzinfo=UTC)
WELL = {SPOOL_DAMAGED: "", SPOOL_UNWRITTEN: "", CLOCK: ""}


def report(*troubles: Trouble, ahead: float = 0.0) -> LeaseReport:
    """Give a report of a rack whose clock is ahead."""
    return LeaseReport(0, (), clock=HERE + timedelta(seconds=ahead), troubles=troubles)


def test_all_is_well() -> None:
    """With a rack that does not tell its time, too."""
    assert LeaseHealth().judge(report(ahead=LIMIT), HERE) == WELL
    assert LeaseHealth().judge(LeaseReport(0, ()), HERE) == WELL


def test_each_trouble_is_an_alarm_of_its_own() -> None:
    """In the rack's words."""
    health = LeaseHealth()
    troubles = [Trouble(kind, kind.value) for kind in TroubleKind]
    assert health.judge(report(*troubles), HERE) == {
        SPOOL_DAMAGED: "damaged",
        SPOOL_UNWRITTEN: "unwritten",
        CLOCK: "stepped",
    }
    assert health.judge(report(), HERE) == WELL


def test_a_clock_ahead_is_one_at_once() -> None:
    """Its words stay while it differs, so that the alarm is one; then it is over."""
    health = LeaseHealth()
    words = "its clock is 0:01:00 ahead of the region's"
    assert [health.judge(report(ahead=by), HERE)[CLOCK] for by in (60, 62, 0)] == [words, words, ""]


def test_a_clock_behind_may_be_a_report_that_was_long_under_way() -> None:
    """The second one in a row tells."""
    health = LeaseHealth()
    found = [health.judge(report(ahead=by), HERE)[CLOCK] for by in (-6, 0, -6, -7, -6)]
    words = "its clock is 0:00:07 behind the region's"
    assert found == ["", "", "", words, words]


def test_a_step_and_a_difference_are_told_together() -> None:
    """Both are about the clock."""
    stepped = Trouble(TroubleKind.STEPPED, "it was set")
    verdict = LeaseHealth().judge(report(stepped, ahead=6), HERE)
    assert verdict[CLOCK] == "it was set; its clock is 0:00:06 ahead of the region's"


def test_what_is_on_record_is_no_news() -> None:
    """The first verdict is: an alarm of an earlier link may be open."""
    health = LeaseHealth()
    assert health.is_news(WELL)
    health.note(WELL)
    assert not health.is_news(health.judge(report(), HERE))
    assert health.is_news(health.judge(report(ahead=60), HERE))
