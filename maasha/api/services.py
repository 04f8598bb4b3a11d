"""What an operation works with: the process's services, and the call with its caller."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from maasha.api.errors import Unauthorized
from maasha.balancer.policy import POLICY, Policy
from maasha.db.accounts import User
from maasha.db.networks import lock_networks
from maasha.db.notices import Notices
from maasha.db.pool import Pool
from maasha.db.transaction import Isolation, Transaction
from maasha.model.cluster import InstanceId

T = TypeVar("T")
Work = Callable[[Transaction], Awaitable[T]]


@frozen
class ApiServices:
    """What the region worker gives to the API."""

    pool: Pool
    notices: Notices
    clock: IReactorTime
    version: str
    instance: InstanceId
    policy: Policy = POLICY
    """By which the leader balances, and `placement/` shows what it plans."""


@frozen
class Call:
    """One request: who calls (None: nobody who proved it) and what its path named."""

    services: ApiServices
    user: User | None
    path: Mapping[str, str]

    @property
    def caller(self) -> User:
        """The user; an operation with a role is only performed for one."""
        if self.user is None:
            raise Unauthorized("Nobody signed this request; sign it with an API key.")
        return self.user

    @property
    def who(self) -> str:
        """The caller as events name it."""
        return f"user:{self.caller.username}"

    async def read(self, work: Work[T]) -> T:
        """Read at one moment; nothing can be written."""
        return await self.services.pool.run(
            work, read_only=True, isolation=Isolation.REPEATABLE_READ
        )

    async def change(self, work: Work[T]) -> T:
        """Change in one transaction, with the networks locked: all of it happens or nothing."""

        async def locked(tx: Transaction) -> T:
            await lock_networks(tx)
            return await work(tx)

        return await self.services.pool.run(locked)
