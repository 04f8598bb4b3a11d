"""A detour for a cable: what passes takes its time, and some of it is lost."""

import signal
import sys

from lab import line
from lab.closing import Closing
from lab.host import HostProcess
from lab.network import Cable


class Detour(Closing):
    """A long line in a host's cable, from construction to `close`.  Use as a context manager.

    Each frame takes `delay` seconds longer in each direction, and a share of `loss` in each is
    lost.  The host sees nothing of it: its interface and its carrier stay.  The line is between its
    port and the switch:

        host === port | bend | near --- line --- far | br0
    """

    def __init__(self, cable: Cable, *, delay: float, loss: float = 0.0, seed: int = 0) -> None:
        self.cable = cable
        switch, port = cable.switch, cable.port
        number = switch.run(["cat", f"/sys/class/net/{port}/ifindex"]).stdout.strip()
        near, far, self._bend = f"near{number}", f"far{number}", f"bend{number}"
        argv = [sys.executable, "-I", "-S", line.__file__, near, far, str(delay), str(loss)]
        log = switch.directory / f"line-{port}.log"
        self._line: HostProcess = switch.converse([*argv, str(seed)], log=log)
        if self._line.stdout.readline() != "ready\n":
            raise EOFError(f"the line of {port} has died: see {log}")
        switch.ip(
            f"link add {self._bend} type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
            f"link set {self._bend} up",
            f"link set {near} master {self._bend} up",
            f"link set {port} master {self._bend}",
        )
        cable.enter_switch(far)

    @property
    def process(self) -> HostProcess:
        """The line."""
        return self._line

    def lost(self) -> int:
        """Say how many frames were lost up to now, in both directions."""
        self._line.stdin.write("\n")
        self._line.stdin.flush()
        return int(self._line.stdout.readline())

    def close(self) -> None:
        """Let the cable go straight again; what is on its way is lost."""
        if self._line.running():
            self._line.end(signal.SIGKILL)
        self.cable.switch.ip(f"link del {self._bend}")
        self.cable.enter_switch(self.cable.port)
