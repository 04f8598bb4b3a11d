from __future__ import annotations

from typing import cast

import pytest

from maasha.api.errors import Unauthorized
from maasha.api.services import ApiServices, Call
from maasha.db.accounts import User

NONE = cast(ApiServices, None)


def test_caller() -> None:
    """Events name the user who called."""
    call = Call(NONE, User(1, "ann", "", is_superuser=False), {})
    assert call.who == "user:ann"


def test_nobody() -> None:
    """Nobody has no name: an operation that asks for the caller is not performed."""
    with pytest.raises(Unauthorized):
        assert Call(NONE, None, {}).who
