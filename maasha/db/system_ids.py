"""Makes the six characters that name a controller."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from maasha.db.locks import Lock, hold
from maasha.db.transaction import Transaction
from maasha.model.cluster import SYSTEM_ID_ALPHABET, SYSTEM_ID_LENGTH, SystemId

Choose = Callable[[str], str]
"""Picks one character, all equally likely."""

TAKEN = """
select from region where system_id = %(id)s union all select from rack where system_id = %(id)s
"""


def well_formed(text: str) -> bool:
    """Whether a text can be a system id."""
    return len(text) == SYSTEM_ID_LENGTH and set(text) <= set(SYSTEM_ID_ALPHABET)


async def new_system_id(tx: Transaction, choose: Choose = secrets.choice) -> SystemId:
    """Give an id that no region and no rack has or had, and that nobody else makes meanwhile."""
    while True:
        made = SystemId("".join(choose(SYSTEM_ID_ALPHABET) for _ in range(SYSTEM_ID_LENGTH)))
        await hold(tx, Lock.SYSTEM_ID, made)
        if not await tx.rows(TAKEN, {"id": made}):
            return made
