"""Answers: how they are shown, what is advised and how the command exits."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maasha.cli.answer import (
    DEFAULT_WAIT,
    MAX_TRIES,
    MAX_WAIT,
    Answer,
    advice,
    exit_status,
    shown,
    wait_before_retry,
)
from maasha.cli.failures import Status
from tests.unit.cli.test_shape import json_values

JSON = "application/json"


def vlan(**fields: object) -> Answer:
    """Give the answer that shows a VLAN."""
    return Answer(200, json.dumps({"vid": 0} | fields).encode(), JSON)


def test_json_is_indented() -> None:
    """JSON is set out for people, letters of all languages as they are."""
    answer = Answer(200, '{"b":[1],"a":"é"}'.encode(), "application/json; charset=utf-8")
    assert shown(answer).decode() == '{\n    "a": "é",\n    "b": [\n        1\n    ]\n}\n'


@pytest.mark.parametrize(
    ("body", "content_type", "printed"),
    [
        (b"Not found.", "text/plain; charset=utf-8", b"Not found.\n"),
        (b"Done.\n", "text/plain", b"Done.\n"),
        (b"", "", b""),
        (b"", "text/plain", b""),
        (b"\x00\xff", "application/octet-stream", b"\x00\xff"),
        (b"{broken", "application/json", b"{broken"),
        (b"[" * 100_000, "application/json", b"[" * 100_000),
    ],
)
def test_other_bodies_are_shown_as_they_came(
    body: bytes, content_type: str, printed: bytes
) -> None:
    """A text ends its line, anything else is not touched."""
    assert shown(Answer(200, body, content_type)) == printed


@given(json_values)
def test_what_is_shown_is_json_again(value: object) -> None:
    """Other programs can read what is shown."""
    body = json.dumps(value).encode()
    printed = shown(Answer(200, body, JSON))
    assert json.loads(printed) == value if value is not None else printed == body


@pytest.mark.parametrize("status", [200, 201, 204])
def test_good_answers(status: int) -> None:
    """What was done exits with 0 and needs no advice."""
    assert exit_status(Answer(status)) is Status.DONE
    assert advice(Answer(status), "maas") == ""


@pytest.mark.parametrize(
    ("status", "advised"),
    [
        (401, "maasha login maas URL"),
        (403, "use an administrator's profile"),
        (404, "the plural noun with 'read' lists what is"),
        (409, "look at that with 'read'"),
        (500, "The server answered 500; the region's log says more."),
        (503, "nothing was changed"),
    ],
)
def test_refusals(status: int, advised: str) -> None:
    """What was not done exits with 2 and says what to do next."""
    assert exit_status(Answer(status, b"why", "text/plain")) is Status.REFUSED
    assert advised in advice(Answer(status), "maas")


def test_wrong_fields_are_listed() -> None:
    """The messages of a form stand one per line."""
    body = json.dumps({"vid": ["too big", "not a number"], "name": "taken", "x": [{}]}).encode()
    assert advice(Answer(400, body, JSON), "maas").splitlines() == [
        "vid: too big",
        "vid: not a number",
        "name: taken",
        "Nothing was changed; mend this and try again.",
    ]


def test_a_moved_server() -> None:
    """The key is not carried to where a server points; the user is told."""
    answer = Answer(301, location="https://other/MAAS/")
    assert exit_status(answer) is Status.REFUSED
    assert advice(answer, "maas").startswith("The server is at https://other/MAAS/ now")


def test_dhcp_that_failed_is_a_failure() -> None:
    """A change that a rack's dhcpd refused exits with 2 and shows dhcpd's own listing."""
    answer = vlan(dhcp_status="failed: rack-1 refused", dhcp_problem="line 3: semicolon expected")
    assert exit_status(answer) is Status.REFUSED
    assert advice(answer, "maas").splitlines()[:2] == [
        "DHCP: failed: rack-1 refused",
        "line 3: semicolon expected",
    ]


def test_dhcp_that_is_awaited_is_said() -> None:
    """A change that racks have not confirmed yet is done, and said to be pending."""
    answer = vlan(dhcp_status="pending: rack-2 is not connected")
    assert exit_status(answer) is Status.DONE
    assert advice(answer, "maas") == "DHCP: pending: rack-2 is not connected"
    assert advice(vlan(dhcp_status="running"), "maas") == ""


def test_only_503_is_tried_again() -> None:
    """Only the answer that says that nothing was changed is followed by another try."""
    for status in (200, 400, 401, 409, 500, 502, 504):
        assert wait_before_retry(Answer(status, retry_after="1"), 1) is None
    assert [wait_before_retry(Answer(503, retry_after="2"), n) for n in range(1, 5)] == [
        2.0,
        2.0,
        2.0,
        None,
    ]
    assert MAX_TRIES == 4


@given(st.text())
def test_retry_after_is_bounded(text: str) -> None:
    """Whatever the header says, the wait is a moderate number of seconds."""
    pause = wait_before_retry(Answer(503, retry_after=text), 1)
    assert pause is not None
    assert 0 <= pause <= MAX_WAIT


def test_retry_after_without_a_number() -> None:
    """An absent header or a date waits the usual time; a long one at most a minute."""
    assert wait_before_retry(Answer(503), 1) == DEFAULT_WAIT
    assert wait_before_retry(Answer(503, retry_after="Wed, 21 Oct 2026"), 1) == DEFAULT_WAIT
    assert wait_before_retry(Answer(503, retry_after="86400"), 1) == MAX_WAIT
