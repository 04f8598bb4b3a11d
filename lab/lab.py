"""A lab: networks and hosts on one machine, and the certainty that nothing of it stays behind."""

import json
import re
from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from lab.closing import Closing
from lab.host import Host
from lab.network import Network
from lab.process import ProcessId

STATE_FILE = "lab.json"
"""Who is who, in the lab's directory: to adopt a detached lab, or to look at one by hand."""

NAME = re.compile(r"[a-z][a-z0-9-]{0,14}")
"""A host's name is also its port's in the switch: at most 15 characters (IFNAMSIZ - 1)."""


class Lab(Closing):
    """Networks and hosts, each host with its state under `directory/<host>/`.

    Labs share no names, ports or interfaces, with each other or with the machine.  A lab dies with
    the thread that makes it, however that ends; a `detached` one lives on until `close`, which
    another process can call after `Lab.adopt(directory)`.
    """

    def __init__(self, name: str, directory: Path, *, detached: bool = False) -> None:
        self.name = name
        self.directory = directory.resolve()
        self.detached = detached
        self.hosts: dict[str, Host] = {}
        self.networks: dict[str, Network] = {}
        self._switches: dict[str, Host] = {}
        self.directory.mkdir(parents=True, exist_ok=True)

    def network(self, name: str, cidr: str) -> Network:
        """Add a network; its switch is a host of its own without a state of note."""
        _check(name)
        switch = self._boot(f"switch-{name}")
        network = Network(name, IPv4Network(cidr), switch)
        network.power_up()
        self._switches[name], self.networks[name] = switch, network
        self._save()
        return network

    def host(self, name: str, networks: Mapping[Network, str | None] | None = None) -> Host:
        """Add a host with eth0, eth1, … on `networks`, each with its address there or None."""
        if name in self.hosts:
            raise ValueError(f"lab {self.name} already has a host {name}")
        _check(name)
        host = self.hosts[name] = self._boot(name)
        for number, (network, address) in enumerate((networks or {}).items()):
            network.attach(host, f"eth{number}", address)
        self._save()
        return host

    def close(self, timeout: float = 10.0) -> None:
        """Kill every host, wait until all are gone, keep the state directories."""
        everybody = (*self.hosts.values(), *self._switches.values())
        for host in everybody:
            host.kill()
        for host in everybody:
            host.join(timeout)
        self.hosts.clear()
        self._switches.clear()
        (self.directory / STATE_FILE).unlink(missing_ok=True)

    @classmethod
    def adopt(cls, directory: Path) -> "Lab | None":
        """Find the detached lab of a directory; None when there is none.

        Hosts that have died since are left out.  After a reboot of the machine none is alive.
        """
        try:
            state = json.loads((directory / STATE_FILE).read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        lab = cls(state["name"], directory, detached=True)
        for entry in state["hosts"]:
            lab._adopt_host(lab.hosts, entry["name"], entry)
        for entry in state["networks"]:
            lab._adopt_network(entry)
        return lab

    def _boot(self, name: str) -> Host:
        return Host.create(name, self.directory / name, detached=self.detached)

    def _adopt_host(self, home: dict[str, Host], key: str, entry: Mapping[str, Any]) -> None:
        anchor = ProcessId(entry["pid"], entry["started"])
        if anchor.alive():
            home[key] = Host(entry["name"], self.directory / entry["name"], anchor, detached=True)

    def _adopt_network(self, entry: Mapping[str, Any]) -> None:
        name = entry["name"]
        self._adopt_host(self._switches, name, entry["switch"])
        if name not in self._switches:
            return
        network = Network(name, IPv4Network(entry["cidr"]), self._switches[name])
        for cable in entry["cables"]:
            if cable["host"] in self.hosts:
                network.remember(self.hosts[cable["host"]], cable["interface"], cable["address"])
        self.networks[name] = network

    def _save(self) -> None:
        """Write the state file, whole or not at all."""
        state = {
            "name": self.name,
            "hosts": [_host_entry(host) for host in self.hosts.values()],
            "networks": [_network_entry(network) for network in self.networks.values()],
        }
        fresh = self.directory / f"{STATE_FILE}.new"
        fresh.write_text(json.dumps(state, indent=1) + "\n")
        fresh.replace(self.directory / STATE_FILE)


def _check(name: str) -> None:
    if NAME.fullmatch(name) is None:
        raise ValueError(f"{name!r} is no name for a host or network: see {NAME.pattern}")


def _host_entry(host: Host) -> dict[str, object]:
    return {"name": host.name, "pid": host.anchor.pid, "started": host.anchor.started}


def _network_entry(network: Network) -> dict[str, object]:
    cables = [
        {
            "host": cable.host.name,
            "interface": cable.interface,
            "address": None if cable.address is None else str(cable.address.ip),
        }
        for cable in network.cables
    ]
    switch = _host_entry(network.switch)
    return {"name": network.name, "cidr": str(network.cidr), "switch": switch, "cables": cables}
