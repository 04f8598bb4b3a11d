"""The real dhclient on a host, with its own files and a script that minds its own interface."""

import json
from collections.abc import Mapping
from datetime import datetime
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import attrs

from lab.deadline import until
from lab.host import Host, HostProcess
from lab.lease import utc

SCRIPT = Path(__file__).with_name("dhclient-script")

BOUND = frozenset(("BOUND", "RENEW", "REBIND", "REBOOT"))
"""The reasons by which a client has an address, dhclient-script(8)."""


@attrs.frozen
class ClientEvent:
    """What dhclient told its script; `ip` and `server` are None where there is no lease."""

    at: datetime
    reason: str
    ip: IPv4Address | None
    server: IPv4Address | None
    seconds: int

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> "ClientEvent":
        """Read a line of the script."""
        return cls(
            at=utc(entry["wall"]),
            reason=entry["reason"],
            ip=IPv4Address(entry["ip"]) if entry["ip"] else None,
            server=IPv4Address(entry["server"]) if entry["server"] else None,
            seconds=int(entry["seconds"] or 0),
        )


@attrs.define(eq=False)
class Dhclient:
    """dhclient(8) on one interface; its files are in `directory/dhclient/` of the host."""

    host: Host
    interface: str = "eth0"
    _process: HostProcess | None = None

    @property
    def directory(self) -> Path:
        """Where configuration, leases, script, events and log are."""
        return self.host.directory / "dhclient" / self.interface

    def start(self, configuration: str = "") -> None:
        """Start it with the text of a dhclient.conf(5); leases of an earlier run are kept."""
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "dhclient.conf").write_text(configuration)
        script = self.directory / "dhclient-script"
        script.write_bytes(SCRIPT.read_bytes())
        script.chmod(0o755)
        files = {"-cf": "dhclient.conf", "-lf": "leases", "-pf": "pid", "-sf": script.name}
        argv = ["dhclient", "-4", "-d"]
        for flag, name in files.items():
            argv += [flag, str(self.directory / name)]
        argv += ["-e", f"LAB_EVENTS={self._events}", self.interface]
        self._process = self.host.popen(argv, log=self.directory / "log")

    def stop(self) -> None:
        """End it without a word to the server; the address stays on the interface."""
        assert self._process is not None, "start it first"
        self._process.end()

    def events(self) -> tuple[ClientEvent, ...]:
        """Return everything the script was told so far."""
        if not self._events.exists():
            return ()
        text = self._events.read_text()
        whole = text[: text.rfind("\n") + 1].splitlines()
        return tuple(ClientEvent.from_json(json.loads(line)) for line in whole)

    def wait_bound(self, timeout: float = 20.0) -> ClientEvent:
        """Return the last event by which there is an address, waiting for the first one."""
        what = f"an address for {self.host.name} {self.interface}"
        return until(self._bound, what, timeout=timeout, interval=0.05)

    def _bound(self) -> ClientEvent | None:
        events = self.events()
        return events[-1] if events and events[-1].reason in BOUND else None

    @property
    def _events(self) -> Path:
        return self.directory / "events.jsonl"
