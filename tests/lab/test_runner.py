"""A runner's services, its memory on disk and its answers, without real processes."""

from pathlib import Path

import attrs
import pytest
from twisted.internet.defer import succeed
from twisted.internet.task import Clock

from lab.runner import Runner
from lab.service import Service, Spec
from lab.supervision import State
from tests.lab.memory_processes import MemorySpawner

SPEC = Spec(Service(name, [name], Path(f"{name}.log")) for name in ("postgres", "regiond"))


@attrs.define
class Machine:
    """What outlives a runner: processes, time and the state file."""

    state: Path
    spawner: MemorySpawner = attrs.field(factory=MemorySpawner)
    clock: Clock = attrs.field(factory=Clock)

    def boot(self) -> Runner:
        """Start a runner for the spec."""
        runner = Runner(SPEC, self.state, self.spawner, self.clock)
        runner.start()
        return runner


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Give a machine on which no runner has run."""
    return Machine(tmp_path / "state.json")


def states(runner: Runner) -> dict[str, State]:
    """Return every service's state."""
    return {name: keeper.state for name, keeper in runner.keepers.items()}


def test_a_new_runner_starts_everything(machine: Machine) -> None:
    """Without a state file every service is wanted."""
    assert set(states(machine.boot()).values()) == {State.UP}
    assert len(machine.spawner.started) == 2


def test_a_successor_adopts_what_lives(machine: Machine) -> None:
    """After SIGKILL of a runner the next one starts nothing that still runs."""
    first = machine.boot()
    successor = machine.boot()
    assert len(machine.spawner.started) == 2
    assert [keeper.id for keeper in successor.keepers.values()] == [
        keeper.id for keeper in first.keepers.values()
    ]


def test_a_successor_starts_what_died_in_between(machine: Machine) -> None:
    """A service that ended while no runner ran is started, the other one adopted."""
    machine.boot()
    machine.spawner.started[0].ended = succeed("died unseen")
    successor = machine.boot()
    assert set(states(successor).values()) == {State.UP}
    assert len(machine.spawner.started) == 3


def test_a_stopped_service_stays_down_under_a_successor(machine: Machine) -> None:
    """The wish outlives the runner."""
    runner = machine.boot()
    runner.answer({"do": "stop", "name": "regiond"})
    machine.spawner.last.end()
    assert states(machine.boot()) == {"postgres": State.UP, "regiond": State.DOWN}


def test_a_service_that_was_being_stopped_is_stopped_by_the_successor(machine: Machine) -> None:
    """A runner killed between SIGTERM and the end leaves the rest to the next."""
    machine.boot().answer({"do": "stop", "name": "regiond"})
    assert states(machine.boot())["regiond"] is State.STOPPING


def test_the_end_of_the_runner_stops_all_and_forgets_no_wish(machine: Machine) -> None:
    """SIGTERM of the runner is no wish to keep services down: the next runner starts them."""
    runner = machine.boot()
    runner.answer({"do": "stop", "name": "regiond"})
    machine.spawner.last.end()
    stopped = runner.stop()
    assert not stopped.called
    machine.spawner.started[0].end()
    assert stopped.called
    assert states(machine.boot()) == {"postgres": State.UP, "regiond": State.DOWN}


def test_status_names_every_service(machine: Machine) -> None:
    """The answer has state, process id and number of starts."""
    assert machine.boot().answer({"do": "status"}) == {
        "services": [
            {"name": "postgres", "state": "up", "pid": 100, "starts": 1},
            {"name": "regiond", "state": "up", "pid": 101, "starts": 1},
        ]
    }


@pytest.mark.parametrize("request_", [{}, {"do": "dance"}, {"do": "stop", "name": "nobody"}])
def test_what_is_not_understood_is_answered_with_an_error(
    machine: Machine, request_: dict[str, str]
) -> None:
    """Nothing is changed by it."""
    runner = machine.boot()
    assert "error" in runner.answer(request_)
    assert set(states(runner).values()) == {State.UP}


@pytest.mark.parametrize("text", ["", "{", '{"postgres": {"process"'])
def test_a_broken_state_file_is_no_memory(machine: Machine, text: str) -> None:
    """A runner starts everything rather than nothing."""
    machine.state.write_text(text)
    assert set(states(machine.boot()).values()) == {State.UP}


def test_a_spec_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Every field survives, and only root may read the file."""
    path = tmp_path / "spec.json"
    every = Service("a", ["b", "c"], Path("/l"), Path("/d"), {"K": "v"}, "nobody", grace=1.5)
    Spec([every]).write(path)
    assert Spec.read(path) == Spec([every])
    assert path.stat().st_mode & 0o777 == 0o600
