"""Keeps a host's services up, as systemd would: `python -m lab.runner SPEC.json`.

Beside the spec lie `state.json` (who runs, who is stopped) and `control.sock`, where each line is a
JSON request and gets a JSON line back:

    {"do": "status"}                  -> {"services": [{"name", "state", "pid", "starts"}, …]}
    {"do": "stop", "name": "rackd"}   -> the same, at once; the service is down a little later
    {"do": "start", "name": "rackd"}  -> the same

SIGTERM stops the services, then the runner.  After SIGKILL they live on, and the next runner of the
same spec adopts them.
"""

import json
import os
import random
import sys
from collections.abc import Mapping
from pathlib import Path

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.epollreactor import EPollReactor
from twisted.internet.interfaces import IReactorTime
from twisted.internet.main import installReactor
from twisted.internet.protocol import ServerFactory
from twisted.logger import globalLogBeginner, textFileLogObserver
from twisted.protocols.basic import LineOnlyReceiver

from lab.keeper import Keeper, Spawner
from lab.process import ProcessId
from lab.service import SOCKET, Spec
from lab.spawner import ProcessSpawner
from lab.supervision import State

STATE = "state.json"


class Runner:
    """All services of a host, and what of them must survive the runner itself."""

    def __init__(self, spec: Spec, state: Path, spawner: Spawner, clock: IReactorTime) -> None:
        self._state = state
        self._waiting: list[Deferred[None]] = []
        self._started = False
        self._stopping = False
        self.keepers = {
            service.name: Keeper(service, spawner, clock, random.random, self._changed)
            for service in spec.services
        }

    def start(self) -> None:
        """Adopt what still runs, start what is wanted and does not."""
        remembered = _remembered(self._state)
        for name, keeper in self.keepers.items():
            memory = remembered.get(name, Memory())
            adopted = memory.process is not None and keeper.resume(memory.process)
            if memory.wanted and not adopted:
                keeper.start()
            elif adopted and not memory.wanted:
                keeper.stop()
        self._started = True
        self._changed()

    def stop(self) -> Deferred[None]:
        """Stop every service for now; fires when all are down, the state file keeps the wishes."""
        self._stopping = True
        done: Deferred[None] = Deferred()
        self._waiting.append(done)
        for keeper in self.keepers.values():
            keeper.stop()
        self._changed()
        return done

    def answer(self, request: Mapping[str, str]) -> dict[str, object]:
        """Carry out a request from the socket and return the status."""
        keeper = self.keepers.get(request.get("name", ""))
        match request.get("do"):
            case "status":
                return self.status()
            case "start" if keeper is not None:
                keeper.start()
                return self.status()
            case "stop" if keeper is not None:
                keeper.stop()
                return self.status()
            case _:
                return {"error": f"not understood: {dict(request)}"}

    def status(self) -> dict[str, object]:
        """Return every service's state."""
        return {
            "services": [
                {
                    "name": name,
                    "state": keeper.state.value,
                    "pid": None if keeper.id is None else keeper.id.pid,
                    "starts": keeper.starts,
                }
                for name, keeper in self.keepers.items()
            ]
        }

    def _changed(self) -> None:
        if self._started:
            self._save()
        if all(keeper.state is State.DOWN for keeper in self.keepers.values()):
            waiting, self._waiting = self._waiting, []
            for done in waiting:
                done.callback(None)

    def _save(self) -> None:
        """Write who runs; the wishes only until the runner itself is told to stop."""
        before = _remembered(self._state) if self._stopping else {}
        memories = {
            name: Memory(keeper.id, before[name].wanted if name in before else keeper.state.wanted)
            for name, keeper in self.keepers.items()
        }
        fresh = self._state.with_suffix(".new")
        fresh.write_text(json.dumps({name: attrs.asdict(m) for name, m in memories.items()}))
        fresh.replace(self._state)


@attrs.frozen
class Memory:
    """What a runner leaves to its successor about one service."""

    process: ProcessId | None = None
    wanted: bool = True


def _remembered(state: Path) -> dict[str, Memory]:
    """Read a state file; a missing or broken one remembers nothing."""
    try:
        entries = json.loads(state.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return {
        name: Memory(ProcessId(**entry["process"]) if entry["process"] else None, entry["wanted"])
        for name, entry in entries.items()
    }


class Control(LineOnlyReceiver):
    """One connection to the control socket."""

    delimiter = b"\n"

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def lineReceived(self, line: bytes) -> None:
        """Answer one request; the socket is root's own, so a broken line closes it."""
        self.sendLine(json.dumps(self._runner.answer(json.loads(line))).encode())


class ControlFactory(ServerFactory):
    """Connects the control socket to the runner."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def buildProtocol(self, addr: object) -> Control:  # noqa: ARG002 - Twisted's name
        """Make one connection's protocol."""
        return Control(self._runner)


def main(spec: Path) -> None:
    """Run until SIGTERM; the working directory becomes the spec's, which keeps socket paths short.

    A socket's path may have 107 bytes, unix(7).
    """
    os.chdir(spec.parent)
    globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stdout)])
    reactor = EPollReactor()  # a pidfd cannot be waited for by select
    installReactor(reactor)
    spawner = ProcessSpawner(reactor, reactor)
    runner = Runner(Spec.read(Path(spec.name)), Path(STATE), spawner, reactor)
    runner.start()
    Path(SOCKET).unlink(missing_ok=True)
    reactor.listenUNIX(SOCKET, ControlFactory(runner), mode=0o600)
    reactor.addSystemEventTrigger("before", "shutdown", runner.stop)
    reactor.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
