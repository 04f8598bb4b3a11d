"""The end of a link that stands: both sides stop calling first, so that no call is lost with it."""

from __future__ import annotations

from attrs import define

from maasha.rpc.errors import Busy, LinkLost, NotOffered, RpcError
from maasha.rpc.rack_side import Session

PATIENCE = 5.0
"""Seconds for one answer of the region, which gives it in the turn in which it is asked."""


@define(eq=False)
class Parting:
    """What is agreed with the region about a link.

    Once it is `agreed` the link has to end; as long as it `may_be` too, for who has agreed makes no
    more calls on it.
    """

    session: Session
    agreed: bool = False
    in_doubt: bool = False
    """Whether the region may have agreed without the rack's hearing of it."""

    @property
    def may_be(self) -> bool:
        """Whether it is agreed, as far as the rack can know."""
        return self.agreed or self.in_doubt

    async def at_rest(self, deadline: float) -> bool:
        """Whether no call is under way, either way, and none can be made any more.

        The region is asked as soon as nothing is under way, and again where its answer does not
        come. One that does not know the question does not hold the link up.
        """
        if not self.session.idle:
            return False
        if not self.agreed:
            await self._ask(min(deadline, PATIENCE))
        return self.agreed and self.session.idle

    async def _ask(self, deadline: float) -> None:
        try:
            self.agreed = await self.session.farewell(deadline)
        except (NotOffered, LinkLost):  # an old region, or nothing is left to agree on
            self.agreed = True
        except Busy:  # it was not asked
            return
        except RpcError:
            self.in_doubt = True
        else:
            self.in_doubt = False
