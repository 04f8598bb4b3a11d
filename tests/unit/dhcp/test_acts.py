"""What people did on a rack, on disk until a region has it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from attrs import evolve

from maasha.dhcp.acts import BATCH, INTERRUPTED, ActSpool
from maasha.model.orders import Act

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def act(number: int) -> Act:
    """Give an act that has not ended."""
    return Act(UUID(int=number), number, NOON, "root (uid 0)", "dhcp stop")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the place of the file."""
    return tmp_path / "acts.jsonl"


def spool(path: Path) -> ActSpool:
    """Give the spool of a rackd that has just begun."""
    made = ActSpool(path)
    made.load()
    return made


def test_an_act_is_told_when_it_has_ended_and_until_it_is_taken(path: Path) -> None:
    """In their order, also by the next rackd."""
    one = spool(path)
    one.begin(act(1))
    one.begin(act(2))
    one.finish(act(2).id, "done")
    assert not one.pending
    one.finish(act(1).id, "refused: no")
    told = (evolve(act(1), result="refused: no"), evolve(act(2), result="done"))
    assert one.pending == told
    again = spool(path)
    assert again.pending == told
    again.acknowledge(told[:1])
    for one in (again, spool(path)):
        assert [each.number for each in one.pending] == [2]
    again.acknowledge(())
    again.acknowledge(told[1:])
    assert not spool(path).pending
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_a_crash_interrupted_is_told_as_that(path: Path) -> None:
    """Whether it was done is what the status says."""
    spool(path).begin(act(1))
    assert spool(path).pending == (evolve(act(1), result=INTERRUPTED),)


def test_a_line_that_was_cut_short_is_nothing(path: Path) -> None:
    """And harms no line after it."""
    one = spool(path)
    one.begin(act(1))
    one.finish(act(1).id, "done")
    with path.open("ab") as stream:
        stream.write(b'{"act": {"id": "0000\xff')
    later = ActSpool(path)
    later.begin(act(2))
    later.finish(act(2).id, "done")
    assert [each.number for each in spool(path).pending] == [1, 2]


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        '{"act": 7}',
        '{"taken": 7}',
        '{"taken": [7]}',
        '{"result": "x"}',
        '{"result": 1, "id": 2}',
    ],
)
def test_what_makes_no_sense_is_nothing(path: Path, line: str) -> None:
    """Damage on disk ends nothing."""
    one = spool(path)
    one.begin(act(1))
    one.finish(act(1).id, "done")
    with path.open("a") as stream:
        stream.write(line + "\n")
    assert len(spool(path).pending) == 1


def test_many_are_told_in_batches(path: Path) -> None:
    """The oldest first."""
    one = spool(path)
    for number in range(BATCH + 5):
        one.begin(act(number))
        one.finish(act(number).id, "done")
    assert [each.number for each in one.pending] == list(range(BATCH))


def test_an_act_that_cannot_be_written_down_is_not_begun(tmp_path: Path) -> None:
    """Whoever orders hears of it, and nothing is done."""
    one = spool(tmp_path / "nowhere" / "acts.jsonl")
    with pytest.raises(OSError, match="No such file"):
        one.begin(act(1))
    assert not one.pending


def test_a_full_disk_is_an_error(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """A part of a line is not taken for the whole."""
    monkeypatch.setattr("maasha.dhcp.acts.os.write", lambda _, line: len(line) - 1)
    with pytest.raises(OSError, match="No space left on device"):
        spool(path).begin(act(1))
