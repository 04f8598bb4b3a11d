"""Acts for one rack that this worker owns: has it run the DHCP that is wanted, step by step."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from maasha.db import racks, services
from maasha.db.errors import DatabaseError
from maasha.db.lane import Runner
from maasha.db.transaction import Isolation, Transaction
from maasha.db.unchanged import Word
from maasha.dhcp.hosts import UNSURE, fingerprint
from maasha.dhcp.plan import digest
from maasha.dhcp.snippets import blamed
from maasha.host.rests import Rests
from maasha.host.routine import Routine
from maasha.model.dhcp import DhcpReport
from maasha.model.stamp import Stamp
from maasha.region.clerk import Clerk
from maasha.region.connections import RackLink
from maasha.region.decision import (
    ChangeHosts,
    Complete,
    Configure,
    Decision,
    EndOrders,
    Waiting,
)
from maasha.region.realm import IPV4, IPV6, Judged, Realm
from maasha.region.rush import Rush
from maasha.rpc.errors import DhcpRefused, RpcError, StaleEpoch

TICK = 5.0
"""Seconds between looks that no notice asked for, while something is to be done or waited for."""
CALM = 30.0
"""The same where the last look found all done: what changes that comes with a notice."""


class Steward(Routine):
    """Owns a rack since `epoch` over `link`; woken by every notice about the rack's DHCP.

    Level-triggered: each run loads what is wanted and what runs, and does the next thing, if there
    is one. A plan that the rack refused is tried again after growing rests, or when it changes.
    A `patient` one, whose rack has just registered, begins when a rush of racks is over. The one
    for DHCPv4 has another for DHCPv6, `six`, from the moment that this concerns the rack.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        pool: Runner,
        clerk: Clerk,
        rush: Rush,
        link: RackLink,
        epoch: Stamp,
        delay: Callable[[int], float],
        *,
        patient: bool,
        realm: Realm = IPV4,
    ) -> None:
        super().__init__(clock, TICK, self._look, f"steward of {link.hostname}, {realm.name}")
        self._realm = realm
        self._pool = pool
        self._clerk = clerk
        self._rush = rush
        self._patient = patient
        self.link = link
        self.epoch = epoch
        self._rests: Rests[str] = Rests(delay)
        self._obeyed = False
        self._waiting = ""
        self._calm_until = 0.0
        self._wakes = 0
        self._delay = delay
        self._six_concerned = False
        self.six: Steward | None = None

    def stopService(self) -> Deferred[None] | None:
        """End, and the one for DHCPv6 with it."""
        ends = [super().stopService(), self.six.stopService() if self.six else None]
        left = [end for end in ends if end is not None]
        return gatherResults(left).addCallback(lambda _: None) if left else None

    def wake(self) -> None:
        """Look at once."""
        if self.six is not None:
            self.six.wake()
        self._wakes += 1
        self._calm_until = 0.0
        super().wake()

    async def _look(self) -> None:
        if self._clock.seconds() >= self._calm_until:
            await self._run_once()

    async def _run_once(self) -> None:
        try:
            await self._act()
        except (DatabaseError, RpcError) as error:
            # what became of a command is unknown now: the rack is asked before the next one
            self._obeyed = False
            self.log.info("{rack}: {error}", rack=self.link.hostname, error=error)

    async def _act(self) -> None:
        try:
            if not self._obeyed:
                await self._take_office()
            await self._reconcile()
        except StaleEpoch as error:
            await self._overtake(error.known)

    async def _take_office(self) -> None:
        """Tell the rack who acts for it, and write down what it runs."""
        if self._patient:
            await self._rush.over()
        report = await self._realm.own(self.link.remote, self.epoch)
        await self._record(report, settles=True)
        self._obeyed = True
        self.log.info("{rack} obeys, epoch {epoch}", rack=self.link.hostname, epoch=self.epoch)

    async def take_report(self, report: DhcpReport) -> None:
        """Write down what the rack says by itself that it runs."""
        await self._record(report, settles=False)

    async def take_report6(self, report: DhcpReport) -> None:
        """Write down what the rack says by itself of DHCPv6."""
        await IPV6.record(self._clerk, Word(self.link.rack, self.epoch, report, settles=False))

    async def _record(self, report: DhcpReport, *, settles: bool) -> None:
        word = Word(self.link.rack, self.epoch, report, settles)
        await self._realm.record(self._clerk, word)

    async def _reconcile(self) -> None:
        """Decide on what is there now and carry it out."""
        wakes = self._wakes
        decision = await self._decide()
        self._mind_six()
        if decision == Waiting() and wakes == self._wakes:  # else there is news since
            self._calm_until = self._clock.seconds() + CALM
        match decision:
            case Configure():
                await self._configure(decision)
            case ChangeHosts():
                await self._change_hosts(decision)
            case Complete(generation, hosts):
                await self._complete(generation, hosts)
            case EndOrders(numbers, by):
                await self._end_orders(numbers, by)
            case Waiting(why):
                self._explain(why)

    def _mind_six(self) -> None:
        """Have somebody act for the rack's DHCPv6, if there is anything to do."""
        if self.six is None and self._six_concerned and self.running:
            whose = self._clock, self._pool, self._clerk, self._rush, self.link, self.epoch
            self.six = Steward(*whose, self._delay, patient=False, realm=IPV6)
            self.six.startService()

    def _explain(self, why: str) -> None:
        """Log what is waited for, once."""
        if why and why != self._waiting:
            self.log.info("{rack} waits: {why}", rack=self.link.hostname, why=why)
        self._waiting = why

    async def _decide(self) -> Decision:
        """Look, and hold the VLANs only where there is something to write before the rack is told.

        Most looks find nothing, and other hosts concern this rack alone: they wait for nobody.
        """
        seen = await self._pool.run(
            self._glance, read_only=True, isolation=Isolation.REPEATABLE_READ
        )
        return await self._pool.run(self._decide_alone) if seen is None else seen

    async def _glance(self, tx: Transaction) -> Decision | None:
        """Load and decide; None: there is something to write."""
        judged = await self._judge(tx, deciding=False)
        if judged is None:
            return Waiting()
        verdict = judged.verdict
        decision = self._allowed(verdict.decision)
        if isinstance(decision, ChangeHosts):
            return decision  # somebody waits for it; the problems are for the look that follows
        return decision if verdict.noted and not isinstance(decision, Configure) else None

    async def _decide_alone(self, tx: Transaction) -> Decision:
        """Load, decide, and write down what the rack is about to be told, all in one moment."""
        judged = await self._judge(tx, deciding=True)
        if judged is None:
            return Waiting()
        verdict, generation = judged.verdict, judged.generation
        book, rack, epoch = self._realm.book, self.link.rack, self.epoch
        if not verdict.noted:
            await book.record_problems(tx, rack, epoch, generation, verdict.problems)
        decision = self._allowed(verdict.decision)
        if not isinstance(decision, Configure):
            return decision
        if not await book.record_asked(tx, rack, epoch, decision.plan.roles):
            return Waiting()
        return decision

    async def _judge(self, tx: Transaction, *, deciding: bool) -> Judged | None:
        judged = await self._realm.judge(tx, self.link.rack, deciding)
        if judged is not None:
            self._six_concerned = judged.six
        return judged

    def _allowed(self, decision: Decision) -> Decision:
        """Leave alone what was refused a moment ago."""
        if isinstance(decision, Complete | Waiting | EndOrders):
            return decision
        resting = self._rests.resting(_name(decision), self._clock.seconds())
        return Waiting("what was refused rests") if resting else decision

    async def _configure(self, decision: Configure) -> None:
        try:
            report = await self._realm.configure(self.link.remote, self.epoch, decision.plan)
        except DhcpRefused as refused:
            await self._refused(decision, decision.plan.generation, refused.listing)
            return
        self._rests.succeeded(_name(decision))
        await self._record(report, settles=True)
        self.wake()

    async def _end_orders(self, numbers: tuple[int, ...], by: str) -> None:
        report = await self.link.remote.resume_dhcp(self.epoch, numbers, by)
        await self._record(report, settles=True)
        self.wake()

    async def _change_hosts(self, decision: ChangeHosts) -> None:
        generation, hosts = decision.generation, decision.hosts
        try:
            report = await self.link.remote.change_hosts(self.epoch, generation, hosts)
        except DhcpRefused as refused:
            await self._refused(decision, generation, refused.listing)
            return
        if report.hosts == fingerprint(hosts):
            self._rests.succeeded(_name(decision))
            await self._record_hosts(decision, report)
            return
        await self._record(report, settles=True)
        if decision.instead or report.hosts != UNSURE:
            why = (
                "its dhcpd does not take these hosts while it runs, and is not restarted with them"
            )
            await self._refused(decision, generation, f"{why}: {decision.instead}")
        else:  # a restart is what is left, as soon as it is its turn
            self._rests.failed(_name(decision), self._clock.seconds())
            self.wake()

    async def _record_hosts(self, decision: ChangeHosts, report: DhcpReport) -> None:
        """Write down that it knows them, and in the same moment that this was all, if it was."""
        rack, epoch, generation = self.link.rack, self.epoch, decision.generation

        async def work(tx: Transaction) -> None:
            await services.record_report(tx, rack, epoch, report, settles=True)
            if report.digest and report.digest == decision.complete_with:
                await services.mark_running(tx, rack, epoch, generation, report.hosts)

        await self._pool.run(work)
        self.wake()

    async def _refused(
        self, decision: Configure | ChangeHosts, generation: Stamp, listing: str
    ) -> None:
        seconds = self._rests.failed(_name(decision), self._clock.seconds())
        self.log.warn(
            "{rack} refused generation {generation}; tried again in {seconds:.0f} s",
            rack=self.link.hostname,
            generation=generation,
            seconds=seconds,
        )
        book, rack, epoch = self._realm.book, self.link.rack, self.epoch
        config = decision.plan.config if isinstance(decision, Configure) else ""
        guilty = blamed(listing, config)
        await self._pool.run(
            lambda tx: book.record_refusal(tx, rack, epoch, generation, listing, guilty)
        )

    async def _complete(self, generation: Stamp, hosts: str) -> None:
        book, rack, epoch = self._realm.book, self.link.rack, self.epoch
        await self._pool.run(lambda tx: book.mark_running(tx, rack, epoch, generation, hosts))

    async def _overtake(self, known: Stamp) -> None:
        """Outdate what the rack knows, unless another owner gave it: then this office is over."""
        rack, hostname = self.link.rack, self.link.hostname
        if await self._pool.run(lambda tx: racks.outdate(tx, rack, known)):
            why = "the database has lost it: the incarnation is raised"
        else:
            why = "another worker owns it"
        self.log.warn("{rack} obeys epoch {known}; {why}", rack=hostname, known=known, why=why)


def _name(decision: Configure | ChangeHosts) -> str:
    """Name what a rack is told, so that it rests where it was refused, and nothing else does."""
    if isinstance(decision, Configure):
        return f"{digest(decision.plan)} {fingerprint(decision.plan.hosts)}"
    return f"hosts {fingerprint(decision.hosts)}"
