"""One rack's dhcpd(8) as a process: started, found again, known to be up."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

from maasha.dhcp.check import Accepted, Refused, check
from maasha.dhcp.errors import OmapiSilent, StartFailed
from maasha.dhcp.family import IPV4, Family
from maasha.dhcp.folder import Folder, Identity
from maasha.dhcp.gate import reach
from maasha.dhcp.hosts import Host, Operation
from maasha.dhcp.listing import listing
from maasha.dhcp.omapi import PeerStates, peer_states
from maasha.dhcp.omapi_hosts import change_hosts
from maasha.dhcp.plan import digest
from maasha.dhcp.proc import command_line
from maasha.dhcp.process import Process, watch
from maasha.dhcp.reactor import IReactorDhcp
from maasha.dhcp.systemd import Launcher, Spawner
from maasha.model.dhcp import DhcpPlan, Role

PROGRAM = Path("/usr/sbin/dhcpd")
UP_DEADLINE = 15.0
"""Seconds from the start to the first answer; 10,000 hosts and 200 peers take 0.13 s."""
UP_INTERVAL = 0.02
"""Seconds between questions whether it is up."""
LAST_WORDS = 40
"""Lines of dhcpd's that tell why it did not come up."""

SECRET = re.compile(r'^ +secret "([^"]*)";$', re.MULTILINE)


class Dhcpd:
    """Runs dhcpd on the files of one folder. At most one call at a time, but for `states`."""

    log = Logger()

    def __init__(
        self,
        reactor: IReactorDhcp,
        pool: ThreadPool,
        folder: Folder,
        program: Path = PROGRAM,
        family: Family = IPV4,
        launcher: Launcher | None = None,
    ) -> None:
        self._launcher = launcher or Spawner(reactor)
        self._reactor = reactor
        self._pool = pool
        self._folder = folder
        self._program = program
        self._family = family

    async def check(self, plan: DhcpPlan) -> Accepted | Refused:
        """Let dhcpd read a plan's text; the files it runs on are not touched."""
        draft = self._folder.draft
        return await check(
            self._reactor, self._program, plan.config, draft, plan.hosts, self._family
        )

    async def reach(self, role: Role) -> None:
        """Ask whether the peer of a role takes failover connections; raises PlanRefused."""
        await reach(self._reactor, role)

    async def states(self, plan: DhcpPlan) -> tuple[PeerStates, ...]:
        """Ask the running dhcpd for the states of the plan's peers; raises OmapiSilent."""
        names = [entry.role.peer_name for entry in plan.roles if entry.role.paired]
        port = self._family.omapi_port
        return await peer_states(self._reactor, self._pool, _secret(plan), names, port)

    async def change_hosts(
        self, plan: DhcpPlan, steps: Sequence[Operation], wanted: Mapping[str, Host | None]
    ) -> None:
        """Tell the running dhcpd of its hosts and see that it knows them; raises OmapiSilent."""
        await change_hosts(self._reactor, self._pool, _secret(plan), steps, wanted)

    async def start(self, plan: DhcpPlan) -> Process:
        """Start dhcpd on the files in place and wait until it answers; raises StartFailed.

        None may run on them already (see `clear`). After a failure none runs.
        """
        try:
            log = self._folder.logs.begin()
            process = await self._launcher.launch(self._argv(plan), log)
        except OSError as error:
            raise StartFailed(f"{self._program} cannot be run: {error}") from error
        try:
            self._folder.keep_identity(Identity(process.pid, process.started, digest(plan)))
        except OSError as error:
            await process.stop()
            raise StartFailed(f"dhcpd's files cannot be written: {error}") from error
        failure = await self._until_up(process, plan)
        if failure:
            await process.stop()
            said = log.read_text(encoding="utf-8", errors="replace")
            words = listing(said, "", self._folder.hosts).splitlines()[-LAST_WORDS:]
            raise StartFailed(failure, "\n".join(words))
        self.log.info("dhcpd {pid} is up", pid=process.pid)
        return process

    def adopt(self, plan: DhcpPlan) -> Process | None:
        """Take over the dhcpd that was started on this plan before us; None: it is not there.

        The pid alone may be another's by now: the time it started and its arguments must be too.
        """
        ours = self._folder.identity()
        if ours is None or ours.digest != digest(plan):
            return None
        pid = self._launcher.pid_of(ours.pid)
        process = None if pid is None else self._launcher.take(pid)
        if process is None:
            return None
        same = process.started == ours.started or pid != ours.pid
        wanted = self._argv(plan)[1:]
        if same and command_line(process.pid)[-len(wanted) :] == wanted:
            self.log.info("dhcpd {pid} is taken over", pid=process.pid)
            return process
        process.release()
        return None

    async def clear(self) -> None:
        """Stop every dhcpd that runs on our files: two on one link both answer."""
        await self._launcher.halt()
        for pid in self._folder.servers():
            process = watch(self._reactor, pid)
            if process is not None:
                self.log.warn("dhcpd {pid} runs on our files and is stopped", pid=pid)
                await process.stop()
        self._folder.keep_identity(None)

    async def _until_up(self, process: Process, plan: DhcpPlan) -> str:
        """Wait; give why it did not come up, or the empty text."""
        deadline = self._reactor.seconds() + UP_DEADLINE
        while process.running:
            try:
                await self.states(plan)
            except OmapiSilent as error:
                if self._reactor.seconds() >= deadline:
                    return f"dhcpd was not up within {UP_DEADLINE} s ({error})"
                await deferLater(self._reactor, UP_INTERVAL)
            else:
                return ""
        return "dhcpd ended at its start"

    def _argv(self, plan: DhcpPlan) -> tuple[str, ...]:
        files = ("-cf", str(self._folder.config), "-lf", str(self._folder.leases))
        flags = (self._family.flag, "-f", "-d", "--no-pid")
        return (str(self._program), *flags, *files, *plan.interfaces)


def _secret(plan: DhcpPlan) -> str:
    found = SECRET.search(plan.config)
    return found[1] if found else ""
