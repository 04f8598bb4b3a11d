"""Balances the cluster: on the leader only, through the connection that holds its lock.

Each look reads what is, decides (`maasha.balancer.turn`), and begins as much as may begin, in one
transaction: a leader that has lost its lock cannot write. Moves are asked of racks by the workers
that hold the links (`maasha.region.relocation`). The next look plans from what is. What the brakes
say counts for roles too, which are looked at right after (`maasha.region.appointing`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from attrs import evolve
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from maasha.balancer.actions import Action, Flip, Move
from maasha.balancer.brakes import LIMITS, Act, Limits, NotLeading, Pause, Verdict
from maasha.balancer.outlook import outlook
from maasha.balancer.policy import POLICY, Policy
from maasha.balancer.turn import FRESH, Memory, Seen, Turn, regained, turn
from maasha.config import RegiondSettings
from maasha.db import drains, leading, link_moves, ownership
from maasha.db.errors import (
    ConnectionLost,
    DatabaseError,
    DatabaseUnavailable,
    OutcomeUnknown,
)
from maasha.db.events import clear_alarm, raise_alarm
from maasha.db.link_moves import Wanted
from maasha.db.placement import note_evenness, prune_evenness, read_placement
from maasha.db.roles import prune_sightings
from maasha.db.transaction import Transaction
from maasha.host.routine import Routine
from maasha.model.cluster import WorkerId
from maasha.model.placement import Placement
from maasha.region.appointing import Appointing, Exclusively
from maasha.region.naming import Naming
from maasha.region.rush import Rush

STEP = 1.0
"""Seconds between looks while something is to be done: the pace counts by seconds."""
CALM = 10.0
"""The same while nothing is; news shorten it."""
MOVE_SECONDS = 20.0
"""For one move: a dial with its handshake, and for calls that are under way on the old link."""
PRUNED = 3600.0
"""Seconds between looks at what is too old to be kept."""
KEPT = 90
"""Days of history."""
STOPPED = Verdict({act: (NotLeading(),) for act in Act})
WHO, SUBJECT, VANISHED = "balancer", "instance", "placement.vanished"


class Balancing(Routine):
    """Woken by whatever may change the placement; does nothing while another worker leads.

    `regained` says when this worker's last gap without a database ended, by the clock; `naming`
    chooses name servers, if anybody does.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        exclusively: Exclusively,
        leading: Callable[[], bool],
        appointing: Appointing,
        rush: Rush,
        policy: Policy = POLICY,
        limits: Limits = LIMITS,
        worker: Callable[[], WorkerId | None] = lambda: None,
        regained: Callable[[], float | None] = lambda: None,
        naming: Naming | None = None,
    ) -> None:
        super().__init__(clock, STEP, self._look, "balancing")
        self._exclusively = exclusively
        self._limits = limits
        self._leading = leading
        self._appointing = appointing
        self._naming = naming
        self._rush = rush
        self._moving = False
        self._policy = policy
        self._worker = worker
        self._regained = regained
        self._memory = FRESH
        self._verdict = STOPPED
        self._calm_until = 0.0
        self._prune_at = 0.0

    @property
    def verdict(self) -> Verdict:
        """What may be done without a hand, by the last look; nothing while another one leads."""
        return self._verdict if self._leading() else STOPPED

    def news(self, _: str = "") -> None:
        """Look with the next step."""
        self._calm_until = 0.0

    def deposed(self, _: str = "") -> None:
        """Forget all: the connection with the lock is lost, whoever leads next begins anew."""
        self._memory, self._verdict = FRESH, STOPPED

    async def _look(self) -> None:
        if not self._leading():
            self._memory, self._verdict = FRESH, STOPPED
            return
        if self._clock.seconds() < self._calm_until:
            return
        if not self._moving:  # what comes is not what was moved: there is nothing to plan yet
            await self._rush.over()
        self._calm_until = self._clock.seconds() + CALM
        try:
            decided = await self._exclusively(self._balance)
            self._memory, self._verdict = decided.memory, decided.verdict
            await self._appointing.look(decided.verdict)
            if self._naming is not None:
                await self._naming.look(decided.verdict)
        except (DatabaseUnavailable, ConnectionLost, OutcomeUnknown) as error:
            self.log.info("no balancing: {error}", error=error)
            self.news()
        except DatabaseError as error:
            self.log.warn("no balancing: {error}", error=error)
            self.news()
        else:
            if decided.waits:
                self.news()

    def _remembered(self, now: datetime) -> Memory:
        """Give the memory, with the last gap that this worker saw; `now` is of the database."""
        at = self._regained()
        if at is None:
            return self._memory
        return regained(self._memory, now - timedelta(seconds=self._clock.seconds() - at))

    async def _balance(self, tx: Transaction) -> Turn:
        """Decide, and begin what may begin."""
        await link_moves.end_overdue(tx)
        await drains.expire_drains(tx, WHO)
        seen = await look(tx)
        self._moving = any(each.open for each in seen.under_way)
        decided = turn(self._remembered(seen.now), seen, self._policy, self._limits)
        await self._tell(tx, seen.placement, decided)
        await self._prune(tx)
        await begin(tx, decided.begin)
        for action in decided.begin:
            self.log.info("begun: {action}", action=action)
        return decided

    async def _prune(self, tx: Transaction) -> None:
        if self._clock.seconds() >= self._prune_at:
            self._prune_at = self._clock.seconds() + PRUNED
            await link_moves.prune_moves(tx, KEPT)
            await prune_evenness(tx, KEPT)
            await prune_sightings(tx)

    async def _tell(self, tx: Transaction, placement: Placement, decided: Turn) -> None:
        """Write how even it is, what the leader has in mind, and what people have to look after."""
        links, workers = len(placement.links), len(placement.workers)
        await note_evenness(tx, round(placement.ratio, 3), links, workers)
        await leading.note_outlook(tx, self._worker(), outlook(decided))
        alarm = decided.verdict.alarm
        if alarm is not None:
            await raise_alarm(tx, WHO, SUBJECT, VANISHED, str(alarm))
        else:
            await clear_alarm(tx, WHO, SUBJECT, VANISHED)


def rules_of(settings: RegiondSettings) -> tuple[Policy, Limits]:
    """Give the rules that regiond.conf sets."""
    policy = Policy(
        act=settings.balance_begin / 100,
        rest=settings.balance_end / 100,
        dwell=float(settings.balance_stay),
        share=settings.balance_pace / 100,
        settled=float(settings.balance_settle),
    )
    moves, roles = float(settings.balance_hold), float(settings.balance_hold_roles)
    limits = evolve(LIMITS, moves_after_gap=moves, after_leader=moves, roles_after_gap=roles)
    return policy, limits


async def look(tx: Transaction) -> Seen:
    """Read what a decision looks at."""
    found = await read_placement(tx)
    pause = await drains.paused(tx)
    known = await leading.acknowledged(tx)
    return Seen(
        found.placement,
        found.now,
        found.under_way,
        found.last_heard,
        None if pause is None else Pause(pause.until, pause.by),
        None if known is None else known.until,
        found.known,
    )


async def begin(tx: Transaction, actions: Sequence[Action]) -> None:
    """Carry actions out, as far as what they start from still is."""
    if not actions:
        return
    await ownership.lock(tx, [each.rack for each in actions])  # in order: nobody waits in a ring
    wanted = [
        Wanted(each.link, each.to if isinstance(each, Move) else None, each.reason.value)
        for each in actions
        if not isinstance(each, Flip)
    ]
    if wanted:
        await link_moves.begin_moves(tx, wanted, MOVE_SECONDS)
    flips = [(each.rack, each.source, each.to) for each in actions if isinstance(each, Flip)]
    if flips:
        await ownership.flip(tx, flips)
