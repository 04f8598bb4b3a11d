"""The yardsticks of the tests of liveness: delays, calls to suspects, time the machine lost."""

from __future__ import annotations

from pathlib import Path

from tests.acceptance.faults import End, Fault, calls_to_suspects, delay, served
from tests.acceptance.journal import Journal, Note, Reader, What
from tests.acceptance.stalls import stalled

END = End("region1", "rack2")


def note(at: float, what: What, number: int = 0, end: End = END) -> Note:
    """Give a note of one end."""
    return Note(at, end.who, end.peer, "", what, number)


def test_a_delay_is_from_the_fault_to_the_first_that_this_end_noticed() -> None:
    """What was before the fault, or at another end, does not count; what never comes is endless."""
    fault = Fault("rack2", lambda: None, began=10.0)
    notes = [
        note(9.0, What.LOST),
        note(10.5, What.LOST, end=END.other),
        note(11.0, What.LOST),
        note(12.0, What.LOST),
    ]
    assert delay(notes, fault, END, What.LOST) == 1.0
    assert delay(notes, fault, END, What.SUSPECT) == float("inf")


def test_calls_to_a_suspect_are_those_until_it_is_healthy_or_lost() -> None:
    """With the moment from which on they may be served."""
    notes = [
        note(1.0, What.CALLED, 1),
        note(2.0, What.SUSPECT),
        note(2.1, What.CALLED, 2),
        note(3.0, What.HEALTHY),
        note(3.1, What.CALLED, 3),
        note(4.0, What.SUSPECT),
        note(4.1, What.CALLED, 4),
        note(5.0, What.LOST),
        note(3.2, What.SERVED, 2, END.other),
    ]
    assert calls_to_suspects(notes, END) == {2: 3.0, 4: 5.0}
    assert served(notes, END) == {2: 3.2}


def test_time_that_several_processors_lost_at_once_counts_once() -> None:
    """And only the part that lies between the two moments."""
    notes = [note(2.0, What.STALLED, 1000), note(2.5, What.STALLED, 1000)]
    assert stalled(notes, 0.0, 9.0) == 1.5
    assert stalled(notes, 1.5, 2.25) == 0.75
    assert stalled(notes, 3.0, 9.0) == 0.0


def test_what_is_written_is_read_in_order_line_by_line(tmp_path: Path) -> None:
    """A line that is not whole yet waits for its end."""
    path = tmp_path / "journal"
    journal = Journal(str(path), "rack2")
    journal.note("region1", "", What.LOST, why="because")
    reader = Reader(path)
    assert [(one.who, one.what, one.why) for one in reader.look()] == [
        ("rack2", What.LOST, "because")
    ]
    with path.open("a") as file:
        file.write("[1.0")
    assert len(reader.look()) == 1
