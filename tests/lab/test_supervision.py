"""The table by which a service is kept up."""

from hypothesis import given
from hypothesis import strategies as st

from lab.supervision import TABLE, Action, Event, State, step

ALIVE = (State.UP, State.STOPPING, State.RESTARTING)

EVENTS = st.lists(st.sampled_from(Event), max_size=40)


def possible(state: State, event: Event) -> bool:
    """Tell whether the world can send this event: only a live process ends."""
    return event is not Event.ENDED or state in ALIVE


@given(EVENTS)
def test_a_process_lives_exactly_in_the_states_that_say_so(events: list[Event]) -> None:
    """Whatever happens in whatever order, there is never a second process nor a forgotten one."""
    state, processes = State.DOWN, 0
    for event in events:
        if not possible(state, event):
            continue
        processes -= event is Event.ENDED
        state, actions = step(state, event)
        processes += actions.count(Action.SPAWN)
        assert processes == (1 if state in ALIVE else 0)


@given(EVENTS)
def test_the_last_wish_wins(events: list[Event]) -> None:
    """After STOP the service is not wanted until START, whatever timers and ends come between."""
    state, wanted = State.DOWN, False
    for event in events:
        if not possible(state, event):
            continue
        state, _ = step(state, event)
        wanted = {Event.START: True, Event.STOP: False}.get(event, wanted)
        assert state.wanted is wanted


def test_a_service_that_ends_by_itself_comes_back() -> None:
    """UP, ENDED, DUE is UP again, with a pause between."""
    paused, first = step(State.UP, Event.ENDED)
    again, second = step(paused, Event.DUE)
    assert (paused, first) == (State.PAUSED, (Action.PAUSE,))
    assert (again, second) == (State.UP, (Action.SPAWN,))


def test_what_the_table_does_not_name_changes_nothing() -> None:
    """A timer that fires late meets a state without an entry for it."""
    unnamed = [(state, event) for state in State for event in Event if (state, event) not in TABLE]
    assert (State.DOWN, Event.DUE) in unnamed
    assert all(step(state, event) == (state, ()) for state, event in unnamed)
