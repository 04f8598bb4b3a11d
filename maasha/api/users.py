"""users/: who may call."""

from __future__ import annotations

from maasha.api.answers import Answer, ok
from maasha.api.forms import Nothing
from maasha.api.routes import Crud, Named, Noun, Operation, Role
from maasha.api.services import Call
from maasha.api.shapes import user_json
from maasha.db.accounts import users

USERS = Noun("UsersHandler", "users/", "The users of this instance.")


async def list_users(call: Call, _: Nothing) -> Answer:
    """List the users by name."""
    return ok([user_json(user) for user in await call.read(users)])


async def whoami(call: Call, _: Nothing) -> Answer:
    """Tell whose API key signed the request."""
    return ok(user_json(call.caller))


OPERATIONS = (
    Operation(USERS, Crud.READ, Role.USER, list_users, "List the users."),
    Operation(USERS, Named("whoami"), Role.USER, whoami, "Tell who calls."),
)
