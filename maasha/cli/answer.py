"""What an API answered: how it is shown, what people should do about it and the exit status."""

from __future__ import annotations

import json

from attrs import frozen

from maasha.cli.failures import Status
from maasha.cli.shape import Record, record, text

MAX_TRIES = 4
"""The first try and three more, as MAAS's own client."""
DEFAULT_WAIT, MAX_WAIT = 5.0, 60.0
"""Seconds between tries when Retry-After is absent or no number, and the most that it may say."""


@frozen
class Answer:
    """An HTTP answer; the texts are headers, empty when absent."""

    status: int
    body: bytes = b""
    content_type: str = ""
    retry_after: str = ""
    api_hash: str = ""
    location: str = ""

    @property
    def good(self) -> bool:
        """Whether the request was carried out (2xx)."""
        return 200 <= self.status <= 299

    @property
    def json(self) -> object:
        """The body as JSON; None when it is none."""
        if "json" not in self.content_type:
            return None
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


def wait_before_retry(answer: Answer, tries: int) -> float | None:
    """Give the seconds to wait before the request is sent again, None if it is not.

    Only 503 is tried again: it says that nothing was changed.
    """
    if answer.status != 503 or tries >= MAX_TRIES:
        return None
    rest = rest_of(answer)
    return DEFAULT_WAIT if rest is None else rest


def rest_of(answer: Answer) -> float | None:
    """Give the seconds for which an answer asks not to be asked again; None: it does not."""
    digits = answer.retry_after.strip()
    return min(float(digits), MAX_WAIT) if digits.isdecimal() else None


def shown(answer: Answer) -> bytes:
    """Give what goes to standard output: JSON indented, anything else as it came."""
    content = answer.json
    if content is not None:
        return printed(content)
    if answer.content_type.startswith("text/") and answer.body[-1:] not in (b"\n", b""):
        return answer.body + b"\n"
    return answer.body


def printed(content: object) -> bytes:
    """Give JSON as it goes to standard output."""
    words = json.dumps(content, indent=4, sort_keys=True, ensure_ascii=False)
    return words.encode("utf-8", "backslashreplace") + b"\n"


def exit_status(answer: Answer) -> Status:
    """Give 0 only for what was done: also a VLAN that a rack's dhcpd refused is not."""
    refused = not answer.good or _dhcp_status(answer).startswith("failed")
    return Status.REFUSED if refused else Status.DONE


def advice(answer: Answer, profile: str) -> str:
    """Say for people what went wrong and what to do next; empty when nothing did."""
    if answer.good:
        return _dhcp_advice(answer)
    if answer.status == 400:
        return "\n".join(
            [*_field_messages(answer), "Nothing was changed; mend this and try again."]
        )
    if answer.location:
        return f"The server is at {answer.location} now: maasha login {profile} URL"
    return _ADVICE.get(answer.status, _OTHERWISE).format(profile=profile, status=answer.status)


_ADVICE = {
    401: "The API key of profile {profile} is not valid (any more).\n"
    "Make one on the region's host (maasha-region apikey --username NAME), then:\n"
    "  maasha login {profile} URL",
    403: "The user of profile {profile} may not do this; use an administrator's profile.",
    404: "Nothing of this name is there; the plural noun with 'read' lists what is.",
    409: "It contradicts what is there now; look at that with 'read', then try again.",
    503: "The region or its database is away and nothing was changed; try again in a while.",
}
_OTHERWISE = "The server answered {status}; the region's log says more."


def _field_messages(answer: Answer) -> list[str]:
    lines = []
    for name, messages in record(answer.json).items():
        listed = messages if isinstance(messages, list) else [messages]
        lines += [f"{name}: {text(message)}" for message in listed if text(message)]
    return lines


def _dhcp_status(answer: Answer) -> str:
    return text(_vlan(answer).get("dhcp_status"))


def _vlan(answer: Answer) -> Record:
    return record(answer.json)


def _dhcp_advice(answer: Answer) -> str:
    status = _dhcp_status(answer)
    if not status.startswith(("failed", "pending")):
        return ""
    lines = [f"DHCP: {status}"]
    if problem := text(_vlan(answer).get("dhcp_problem")):
        lines.append(problem)
    if status.startswith("failed"):
        lines.append("The change is stored; the rack keeps serving as before. Mend it and update.")
    return "\n".join(lines)
