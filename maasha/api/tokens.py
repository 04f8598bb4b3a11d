"""tokens/: join tokens, each of which lets one rack in, once."""

from __future__ import annotations

from maasha.api.answers import GONE, Answer, JsonObject, ok
from maasha.api.controller_shapes import token_json
from maasha.api.errors import NotFound
from maasha.api.forms import Nothing, either
from maasha.api.routes import Crud, Noun, Operation, Role
from maasha.api.services import Call
from maasha.api.submissions import TokenCreate
from maasha.db.tokens import create_token, delete_token, token_of, tokens
from maasha.db.transaction import Transaction
from maasha.model.duration import DEFAULT_LIFE

TOKENS = Noun("TokensHandler", "tokens/", "Join tokens, for racks that are to join.")
TOKEN = Noun("TokenHandler", "tokens/{id}/", "A join token.")
KIND = "Token"


async def list_tokens(call: Call, _: Nothing) -> Answer:
    """List them, the oldest first; what they prove is not shown."""
    return ok([token_json(row) for row in await call.read(tokens)])


async def make_token(call: Call, form: TokenCreate) -> Answer:
    """Make one; `token` is the word for `maasha-rack register`, shown this once."""

    async def work(tx: Transaction) -> JsonObject:
        made, row = await create_token(tx, call.who, either(form.expires, DEFAULT_LIFE))
        return {"token": str(made), **token_json(row)}

    return ok(await call.change(work))


async def read_token(call: Call, _: Nothing) -> Answer:
    """Show one, without what it proves."""
    row = await call.read(lambda tx: token_of(tx, call.path["id"]))
    if row is None:
        raise NotFound(KIND)
    return ok(token_json(row))


async def forget_token(call: Call, _: Nothing) -> Answer:
    """Forget one: it lets nobody in any more."""
    if not await call.change(lambda tx: delete_token(tx, call.who, call.path["id"])):
        raise NotFound(KIND)
    return GONE


OPERATIONS = (
    Operation(TOKENS, Crud.READ, Role.ADMIN, list_tokens, "List the join tokens."),
    Operation(
        TOKENS,
        Crud.CREATE,
        Role.ADMIN,
        make_token,
        "Make a join token; it is shown this once.",
        TokenCreate,
    ),
    Operation(TOKEN, Crud.READ, Role.ADMIN, read_token, "Read a join token."),
    Operation(TOKEN, Crud.DELETE, Role.ADMIN, forget_token, "Delete a join token."),
)
