"""What a runner is told to keep up: services, and the file that lists them."""

import json
import signal
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

SOCKET = "control.sock"
"""A runner's control socket, beside its spec."""


def _words(argv: Iterable[str]) -> tuple[str, ...]:
    return tuple(argv)


def _services(services: Iterable["Service"]) -> tuple["Service", ...]:
    return tuple(services)


def _frozen(mapping: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(dict(mapping).items()))


@attrs.frozen
class Service:
    """A program to keep up.

    `environment` is added to the runner's own; `user` is the name of whom to drop to, None to stay
    root; `log` gets what it says, appended.  To stop it `stop_signal` is sent, and SIGKILL `grace`
    seconds later.
    """

    name: str
    argv: tuple[str, ...] = attrs.field(converter=_words)
    log: Path = attrs.field(converter=Path)
    cwd: Path = attrs.field(converter=Path, default=Path("/"))
    environment: tuple[tuple[str, str], ...] = attrs.field(converter=_frozen, default=())
    user: str | None = None
    stop_signal: signal.Signals = attrs.field(converter=signal.Signals, default=signal.SIGTERM)
    grace: float = 10.0

    def to_json(self) -> dict[str, object]:
        """Return what `from_json` takes."""
        paths = {"log": str(self.log), "cwd": str(self.cwd)}
        return {**attrs.asdict(self), **paths, "environment": dict(self.environment)}

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> "Service":
        """Read a service; raise TypeError on an unknown or missing field."""
        return cls(**entry)


@attrs.frozen
class Spec:
    """A runner's whole task; its state and its socket lie beside its own file."""

    services: tuple[Service, ...] = attrs.field(converter=_services)

    def write(self, path: Path) -> None:
        """Write the file that `read` reads, for root only: environments hold secrets."""
        path.touch(mode=0o600)
        entries = [service.to_json() for service in self.services]
        path.write_text(json.dumps({"services": entries}, indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> "Spec":
        """Read a runner's task."""
        entries = json.loads(path.read_text())["services"]
        return cls(Service.from_json(entry) for entry in entries)
