"""What `maasha balance` shows of the placement."""

from __future__ import annotations

from hypothesis import given

from maasha.cli.placement_text import (
    acknowledged_line,
    balance_text,
    drain_line,
    known_racks_text,
    pause_line,
    plan_text,
)
from tests.unit.cli.test_shape import json_values

ACTION = {
    "action": "move",
    "rack": "rack-2",
    "from": "region-1/0",
    "to": "region-1/1",
    "reason": "the worker is fuller",
}
PLAN = {"actions": [ACTION], "links": "it is even", "owners": "it is even"}
PLACEMENT = {
    "ratio": 1.5,
    "mean": 2.0,
    "links": 4,
    "regions": [
        {
            "hostname": "region-1",
            "workers": [
                {"slot": 0, "links": 3, "load": 3.0, "capacity": 1.0, "racks": ["rack-1"]},
                {"slot": 1, "links": 1, "load": None, "capacity": 1.0, "draining": True},
            ],
        }
    ],
    "under_way": [{"rack": "rack-9", "from": "region-1/0", "to": None, "since": "12:00"}],
    "drains": [
        {
            "kind": "worker",
            "name": "region-1/1",
            "by": "user:ann",
            "expires": "16:00",
            "remaining": 1,
        }
    ],
    "pause": {"by": "user:ann", "until": "13:00"},
    "stops": ["paused by user:ann"],
    "plan": PLAN,
}
QUIET = {"actions": [], "links": "it is even", "owners": "there is one open worker only"}

SHOWN = """\
Evenness: the fullest worker has 1.5 times the mean of 2.0 links, 4 in all

WORKER      LINKS  LOAD  CAPACITY  RACKS OWNED  STATE
region-1/0  3      3.0   1.0       1            open
region-1/1  1      -     1.0       0            draining

Paused by user:ann until 13:00: nothing is done without a hand
Drained: worker region-1/1 by user:ann until 16:00, 1 links left

Under way: 1
RACK    FROM        TO  SINCE
rack-9  region-1/0  -   12:00

Planned: 1, see: maasha balance --explain
Nothing but drains is begun now:
- paused by user:ann"""

EXPLAINED = """\
Planned: 1
ACTION  RACK    FROM        TO          REASON
move    rack-2  region-1/0  region-1/1  the worker is fuller
Then the links: it is even
Then the owners: it is even
Nothing but drains is begun now:
- paused by user:ann"""

DRY_RUN = """\
Planned: 1
ACTION  RACK    FROM        TO
move    rack-2  region-1/0  region-1/1
Nothing but drains is begun now:
- paused by user:ann"""


def test_the_placement() -> None:
    """Loads and their ratio, what is drained or paused, what is under way and planned."""
    assert balance_text(PLACEMENT, explain=False) == SHOWN


def test_the_plan_is_explained() -> None:
    """Every action has its reason; below stands why there is no more."""
    shown = balance_text(PLACEMENT, explain=True)
    assert shown == f"{SHOWN.rpartition('Planned')[0]}{EXPLAINED}"


def test_a_dry_run_shows_the_plan_alone() -> None:
    """What would be done, with reasons if asked."""
    assert plan_text(PLACEMENT, reasons=False) == DRY_RUN
    assert plan_text(PLACEMENT, reasons=True) == EXPLAINED


def test_nothing_is_planned() -> None:
    """It is said why."""
    assert balance_text({"plan": QUIET}, explain=False).endswith("\n\nPlanned: nothing")
    assert plan_text({"plan": QUIET}, reasons=True) == (
        "Planned: nothing\nThe links: it is even\nThe owners: there is one open worker only"
    )


def test_a_pause() -> None:
    """One without an end says how it ends."""
    assert "until somebody says: maasha resume" in pause_line({"by": "user:ann", "until": None})


def test_racks_that_people_know_of() -> None:
    """Up to when, or that there was no alarm."""
    known = {"acknowledged": {"by": "user:ann", "until": "13:00"}}
    assert acknowledged_line(known).startswith("Racks that vanished up to 13:00 are known")
    told = known | {"alarm": "2 of 3 racks vanished", "racks": ["rack-1", "rack-2"]}
    assert acknowledged_line(told).splitlines()[1:] == [
        "The alarm was: 2 of 3 racks vanished",
        "Away since before it: rack-1, rack-2",
    ]
    assert acknowledged_line({"acknowledged": None}).startswith("There is no alarm of racks")
    assert known_racks_text({"acknowledged": None}) == acknowledged_line({})
    assert known_racks_text(told) == (
        "Known to have vanished, so they stop nothing any more: rack-1, rack-2"
    )


def test_drains() -> None:
    """One sees what becomes of it, and whether it is too late; a rack has VLANs."""
    drain = {"kind": "region", "name": "region-1", "by": "user:ann", "expires": "16:00"}
    alarm = drain_line(drain | {"at_end": "alarm", "remaining": 0})
    assert alarm == "Drained: region region-1 by user:ann until 16:00, then an alarm, 0 links left"
    late = drain_line(drain | {"overdue": True, "remaining": 2})
    assert late == "Drained: region region-1 by user:ann overdue since 16:00, 2 links left"
    rack = drain_line(drain | {"kind": "rack", "name": "rack-1", "remaining": 2})
    assert rack.endswith("rack rack-1 by user:ann until 16:00, 2 VLANs served")


@given(json_values)
def test_any_answer_is_shown(value: object) -> None:
    """An answer of another shape never makes the command fail."""
    for explain in (False, True):
        assert balance_text(value, explain=explain)
        for key in ("regions", "under_way", "drains", "pause", "stops", "plan"):
            assert balance_text({key: value}, explain=explain)
            assert balance_text({key: [value, {}]}, explain=explain)
    assert plan_text({"plan": {"actions": [value]}}, reasons=True)
    assert balance_text({"regions": [{"workers": [value, {}]}]}, explain=True)
