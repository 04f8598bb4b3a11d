"""Runs `[PROFILE] NOUN VERB ...` against the API and shows what it answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from maasha.cli.answer import advice, exit_status, shown
from maasha.cli.api import Api, keep_up_to_date, look_up, open_api
from maasha.cli.description import (
    Action,
    Description,
    Resource,
    UnknownWord,
    find,
    find_resource,
    nouns,
    usage,
    usage_of_all,
)
from maasha.cli.failures import Misused, Status
from maasha.cli.profile import Profile
from maasha.cli.status import status_text
from maasha.cli.store import Store
from maasha.cli.terminal import Terminal

HELP = frozenset(("--help", "-h"))


def run_call(store: Store, terminal: Terminal, words: Sequence[str]) -> Status:
    """Carry out the words after `maasha`; `--help` among them shows what there is instead."""
    known = store.profiles()
    profile = _profile(store, known, words[0])
    wanted = tuple(word for word in words[words[0] in known :] if word not in HELP)
    api = open_api(store, profile, terminal)
    try:
        if len(wanted) < len(words) - (words[0] in known):
            terminal.show(look_up(store, api, lambda description: _help(description, wanted)))
            return Status.DONE
        resource, action = look_up(store, api, lambda description: _found(description, wanted))
    except UnknownWord as unknown:
        if words[0] in known:
            raise
        remark = f"{unknown.what}; the only profile is {profile.name!r}"
        raise UnknownWord(remark, unknown.mend) from None
    return _carry_out(store, api, resource, action, wanted[2:])


def _profile(store: Store, known: Mapping[str, Profile], word: str) -> Profile:
    """Give the profile that the first word names, or the only one there is."""
    return store.profile("" if word not in known and len(known) == 1 else word)


def _carry_out(
    store: Store, api: Api, resource: Resource, action: Action, words: Sequence[str]
) -> Status:
    answer = api.call(resource, action, words)
    api.terminal.write(shown(answer))
    api.terminal.say(advice(answer, api.profile.name))
    keep_up_to_date(store, api, answer)
    return exit_status(answer)


def _found(description: Description, words: Sequence[str]) -> tuple[Resource, Action]:
    if not words:
        raise Misused("A command is missing; there are:", nouns(description))
    resource = find_resource(description, words[0])
    if not words[1:]:
        raise Misused(f"{resource.noun} needs a verb; there are:", usage_of_all(resource))
    return find(description, words)


def _help(description: Description, words: Sequence[str]) -> str:
    if not words:
        return nouns(description)
    resource = find_resource(description, words[0])
    if not words[1:]:
        return f"{resource.doc}\n\n{usage_of_all(resource)}"
    _, action = find(description, words)
    return f"{usage(resource, action)}\n\n{action.doc}"


def run_status(store: Store, terminal: Terminal, name: str) -> Status:
    """Show regions, racks, VLANs and alarms, from live rows only."""
    api = open_api(store, store.profile(name), terminal)
    answer = api.fetch("cluster/")
    if answer.good:
        terminal.show(status_text(answer.json))
    else:
        terminal.write(shown(answer))
        terminal.say(advice(answer, api.profile.name))
    return exit_status(answer)
