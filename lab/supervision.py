"""The rules by which a service is kept up, as a table; time and processes are elsewhere.

down        stopped on purpose, and stays so until START
up          running; when it ends, it pauses for its backoff
paused      ended by itself; starts again when the backoff is DUE
stopping    got SIGTERM; gets SIGKILL when its grace is OVERDUE
restarting  as stopping, but wanted again

An event that a state does not name changes nothing: a timer may fire just when the process ends.
"""

from enum import Enum


class State(Enum):
    """What is true of a service."""

    DOWN = "down"
    UP = "up"
    PAUSED = "paused"
    STOPPING = "stopping"
    RESTARTING = "restarting"

    @property
    def wanted(self) -> bool:
        """Tell whether somebody wants the service up."""
        return self not in (State.DOWN, State.STOPPING)


class Event(Enum):
    """What can happen to a service."""

    START = "start"
    STOP = "stop"
    ENDED = "ended"
    DUE = "due"
    OVERDUE = "overdue"


class Action(Enum):
    """What is to be done about it; at most one timer runs, and a new one replaces it."""

    SPAWN = "spawn"
    TERMINATE = "terminate"
    KILL = "kill"
    PAUSE = "pause"
    CANCEL = "cancel"


TABLE: dict[tuple[State, Event], tuple[State, tuple[Action, ...]]] = {
    (State.DOWN, Event.START): (State.UP, (Action.SPAWN,)),
    (State.UP, Event.ENDED): (State.PAUSED, (Action.PAUSE,)),
    (State.UP, Event.STOP): (State.STOPPING, (Action.TERMINATE,)),
    (State.PAUSED, Event.DUE): (State.UP, (Action.SPAWN,)),
    (State.PAUSED, Event.START): (State.UP, (Action.CANCEL, Action.SPAWN)),
    (State.PAUSED, Event.STOP): (State.DOWN, (Action.CANCEL,)),
    (State.STOPPING, Event.OVERDUE): (State.STOPPING, (Action.KILL,)),
    (State.STOPPING, Event.ENDED): (State.DOWN, (Action.CANCEL,)),
    (State.STOPPING, Event.START): (State.RESTARTING, ()),
    (State.RESTARTING, Event.OVERDUE): (State.RESTARTING, (Action.KILL,)),
    (State.RESTARTING, Event.ENDED): (State.UP, (Action.CANCEL, Action.SPAWN)),
    (State.RESTARTING, Event.STOP): (State.STOPPING, ()),
}


def step(state: State, event: Event) -> tuple[State, tuple[Action, ...]]:
    """Return the next state and what to do, in this order."""
    return TABLE.get((state, event), (state, ()))
