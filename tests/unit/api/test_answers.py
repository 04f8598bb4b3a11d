from __future__ import annotations

import json

import pytest

from maasha.api import answers, errors
from maasha.api.answers import STATUS
from maasha.db.errors import (
    DatabaseError,
    DatabaseUnavailable,
    OutcomeUnknown,
    QueryFailed,
    SerializationConflict,
    StatementCancelled,
    UniqueViolation,
)


@pytest.mark.parametrize(
    ("refusal", "status", "words"),
    [
        (errors.BadRequest("bad"), 400, "bad"),
        (errors.Unauthorized("no key"), 401, "Authorization Error: no key"),
        (errors.Forbidden("ann", "do it"), 403, "ann may not do it"),
        (errors.NotFound("VLAN"), 404, "No VLAN matches the given query."),
        (errors.UnknownPath("/MAAS/x/"), 404, "describe/"),
        (errors.MethodNotAllowed("PUT", ("GET",)), 405, "use GET"),
        (errors.Conflict("in use"), 409, "in use"),
        (errors.BodyTooLarge(9), 413, "9 bytes"),
    ],
)
def test_refusals_are_text(refusal: errors.RequestRefused, status: int, words: str) -> None:
    """Each refusal has its status and says in text what to do."""
    answer = answers.refused(refusal)
    assert answer.status == status
    assert words in answer.body.decode()
    assert answer.content_type == answers.TEXT


def test_field_errors_are_json() -> None:
    """Field messages are JSON: lists of messages by field."""
    answer = answers.refused(errors.FieldErrors({"vid": ("taken",)}))
    assert (answer.status, json.loads(answer.body)) == (400, {"vid": ["taken"]})
    assert answer.content_type == answers.JSON


def test_headers() -> None:
    """A 401 says how to authenticate, a 405 what is allowed."""
    assert "OAuth" in answers.refused(errors.Unauthorized("x")).headers["WWW-Authenticate"]
    assert answers.refused(errors.MethodNotAllowed("PUT", ("A", "B"))).headers["Allow"] == "A, B"


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (DatabaseUnavailable("gone", 2.4), 503, "2"),
        (DatabaseUnavailable("gone", 0.1), 503, "1"),
        (SerializationConflict("40001", "busy"), 503, "1"),
        (StatementCancelled("slow"), 503, "1"),
        (UniqueViolation("fabric_name_key", "fabric", ""), 409, None),
        (OutcomeUnknown("lost"), 500, None),
    ],
)
def test_database(error: DatabaseError, status: int, retry_after: str | None) -> None:
    """Only where nothing was changed one is told to come again."""
    answer = answers.database_failed(error)
    assert answer is not None
    assert (answer.status, answer.headers.get("Retry-After")) == (status, retry_after)


def test_faults_of_ours() -> None:
    """A statement that PostgreSQL does not take is a fault of ours."""
    assert answers.database_failed(QueryFailed("42601", "syntax error")) is None


def test_every_refusal_has_a_status() -> None:
    """No refusal is without a status."""
    assert set(errors.RequestRefused.__subclasses__()) == set(STATUS)


def test_broken() -> None:
    """A fault of ours tells the id of its log entry and nothing else."""
    assert b"7.5" in answers.broken("7.5").body
    assert answers.ok({"a": [1]}).body == b'{\n  "a": [\n    1\n  ]\n}'
