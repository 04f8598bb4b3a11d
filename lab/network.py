"""A simulated network: a switch with cables to hosts, and ways to break a cable."""

from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Literal

import attrs

from lab.host import Host

BRIDGE = "br0"
"""The switch's bridge; a frame from any port can be heard here, once."""

Direction = Literal["from_host", "to_host"]


@attrs.frozen(eq=False)
class Cable:
    """A host's connection to a network: a port in the switch, an interface in the host.

    `address` is None for a host that gets its address by DHCP.
    """

    switch: Host
    host: Host
    interface: str
    address: IPv4Interface | None

    @property
    def port(self) -> str:
        """The switch's end: the host's name."""
        return self.host.name

    def plug(self) -> None:
        """Make both ends and bring them up.

        A network card drops unicast frames for other stations, but a packet socket behind a veth
        hears all that comes.  So the switch floods none: it sends a frame for a station only where
        that is plugged in, or has been heard.
        """
        peer = f"peer name {self.interface} netns {self.host.namespace}"
        self.switch.ip(f"link add {self.port} type veth {peer}")
        self.enter_switch(self.port)
        self.host.ip(f"link set {self.interface} up")
        if self.address is not None:
            self.host.ip(f"addr add {self.address} dev {self.interface}")

    def enter_switch(self, device: str) -> None:
        """Make one of the switch's devices the one behind which it finds this host."""
        self.switch.ip(
            f"link set {device} master {BRIDGE} up",
            f"link set {device} type bridge_slave flood off",
        )
        station = self.host.run(["cat", f"/sys/class/net/{self.interface}/address"]).stdout.strip()
        known = ["bridge", "fdb", "replace", station, "dev", device, "master", "static"]
        self.switch.run(known)

    def cut(self) -> None:
        """Pull the cable: no carrier at the host, nothing passes."""
        self.switch.ip(f"link set {self.port} down")

    def restore(self) -> None:
        """Plug the cable in again."""
        self.switch.ip(f"link set {self.port} up")

    def drop(self, direction: Direction) -> None:
        """Lose every frame of one direction without a sign; also packet sockets hear nothing.

        The rules sit in the switch, since a receiver's packet sockets hear frames before its own
        rules do.  Both directions may be dropped, one after the other.
        """
        self.switch.run(["nft", "-f", "-"], text=_rules(self.port)[direction])

    def heal(self) -> None:
        """Let frames pass in both directions again; harmless when none were dropped."""
        rules = "".join(
            f"add table {table}\ndelete table {table}\n" for table in _tables(self.port).values()
        )
        self.switch.run(["nft", "-f", "-"], text=rules)


@attrs.define(eq=False)
class Network:
    """An Ethernet with one IPv4 network on it.  Make one with `Lab.network`."""

    name: str
    cidr: IPv4Network
    switch: Host
    _cables: dict[str, Cable] = attrs.field(factory=dict)

    def power_up(self) -> None:
        """Make the switch's bridge."""
        self.switch.ip(
            f"link add {BRIDGE} type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
            f"link set {BRIDGE} up",
        )

    def attach(self, host: Host, interface: str, address: str | None = None) -> Cable:
        """Connect a host; `address` is one of the network's, without prefix length."""
        cable = self.remember(host, interface, address)
        cable.plug()
        return cable

    def remember(self, host: Host, interface: str, address: str | None) -> Cable:
        """Note a cable that is already plugged in."""
        full = None if address is None else self.interface_address(address)
        cable = self._cables[host.name] = Cable(self.switch, host, interface, full)
        return cable

    def interface_address(self, address: str) -> IPv4Interface:
        """Give an address the network's prefix length; raise ValueError for one outside it."""
        if IPv4Address(address) not in self.cidr:
            raise ValueError(f"{address} is not in network {self.name}, {self.cidr}")
        return IPv4Interface(f"{address}/{self.cidr.prefixlen}")

    def cable(self, host: Host | str) -> Cable:
        """Return a host's cable; raise KeyError when it has none here."""
        return self._cables[host if isinstance(host, str) else host.name]

    @property
    def cables(self) -> tuple[Cable, ...]:
        """All cables, in the order in which they were plugged in."""
        return tuple(self._cables.values())

    def address(self, host: Host | str) -> IPv4Address:
        """Return a host's address here; raise ValueError when it was given none."""
        cable = self.cable(host)
        if cable.address is None:
            raise ValueError(f"{cable.host.name} was given no address on network {self.name}")
        return cable.address.ip


def _tables(port: str) -> dict[Direction, str]:
    name = f"lost_{port.replace('-', '_')}"
    return {"from_host": f"netdev {name}", "to_host": f"bridge {name}"}


def _rules(port: str) -> dict[Direction, str]:
    """Tell what the switch shall do: netdev ingress is before its bridge, forward inside it."""
    tables = _tables(port)
    hooks: dict[Direction, str] = {
        "from_host": f'type filter hook ingress device "{port}" priority 0; drop',
        "to_host": f'type filter hook forward priority 0; oifname "{port}" drop',
    }
    return {way: f"table {tables[way]} {{ chain c {{ {hooks[way]} ; }}; }}\n" for way in tables}
