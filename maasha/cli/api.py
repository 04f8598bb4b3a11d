"""An API as one profile sees it: signed calls, and its description kept up to date."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from attrs import frozen

from maasha.cli.answer import Answer
from maasha.cli.description import (
    Action,
    Description,
    Resource,
    UnknownWord,
    parse_description,
)
from maasha.cli.failures import Failure, KeyRejected, NotAnApi
from maasha.cli.profile import Profile
from maasha.cli.request import Field, Request, make_request
from maasha.cli.shape import record, text
from maasha.cli.store import Store
from maasha.cli.terminal import Terminal
from maasha.cli.transport import Trust, send, send_once

T = TypeVar("T")


@frozen
class Api:
    """Calls to one profile's API; `trust` is how its server proves who it is."""

    profile: Profile
    trust: Trust
    terminal: Terminal

    def fetch(self, path: str) -> Answer:
        """GET a path below the profile's URL."""
        return self._send(Request("GET", self.profile.url + path))

    def ask(self, path: str, timeout: float) -> Answer:
        """GET a path once, whatever the answer is, and wait no longer than that for it."""
        request = Request("GET", self.profile.url + path)
        return send_once(request, self.profile.key, self.trust, timeout)

    def try_post(self, path: str, fields: Sequence[Field], timeout: float) -> Answer:
        """POST a form once, as `ask` does."""
        request = Request("POST", self.profile.url + path, tuple(fields))
        return send_once(request, self.profile.key, self.trust, timeout)

    def post(self, path: str, fields: Sequence[Field] = ()) -> Answer:
        """POST a form to a path below the profile's URL."""
        return self._send(Request("POST", self.profile.url + path, tuple(fields)))

    def delete(self, path: str) -> Answer:
        """DELETE a path below the profile's URL."""
        return self._send(Request("DELETE", self.profile.url + path))

    def user(self) -> str:
        """Give the name of the key's user. Raises `KeyRejected`, `NotAnApi`, `Unreachable`."""
        answer = self.fetch("users/?op=whoami")
        if answer.status == 401:
            raise KeyRejected(self.profile.url)
        name = text(record(answer.json).get("username"))
        if not name:
            raise NotAnApi(self.profile.url, f"asked for the user it answered {answer.status}")
        return name

    def describe(self) -> object:
        """Fetch the describe/ document, needing no key. Raises `NotAnApi`, `Unreachable`."""
        request = Request("GET", f"{self.profile.url}describe/")
        answer = send(request, None, self.trust, self.terminal.wait)
        if not parse_description(answer.json).resources:
            raise NotAnApi(self.profile.url, f"asked to describe it, it answered {answer.status}")
        return answer.json

    def call(self, resource: Resource, action: Action, words: Sequence[str]) -> Answer:
        """Carry out an action with the words that follow it."""
        return self._send(make_request(self.profile.url, resource, action, words, _contents))

    def _send(self, request: Request) -> Answer:
        return send(request, self.profile.key, self.trust, self.terminal.wait)


def _contents(path: str) -> bytes:
    return Path(path).read_bytes()


def open_api(store: Store, profile: Profile, terminal: Terminal) -> Api:
    """Make the calls of a stored profile."""
    cacerts = store.cacerts(profile.name) if profile.cacerts else None
    return Api(profile, Trust(cacerts, profile.insecure), terminal)


def look_up(store: Store, api: Api, find: Callable[[Description], T]) -> T:
    """Find words in what the API offered when last asked; unknown ones are asked for once more.

    Raises `UnknownWord` when the server does not know them either.
    """
    try:
        return find(store.description(api.profile.name))
    except UnknownWord:
        return find(refresh(store, api))


def refresh(store: Store, api: Api) -> Description:
    """Fetch and store what a profile's API offers now."""
    document = api.describe()
    store.save_description(api.profile.name, document)
    return parse_description(document)


def keep_up_to_date(store: Store, api: Api, answer: Answer) -> None:
    """Refresh when an answer says that the API has changed; a failure is only remarked."""
    if answer.api_hash in ("", store.description(api.profile.name).hash):
        return
    try:
        refresh(store, api)
    except (Failure, OSError) as error:
        api.terminal.say(f"The list of commands could not be refreshed: {error}")
