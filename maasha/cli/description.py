"""What an API can do, as its describe/ document says: nouns, their verbs and their addresses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from attrs import frozen

from maasha.cli.failures import Misused
from maasha.cli.shape import Record, flag, record, records, text, texts


@frozen
class Action:
    """One verb of a noun; `op` is empty for create, read, update and delete."""

    verb: str
    method: str
    op: str
    doc: str


@frozen
class Resource:
    """A noun; `path` is a template in which each of `params` stands in braces."""

    noun: str
    doc: str
    path: str
    params: tuple[str, ...]
    actions: tuple[Action, ...]


@frozen
class Description:
    """Everything an API offers; `hash` changes when any of it does."""

    hash: str
    resources: tuple[Resource, ...]


class UnknownWord(Misused):
    """The API has no such noun or verb, or had none when it was last described."""


def parse_description(document: object) -> Description:
    """Read a describe/ document; what is not of its shape is left out."""
    found = record(document)
    resources = (_resource(item) for item in records(found.get("resources")))
    return Description(text(found.get("hash")), tuple(r for r in resources if r.actions))


def _resource(item: Record) -> Resource:
    side = record(item.get("auth")) or record(item.get("anon"))
    return Resource(
        noun(text(item.get("name"))),
        text(side.get("doc")),
        text(side.get("path")),
        texts(side.get("params")),
        tuple(_action(action) for action in records(side.get("actions"))),
    )


def _action(item: Record) -> Action:
    op = "" if flag(item.get("restful")) else text(item.get("op"))
    verb = (op or text(item.get("name"))).replace("_", "-")
    return Action(verb, text(item.get("method")), op, text(item.get("doc")))


def noun(name: str) -> str:
    """Give a resource's name on the command line: `RackControllerHandler` -> `rack-controller`.

    Capitals in a row begin one word, as MAAS has it: `IPRangesHandler` -> `ipranges`.
    """
    words = re.findall("[A-Z]+[a-z0-9]*|[a-z0-9]+", name.removesuffix("Handler"))
    return "-".join(words).lower()


def find_resource(description: Description, word: str) -> Resource:
    """Find a noun. Raises `UnknownWord` with the one that may be meant, or all."""
    for resource in description.resources:
        if resource.noun == word:
            return resource
    nouns = [resource.noun for resource in description.resources]
    raise UnknownWord(f"There is no command {word!r}", _suggestion(word, nouns))


def find_action(resource: Resource, word: str) -> Action:
    """Find a verb of a noun. Raises `UnknownWord` with all its verbs."""
    for action in resource.actions:
        if action.verb == word:
            return action
    verbs = [action.verb for action in resource.actions]
    what = f"{resource.noun} has no {word!r}"
    raise UnknownWord(what, f"{_suggestion(word, verbs)}\n{usage_of_all(resource)}")


def find(description: Description, words: Sequence[str]) -> tuple[Resource, Action]:
    """Find a noun and its verb, the first two words."""
    resource = find_resource(description, words[0])
    return resource, find_action(resource, words[1])


def _suggestion(word: str, known: Sequence[str]) -> str:
    close = get_close_matches(word, known, n=1)
    return f"Did you mean {close[0]}?" if close else f"Known are: {', '.join(known)}"


def usage(resource: Resource, action: Action) -> str:
    """Give one line: the noun, the verb and what has to follow."""
    params = (param.upper() for param in resource.params)
    fields = ("[NAME=VALUE ...]",) if action.method in ("POST", "PUT") else ()
    return " ".join((resource.noun, action.verb, *params, *fields))


def usage_of_all(resource: Resource) -> str:
    """Give the verbs of a noun, one per line, with the first line of what they do."""
    rows = ((usage(resource, action), action.doc) for action in resource.actions)
    return _columns(rows)


def nouns(description: Description) -> str:
    """Give the nouns, one per line, with the first line of what they are."""
    return _columns((resource.noun, resource.doc) for resource in description.resources)


def _columns(rows: Iterable[tuple[str, str]]) -> str:
    lines = [(left, doc.strip().partition("\n")[0]) for left, doc in rows]
    width = max((len(left) for left, _ in lines), default=0)
    return "\n".join(f"  {left:{width}}  {doc}".rstrip() for left, doc in lines)
