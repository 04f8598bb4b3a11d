from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maasha.api.bodies import JSON, MAX_BODY, URLENCODED, read_body
from maasha.api.errors import BadRequest, BodyTooLarge

PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=20)
MULTIPART = "multipart/form-data; boundary=xyz"


def part(disposition: str, content: str) -> str:
    """Write one part of a multipart body."""
    return f"--xyz\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{content}\r\n"


def test_no_body() -> None:
    """An empty body has no fields, whatever its type."""
    assert read_body("", b"") == {}


@given(st.lists(st.tuples(PLAIN, PLAIN), max_size=6))
def test_urlencoded(pairs: list[tuple[str, str]]) -> None:
    """An urlencoded body has all its fields, repeated ones in order."""
    expected: dict[str, list[str]] = {}
    for name, value in pairs:
        expected.setdefault(name, []).append(value)
    assert read_body(URLENCODED, urlencode(pairs).encode()) == expected


def test_multipart() -> None:
    """A multipart body has its fields; a part with a file's name is a field as well."""
    body = part('name="a"', "1") + part('name="a"', "2") + part('name="b"; filename="f"', "ü")
    found = read_body(MULTIPART, f"{body}--xyz--\r\n".encode())
    assert found == {"a": ["1", "2"], "b": ["ü"]}


def test_empty_multipart() -> None:
    """A multipart body without parts, as MAAS's client sends it, has no fields."""
    assert read_body(MULTIPART, b"--xyz--\r\n") == {}


def test_json() -> None:
    """A JSON object of plain values and lists is taken as if its fields were texts."""
    body = {"a": "x", "b": True, "c": 3, "d": None, "e": ["1", 2]}
    found = read_body(JSON, json.dumps(body).encode())
    assert found == {"a": ["x"], "b": ["true"], "c": ["3"], "d": [""], "e": ["1", "2"]}


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        (JSON, b"{", "not JSON"),
        (JSON, b"[1]", "not an object"),
        (JSON, b'{"a": {"b": 1}}', "'a' is nested"),
        (JSON, b'{"a": [[1]]}', "'a' is nested"),
        ("text/plain", b"x", "'text/plain' is not understood"),
        ("", b"x", "'none' is not understood"),
        ("multipart/form-data", b"x", "cannot be read"),
        (MULTIPART, b"x", "cannot be read"),
        (MULTIPART, part('name="b"; filename="f"', "x").encode() + b"\xff", "cannot be read"),
        (URLENCODED, b"a=%ff", "cannot be read"),
    ],
)
def test_refusals(kind: str, body: bytes, words: str) -> None:
    """What cannot be read is refused with what to send instead."""
    with pytest.raises(BadRequest, match=words):
        read_body(kind, body)


def test_too_large() -> None:
    """A body beyond the limit is refused unread."""
    with pytest.raises(BodyTooLarge, match=str(MAX_BODY)):
        read_body(URLENCODED, b"x" * (MAX_BODY + 1))


@given(st.binary(max_size=100), st.sampled_from([JSON, URLENCODED, MULTIPART, "x/y"]))
def test_garbage(body: bytes, kind: str) -> None:
    """Any bytes are either fields or a refusal."""
    try:
        found = read_body(kind, body)
    except BadRequest:
        return
    assert all(isinstance(each, str) for texts in found.values() for each in texts)
