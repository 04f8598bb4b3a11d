"""Keeps one rack's DHCP server as its last good plan says, whatever dies and whatever is asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, NoReturn, TypeVar, assert_never

from attrs import evolve
from twisted.internet.defer import Deferred, DeferredLock, maybeDeferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from maasha.dhcp.check import Accepted, Refused
from maasha.dhcp.counting import Pools, pools_of
from maasha.dhcp.engine import Daemon, Running
from maasha.dhcp.errors import OmapiSilent, PlanRefused, StartFailed, StillRunning
from maasha.dhcp.folder import Folder
from maasha.dhcp.held import Held
from maasha.dhcp.hosts import BadHosts, fingerprint
from maasha.dhcp.joining import new_primaries, past
from maasha.dhcp.known_hosts import KnownHosts
from maasha.dhcp.omapi import PeerStates
from maasha.dhcp.orders import active, outdated, planned, told
from maasha.dhcp.plan import EMPTY, digest
from maasha.host.routine import Routine
from maasha.model.dhcp import DhcpPlan, DhcpReport, VlanRole, VlanService
from maasha.model.orders import Standing
from maasha.model.stamp import Stamp

T = TypeVar("T")
Change = Callable[[Held], Standing]
"""What a person's order makes of what stands."""

LOOK_INTERVAL = 1.0
"""Seconds between two looks at the peers' states."""
FIRST_REST, LONGEST_REST = 0.2, 10.0
"""Seconds until dhcpd is started again: after its first end in a row, and at most."""
STEADY = 30.0
"""Seconds of running after which an end is the first in a row again."""


class DhcpServer:
    """The rack's DHCP server. Calls are carried out one after the other.

    `changed` is called with every report that differs from the one before; `jitter` gives numbers
    from 0 to 1. Call `resume` first, and `release` when rackd ends: dhcpd runs on without it.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        folder: Folder,
        daemon: Daemon,
        changed: Callable[[DhcpReport], None],
        jitter: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._folder = folder
        self._daemon = daemon
        self._changed = changed
        self._jitter = jitter
        self._hosts = KnownHosts(folder, daemon)
        self._lock = DeferredLock()
        self._looking = Routine(clock, LOOK_INTERVAL, self._look, "look at the failover peers")
        self._held = Held()
        self._plan = EMPTY
        self._acting = False
        self._damaged = False
        self._charge: int | None = None
        self._running: Running | None = None
        self._since = 0.0
        self._ends = 0
        self._again: IDelayedCall | None = None
        self._states: tuple[PeerStates, ...] = ()
        self._problem = ""
        self._told: DhcpReport | None = None
        self._pools: Pools | None = None

    @property
    def leases(self) -> Path:
        """The leases file, for a `LeaseFeed`."""
        return self._folder.leases

    @property
    def roles(self) -> tuple[VlanRole, ...]:
        """What the plan in force has dhcpd do, whether it runs now or is about to be started."""
        return self._plan.roles

    @property
    def held(self) -> Held:
        """The last good plan of a region and what people ordered here; both make what runs."""
        return self._held

    @property
    def pools(self) -> Pools:
        """What the plan in force lets dhcpd lease, by VLAN."""
        if self._pools is None:
            self._pools = pools_of(self._plan.config)
        return self._pools

    @property
    def report(self) -> DhcpReport:
        """What runs now; what goes to a region is `disclose`."""
        states = {entry.name: entry for entry in self._states}
        services = (
            VlanService(entry.vlan, entry.role, found.state, found.partner)
            for entry in self._plan.roles
            for found in [states.get(entry.role.peer_name, PeerStates(""))]
        )
        return DhcpReport(
            serving=self._running is not None,
            digest=digest(self._plan) if self._plan.interfaces else "",
            generation=self._plan.generation,
            services=tuple(services),
            lease_store=self._folder.lease_store(),
            problem=self._problem,
            acts=self._held.standing.number,
            orders=active(self._held.standing),
            damaged=self._damaged,
            hosts=self._hosts.mark(self._plan),
        )

    def disclose(self) -> DhcpReport | None:
        """Give the report for a region, which may act on it from now on; None: not now.

        What a region may know cannot be undone on the spot any more, so it hears of nothing that is
        about to be. Raises OSError where that cannot be remembered.
        """
        if self._acting:
            return None
        standing = told(self._held.standing)
        if standing != self._held.standing:
            self._folder.keep_standing(standing)
            self._held = evolve(self._held, standing=standing)
        return self.report

    async def resume(self) -> DhcpReport:
        """Take over the dhcpd that runs, or start it on the last good plan; needs no region.

        Raises PlanRefused only if a dhcpd that is to serve nothing cannot be stopped.
        """
        return await self._in_turn(self._resume)

    async def apply(self, plan: DhcpPlan) -> DhcpReport:
        """Run this plan from now on; a plan that runs already changes nothing.

        Raises PlanRefused: dhcpd cannot read it or does not start with it, or the secondary that it
        depends on cannot be reached. What ran before then runs on, or again. A plan made without
        knowing of the newest order on the spot is not run; the report says why.
        """
        return await self._in_turn(lambda: self._apply(plan))

    async def order(self, change: Change) -> DhcpReport:
        """Have what a person orders on the spot come true; needs no region.

        Raises what `change` raises, and PlanRefused: then everything is as before.
        """
        return await self._in_turn(lambda: self._order(change))

    async def change_hosts(self, generation: Stamp, hosts: str) -> DhcpReport:
        """Know these fixed hosts from now on, whatever else the plan in force says; no restart.

        Where the running dhcpd does not take them the report says that its hosts are UNSURE: they
        can be told again, or a plan applied, which restarts it. Raises PlanRefused for what is no
        text of hosts, and where it cannot be kept.
        """
        return await self._in_turn(lambda: self._change_hosts(generation, hosts))

    async def withdraw(self) -> None:
        """Stop whatever dhcpd runs on our files, and forget plan and orders.

        Needs no `resume` before. Raises PlanRefused where it cannot be stopped.
        """
        await self._in_turn(self._withdraw)

    async def settled(self) -> DhcpReport:
        """Give the report when every call made before this one has been carried out.

        `report` may be about to change; this one holds until something new is asked or happens.
        """
        return await self._in_turn(self._settled)

    async def release(self) -> None:
        """Let go of dhcpd, which goes on serving."""
        await self._in_turn(self._release)

    async def _in_turn(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        done: T = await self._lock.run(lambda: Deferred.fromCoroutine(work()))
        return done

    async def _resume(self) -> DhcpReport:
        self._charge = self._folder.take_charge()
        self._damaged = self._folder.damaged
        if self._damaged:
            self.log.critical("the last good plan on disk is damaged; the one before is used")
        found = self._folder.plan()
        self._take(Held(found or EMPTY, self._folder.standing()))
        running = self._daemon.adopt(self._plan) if self._plan.interfaces else None
        if running is not None:
            self._hosts.adopted()
            self._hold(running)
        elif self._plan.interfaces:
            await self._restart()
        elif found is None and self._damaged:
            self._problem = "no plan on disk can be read; a dhcpd that runs is left alone"
        else:
            await self._stop()
        self._looking.startService()
        await self._look()
        return self._tell()

    async def _settled(self) -> DhcpReport:
        self._tell()
        return self._told_now()

    async def _apply(self, plan: DhcpPlan) -> DhcpReport:
        if outdated(plan, self._held.standing):
            self.log.info("a plan that knows nothing of the newest order here is not run")
            return self._told_now()
        try:
            await self._change(Held(plan, planned(self._held.standing)), self._plan)
            await self._look()
        finally:
            self._tell()
        return self._told_now()

    async def _order(self, change: Change) -> DhcpReport:
        self._acting, before = True, self._held
        try:
            after = evolve(before, standing=change(before))
            if after != before:
                await self._obey(after, before)
        finally:
            self._acting = False
            report = self._tell(again=True)
        return report

    async def _obey(self, after: Held, before: Held) -> None:
        """Remember an order first, so that it stands whatever dies; forget it where it fails."""
        try:
            self._folder.keep_standing(after.standing)
        except OSError as error:
            raise PlanRefused(f"the order cannot be kept on disk: {error}") from error
        try:
            await self._change(after, before.base, hosts_too=False)
            await self._look()
        except PlanRefused:
            self._folder.keep_standing(before.standing)
            raise

    def _told_now(self) -> DhcpReport:
        report = self.disclose()
        assert report is not None  # noqa: S101 -- no order is under way in our turn
        return report

    async def _change_hosts(self, generation: Stamp, hosts: str) -> DhcpReport:
        """Change those of the region's plan; what orders leave of it has the same, or none."""
        base = self._held.base
        known = hosts if base.interfaces else ""
        held = evolve(self._held, base=evolve(base, generation=generation, hosts=known))
        try:
            if self._running is not None:
                await self._hosts.change(self._plan, held.plan)
            elif base.interfaces:
                await self._test(held.base, base)
            self._store(held)
            self._hosts.settled()
        except OmapiSilent as error:
            self.log.warn("dhcpd does not take other hosts while it runs: {error}", error=error)
        except (BadHosts, OSError) as error:
            raise PlanRefused(f"these hosts cannot be kept: {error}") from error
        finally:
            self._tell()
        return self._told_now()

    async def _release(self) -> None:
        self._forget_again()
        await maybeDeferred(self._looking.stopService)
        if self._running is not None:
            self._running.release()
        if self._charge is not None:
            os.close(self._charge)
            self._charge = None

    async def _change(self, held: Held, before: DhcpPlan, *, hosts_too: bool = True) -> None:
        """Hold this from now on; what `before` has not is new to this rack's dhcpd.

        `hosts_too` says that it is also about which fixed hosts the running dhcpd knows.
        """
        plan = held.plan
        same = digest(plan) == digest(self._plan) and (
            not hosts_too or fingerprint(plan.hosts) == self._hosts.mark(self._plan)
        )
        if same and (self._running is not None or not plan.interfaces):
            self._keep(held)
        elif plan.interfaces:
            await self._replace(held, before)
        else:
            await self._withdraw(held)

    async def _withdraw(self, empty: Held | None = None) -> None:
        await self._stop()
        self._hosts.settled()
        self._folder.withdraw()
        self._keep(empty or Held(standing=evolve(self._folder.standing(), orders=())))
        self._tell()

    async def _replace(self, held: Held, before: DhcpPlan) -> None:
        """Run the plan in place of the one before; until it is kept it never happened."""
        plan = held.plan
        await self._test(plan, before)
        await self._stop()
        try:
            running = await self._start(plan, before)
            self._keep(held)
        except (StartFailed, PlanRefused) as failure:
            await self._roll_back(failure)
        self._hold(running)

    async def _test(self, plan: DhcpPlan, before: DhcpPlan) -> None:
        """Find out all that can be known while the old plan still runs; raises PlanRefused."""
        verdict = await self._daemon.check(plan)
        match verdict:
            case Refused(listing):
                raise PlanRefused("dhcpd refuses this configuration", listing)
            case Accepted():
                pass
            case _:
                assert_never(verdict)
        for role in new_primaries(plan, before):
            await self._daemon.reach(role)

    async def _roll_back(self, failure: StartFailed | PlanRefused) -> NoReturn:
        """Run the last good plan again; `_plan` is still that one."""
        self.log.warn("dhcpd did not start, the last good plan is put back: {why}", why=failure)
        if self._plan.interfaces:
            await self._restart()
        else:
            self._folder.withdraw()
        raise PlanRefused(
            f"dhcpd does not start with this configuration ({failure.reason}); "
            "the one before is in force again",
            failure.words if isinstance(failure, StartFailed) else "",
        )

    async def _restart(self) -> None:
        """Start the last good plan, now or later."""
        try:
            self._hold(await self._start(self._plan, self._held.base))
        except StartFailed as failure:
            self._problem = str(failure)
            self._start_later()

    async def _start(self, plan: DhcpPlan, before: DhcpPlan) -> Running:
        try:
            await self._daemon.clear()
            self._folder.set_aside(before, plan)
            self._folder.prepare(plan.config, past(plan, before), plan.hosts)
            self._hosts.settled()
            return await self._daemon.start(plan)
        except StillRunning as error:
            raise StartFailed(str(error)) from error
        except (OSError, BadHosts) as error:
            raise StartFailed(f"dhcpd's files cannot be written: {error}") from error

    async def _stop(self) -> None:
        """Stop every dhcpd of ours; its end is no surprise then. Raises PlanRefused if it stays."""
        self._forget_again()
        running, self._running = self._running, None
        try:
            if running is not None:
                await running.stop()
        except StillRunning as error:
            self._running = running
            raise PlanRefused(str(error)) from error
        self._states = ()
        try:
            await self._daemon.clear()
        except StillRunning as error:
            self._problem = str(error)
            self._start_later()
            raise PlanRefused(str(error)) from error

    def _hold(self, running: Running) -> None:
        self._forget_again()
        self._running = running
        self._problem = ""
        self._since = self._clock.seconds()
        running.ended().addCallback(lambda _: self._ended(running))

    def _keep(self, held: Held) -> None:
        """Make this what outlives us; only now it counts as carried out."""
        self._store(held)
        self._problem = ""

    def _store(self, held: Held) -> None:
        try:
            if self._damaged or held.base != self._held.base:
                self._folder.keep_plan(held.base)
                self._damaged = False
            if held.standing != self._folder.standing():
                self._folder.keep_standing(held.standing)
        except OSError as error:
            raise PlanRefused(f"the plan cannot be kept on disk: {error}") from error
        self._take(held)

    def _take(self, held: Held) -> None:
        self._held, self._plan, self._pools = held, held.plan, None

    def _ended(self, running: Running) -> None:
        if self._running is not running:
            return
        self.log.error("dhcpd {pid} ended by itself and is started again", pid=running.pid)
        if self._clock.seconds() - self._since >= STEADY:
            self._ends = 0
        self._running, self._states = None, ()
        self._problem = "dhcpd ended by itself and is started again"
        self._start_later()
        self._tell()

    def _start_later(self) -> None:
        self._forget_again()
        rest = min(FIRST_REST * 2.0**self._ends, LONGEST_REST)
        self._ends = min(self._ends + 1, 16)
        self._again = self._clock.callLater(rest * (1 + self._jitter()) / 2, self._start_again)

    def _start_again(self) -> None:
        self._again = None
        started = Deferred.fromCoroutine(self._in_turn(self._start_if_down))
        started.addErrback(self._not_started_again)

    def _not_started_again(self, failure: Failure) -> None:
        """Try again whatever went wrong."""
        self.log.failure("dhcpd not restarted", failure)
        self._start_later()

    async def _start_if_down(self) -> None:
        if self._running is None and self._plan.interfaces:
            await self._restart()
            await self._look()
            self._tell()

    def _forget_again(self) -> None:
        if self._again is not None:
            self._again.cancel()
            self._again = None

    async def _look(self) -> None:
        """Ask for the peers' states; what does not answer is UNKNOWN."""
        running = self._running
        if running is None or not any(entry.role.paired for entry in self._plan.roles):
            return
        try:
            states = await self._daemon.states(self._plan)
        except OmapiSilent:
            states = ()
        if self._running is running:
            self._states = states
            self._tell()

    def _tell(self, *, again: bool = False) -> DhcpReport:
        """Give the report, and pass it on if it says something new, or `again`."""
        report = self.report
        if again or report != self._told:
            self._told = report
            try:
                self._changed(report)
            except Exception:
                self.log.failure("a report about dhcpd could not be passed on")
        return report
