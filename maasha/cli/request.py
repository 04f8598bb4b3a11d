"""Turns the words after a verb into the request that goes to the API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import quote, urlencode

from attrs import frozen

from maasha.cli.description import Action, Resource, usage
from maasha.cli.failures import Misused

ReadFile = Callable[[str], bytes]
"""Gives what a file holds; raises `OSError`."""

_ROOT = "/api/2.0/"


@frozen
class Field:
    """A named value of a form."""

    name: str
    value: bytes


@frozen
class Request:
    """An HTTP request; `fields` are the form in its body, those of the query are in `url`."""

    method: str
    url: str
    fields: tuple[Field, ...] = ()


def make_request(
    base: str, resource: Resource, action: Action, words: Sequence[str], read: ReadFile
) -> Request:
    """Make the request for an action: first the ids that its path has, then its fields.

    `base` is the profile's URL: the server's own idea of its host is not trusted with the key.
    Raises `Misused`.
    """
    count = len(resource.params)
    if len(words) < count:
        what = f"{resource.noun} {action.verb} needs {' '.join(resource.params).upper()}"
        raise Misused(what, f"write: {usage(resource, action)}")
    fields = tuple(_field(word, read, resource, action) for word in words[count:])
    url = base + _path(resource, words[:count])
    op = (Field("op", action.op.encode()),) if action.op else ()
    if action.method in ("POST", "PUT"):
        return Request(action.method, _with_query(url, op), fields)
    return Request(action.method, _with_query(url, (*op, *fields)))


def _path(resource: Resource, ids: Sequence[str]) -> str:
    path = resource.path.partition(_ROOT)[2]
    for param, word in zip(resource.params, ids, strict=True):
        if word in ("", ".", ".."):
            raise Misused(f"{word!r} is no {param}", f"list them: maasha {resource.noun}s read")
        path = path.replace("{" + param + "}", quote(word, safe=""))
    return path


def _field(word: str, read: ReadFile, resource: Resource, action: Action) -> Field:
    name, equals, value = word.partition("=")
    if not equals or not name.removesuffix("@"):
        mend = f"write: {usage(resource, action)}, a value from a file as NAME@=FILE"
        raise Misused(f"{word!r} is not of the form NAME=VALUE", mend)
    if name.endswith("@"):
        return Field(name.removesuffix("@"), _contents(value, read))
    return Field(name, value.encode("utf-8", "surrogateescape"))


def _contents(path: str, read: ReadFile) -> bytes:
    try:
        return read(path)
    except OSError as error:
        raise Misused(f"{path} cannot be read: {error.strerror}", "name a file") from None


def _with_query(url: str, fields: Sequence[Field]) -> str:
    query = urlencode([(field.name, field.value) for field in fields])
    return f"{url}?{query}" if query else url
