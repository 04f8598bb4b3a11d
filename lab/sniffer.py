"""Hears every DHCP message on a network, and gives the verdict on what it heard."""

import sys

from lab.closing import Closing
from lab.heard import Heard, lines
from lab.host import HostProcess
from lab.judge import Conflict, judge
from lab.network import BRIDGE, Network


class Sniffer(Closing):
    """A capture in a network's switch, from construction to `close`.  Use as a context manager."""

    def __init__(self, network: Network) -> None:
        switch = network.switch
        self.path = switch.directory / "dhcp.jsonl"
        argv = [sys.executable, "-m", "lab.capture", BRIDGE, str(self.path)]
        self._process: HostProcess = switch.converse(argv, log=switch.directory / "capture.log")
        if self._process.stdout.readline() != "ready\n":
            raise EOFError(f"the sniffer has died: see capture.log in {switch.directory}")

    def close(self) -> None:
        """Stop listening; the file is complete then."""
        if self._process.running():
            self._process.end()

    def messages(self) -> tuple[Heard, ...]:
        """Return what has been heard so far (up to 0.1 s late while listening)."""
        return lines(self.path.read_text())

    def conflicts(self) -> tuple[Conflict, ...]:
        """Return every address that two clients held at once; empty is the verdict to wish for."""
        return judge(self.messages())
