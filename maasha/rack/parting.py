"""The end of a link that stands: both sides stop calling first, so that no call is lost with it."""

from __future__ import annotations

from attrs import define

from maasha.rpc.errors import RpcError
from maasha.rpc.rack_side import Session


@define(eq=False)
class Parting:
    """What is agreed with the region about a link; from then on it has to end."""

    session: Session
    agreed: bool = False

    async def at_rest(self, deadline: float) -> bool:
        """Whether no call is under way, either way, and none can be made any more.

        The region is asked as soon as nothing is under way. One that does not answer that, or does
        not know the question, does not hold the link up.
        """
        if not self.session.idle:
            return False
        if not self.agreed:
            try:
                self.agreed = await self.session.farewell(deadline)
            except RpcError:
                self.agreed = True
        return self.agreed and self.session.idle
