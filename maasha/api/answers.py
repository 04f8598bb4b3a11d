"""What goes back to a client, and the answer that each refusal and failure becomes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from attrs import field, frozen

from maasha.api.errors import (
    BadRequest,
    BodyTooLarge,
    Conflict,
    FieldErrors,
    Forbidden,
    MethodNotAllowed,
    NotFound,
    RequestRefused,
    Unauthorized,
    UnknownPath,
)
from maasha.db.errors import (
    ConstraintViolation,
    DatabaseError,
    DatabaseUnavailable,
    OutcomeUnknown,
    SerializationConflict,
    StatementCancelled,
)

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | float | bool | None"
JsonObject: TypeAlias = "dict[str, Json]"

TEXT = "text/plain; charset=utf-8"
JSON = "application/json"

BUSY_RETRY = 1.0
"""Seconds after which a request that met too many others may come again."""

STATUS: Mapping[type[RequestRefused], int] = {
    FieldErrors: 400,
    BadRequest: 400,
    Unauthorized: 401,
    Forbidden: 403,
    NotFound: 404,
    UnknownPath: 404,
    MethodNotAllowed: 405,
    Conflict: 409,
    BodyTooLarge: 413,
}


@frozen
class Answer:
    """An HTTP answer: status, body, its content type and further headers."""

    status: int
    body: bytes = b""
    content_type: str = TEXT
    headers: Mapping[str, str] = field(factory=dict)


GONE = Answer(204)
"""What a deletion is answered with."""


def ok(body: Json) -> Answer:
    """Answer with JSON."""
    return Answer(200, to_bytes(body), JSON)


def plain(status: int, text: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Answer with a line of text."""
    return Answer(status, text.encode(), TEXT, headers or {})


def to_bytes(body: Json) -> bytes:
    """Encode JSON as UTF-8, indented by two as MAAS does, so that curl's users can read it."""
    return json.dumps(body, indent=2).encode()


def refused(error: RequestRefused) -> Answer:
    """Turn a refusal into its answer: field messages as JSON, all else as text."""
    status = STATUS[type(error)]
    if isinstance(error, FieldErrors):
        fields = {name: list(texts) for name, texts in error.fields.items()}
        return Answer(status, to_bytes(fields), JSON)
    if isinstance(error, Unauthorized):
        return plain(status, str(error), {"WWW-Authenticate": 'OAuth realm="maasha"'})
    if isinstance(error, MethodNotAllowed):
        return plain(status, str(error), {"Allow": ", ".join(error.allowed)})
    return plain(status, str(error))


def database_failed(error: DatabaseError) -> Answer | None:
    """Answer for the database; None for what is a fault of ours.

    503 says that nothing was changed and the same request may be sent again. A commit whose outcome
    is unknown is no 503: clients repeat those by themselves, and one is to look first.
    """
    if isinstance(error, DatabaseUnavailable):
        return _try_again(f"The database cannot be reached ({error.reason})", error.retry_after)
    if isinstance(error, SerializationConflict | StatementCancelled):
        return _try_again(f"The database was too busy ({error.reason})", BUSY_RETRY)
    if isinstance(error, ConstraintViolation):
        return plain(409, f"This contradicts what is stored: {error} Read it anew.")
    if isinstance(error, OutcomeUnknown):
        return plain(500, f"The database went away during the change: {error}.")
    return None


def _try_again(why: str, retry_after: float) -> Answer:
    seconds = max(1, round(retry_after))
    text = f"{why}; nothing was changed. Try again in {seconds} s."
    return plain(503, text, {"Retry-After": str(seconds)})


def broken(number: str) -> Answer:
    """500: a fault of ours, named by the id under which it was logged."""
    return plain(500, f"Internal error {number}; regiond's log has the details under this id.")
