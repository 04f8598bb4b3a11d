"""Operations as data: routing, permissions and describe/ are all made from one registry."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from enum import Enum
from typing import Any, TypeAlias

from attrs import frozen

from maasha.api.answers import Answer
from maasha.api.errors import BadRequest, MethodNotAllowed, UnknownPath
from maasha.api.forms import Nothing
from maasha.api.services import Call

ROOT = "/MAAS/api/2.0/"


class Role(Enum):
    """Who may call an operation."""

    ANYONE = "anyone"
    USER = "user"
    ADMIN = "admin"


class Crud(Enum):
    """The four operations that a method alone names."""

    CREATE = "create"
    READ = "read"
    UPDATE = "update"
    DELETE = "delete"

    @property
    def method(self) -> str:
        """The HTTP method of the operation."""
        return CRUD_METHODS[self]


CRUD_METHODS = {
    Crud.CREATE: "POST",
    Crud.READ: "GET",
    Crud.UPDATE: "PUT",
    Crud.DELETE: "DELETE",
}


@frozen
class Named:
    """An operation beside the four, called as `?op=name`."""

    name: str
    method: str = "GET"


@frozen
class Noun:
    """A resource: its name in describe/, its path template below the root and what it is.

    `also` are further templates that lead to the same resource and are left out of describe/.
    """

    name: str
    path: str
    doc: str
    also: tuple[str, ...] = ()


Perform: TypeAlias = Callable[[Call, Any], Awaitable[Answer]]
"""Carries out a call with its parsed form."""


@frozen
class Operation:
    """One thing a client can do: with which noun, by whom, with which fields, and how."""

    noun: Noun
    action: Crud | Named
    role: Role
    perform: Perform
    doc: str
    form: type[Any] = Nothing

    @property
    def name(self) -> str:
        """The action's name: `read`, or what stands after `op=`."""
        return self.action.name if isinstance(self.action, Named) else self.action.value

    @property
    def op(self) -> str | None:
        """What stands after `?op=`; None for the four."""
        return self.action.name if isinstance(self.action, Named) else None

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.action.method

    @property
    def has_body(self) -> bool:
        """Whether the fields come in the body; else they come in the query."""
        return self.method in ("POST", "PUT")


class RouteError(Exception):
    """The registry contradicts itself; the message names the operation."""


@frozen
class Route:
    """An operation that was found, and what the path said."""

    operation: Operation
    path: Mapping[str, str]


class Registry:
    """All operations; refuses at start what could not be routed or has no role."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self.operations = tuple(operations)
        seen: set[tuple[str, str, str | None]] = set()
        for operation in self.operations:
            _check(operation)
            for template in (operation.noun.path, *operation.noun.also):
                key = (template, operation.method, operation.op)
                if key in seen:
                    raise RouteError(f"{operation.method} {template} op={operation.op} is twice")
                seen.add(key)

    def find(self, segments: tuple[str, ...], method: str, op: str | None) -> Route:
        """Find the operation for the decoded path segments below the root (the last one is "").

        Raises `UnknownPath`, `BadRequest` for an unknown `op`, `MethodNotAllowed`.
        """
        reached = tuple(self._reached(segments))
        if not reached:
            raise UnknownPath(ROOT + "/".join(segments))
        meant = tuple(route for route in reached if route.operation.op == op)
        if not meant and op is not None:
            raise BadRequest(f"op={op!r} is unknown here; {_names(reached)}.")
        for route in meant:
            if route.operation.method == method:
                return route
        allowed = meant or reached
        raise MethodNotAllowed(method, tuple(sorted({r.operation.method for r in allowed})))

    def _reached(self, segments: tuple[str, ...]) -> Iterable[Route]:
        for operation in self.operations:
            for template in (operation.noun.path, *operation.noun.also):
                found = _matched(template, segments)
                if found is not None:
                    yield Route(operation, found)


def path_parameters(template: str) -> tuple[str, ...]:
    """Name the parameters of a path template in order."""
    return tuple(part[1:-1] for part in template.split("/") if part.startswith("{"))


def _check(operation: Operation) -> None:
    where = f"{operation.noun.name}.{operation.name}"
    if not isinstance(operation.role, Role):
        raise RouteError(f"{where} has no role; say who may call it")
    for template in (operation.noun.path, *operation.noun.also):
        if not template.endswith("/") or template.startswith("/"):
            raise RouteError(f"{where}: {template!r} must end with a slash and not begin with one")


def _names(routes: tuple[Route, ...]) -> str:
    ops = sorted({route.operation.op for route in routes if route.operation.op})
    return f"use op={' or op='.join(ops)}" if ops else "this resource has none"


def _matched(template: str, segments: tuple[str, ...]) -> dict[str, str] | None:
    """Match segments with a template; a {parameter} takes one segment that is not empty."""
    parts = template.split("/")
    if len(parts) != len(segments):
        return None
    found: dict[str, str] = {}
    for part, segment in zip(parts, segments, strict=True):
        if part.startswith("{") and segment:
            found[part[1:-1]] = segment
        elif part != segment:
            return None
    return found
