from __future__ import annotations

from contextlib import suppress
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maasha.api.answers import GONE, Answer
from maasha.api.errors import BadRequest, MethodNotAllowed, UnknownPath
from maasha.api.forms import Nothing
from maasha.api.registry import make_registry
from maasha.api.routes import (
    Crud,
    Named,
    Noun,
    Operation,
    Registry,
    Role,
    RouteError,
    path_parameters,
)
from maasha.api.services import Call

THINGS = Noun("ThingsHandler", "things/", "Things.")
THING = Noun("ThingHandler", "boxes/{box_id}/things/{id}/", "A thing.", also=("things/{id}/",))


async def perform(_call: Call, _form: Nothing) -> Answer:
    """Do nothing."""
    return GONE


LIST = Operation(THINGS, Crud.READ, Role.USER, perform, "List.")
COUNT = Operation(THINGS, Named("count"), Role.ANYONE, perform, "Count.")
SORT = Operation(THINGS, Named("sort", "POST"), Role.ADMIN, perform, "Sort.")
READ = Operation(THING, Crud.READ, Role.USER, perform, "Read.")
REGISTRY = Registry((LIST, COUNT, SORT, READ))


def find(path: str, method: str = "GET", op: str | None = None) -> Operation:
    """Find by a path in one piece."""
    return REGISTRY.find(tuple(path.split("/")), method, op).operation


def test_found() -> None:
    """Path, method and op name one operation."""
    assert find("things/") is LIST
    assert find("things/", op="count") is COUNT
    assert find("things/", "POST", "sort") is SORT
    assert find("things/3/") is READ


def test_path_parameters() -> None:
    """A template's parameters are what the path has in their places."""
    route = REGISTRY.find(("boxes", "1", "things", "2", ""), "GET", None)
    assert route.path == {"box_id": "1", "id": "2"}
    assert path_parameters(THING.path) == ("box_id", "id")


@pytest.mark.parametrize("path", ["things", "things/3", "things//", "else/", "", "things/3/4/"])
def test_unknown_paths(path: str) -> None:
    """A path that no template has, also one without its last slash, is unknown."""
    with pytest.raises(UnknownPath):
        find(path)


def test_missing_slash_is_explained() -> None:
    """The refusal of a path without its last slash shows the path with it."""
    with pytest.raises(UnknownPath, match=r"try /MAAS/api/2.0/things/$"):
        find("things")


def test_unknown_op() -> None:
    """An unknown op is refused with those that there are."""
    with pytest.raises(BadRequest, match="use op=count or op=sort"):
        find("things/", op="nope")
    with pytest.raises(BadRequest, match="has none"):
        find("things/3/", op="nope")


def test_wrong_method() -> None:
    """A wrong method is refused with those that are right."""
    with pytest.raises(MethodNotAllowed) as caught:
        find("things/3/", "DELETE")
    assert caught.value.allowed == ("GET",)
    with pytest.raises(MethodNotAllowed, match="use POST"):
        find("things/", "GET", "sort")
    with pytest.raises(MethodNotAllowed, match="GET or POST"):
        Registry((COUNT, SORT)).find(("things", ""), "PUT", None)


def test_a_route_without_role_does_not_start() -> None:
    """An operation that does not say who may call it is refused at start."""
    open_door = Operation(THINGS, Crud.READ, cast(Role, None), perform, "List.")
    with pytest.raises(RouteError, match="no role"):
        Registry((open_door,))


@pytest.mark.parametrize("path", ["/things/", "things"])
def test_templates_have_their_slashes(path: str) -> None:
    """A template begins without a slash and ends with one."""
    with pytest.raises(RouteError, match="must end with a slash"):
        Registry((Operation(Noun("A", path, ""), Crud.READ, Role.USER, perform, ""),))


def test_two_for_one() -> None:
    """Two operations for one request are refused at start."""
    with pytest.raises(RouteError, match="is twice"):
        Registry((LIST, LIST))


@pytest.mark.parametrize(
    ("crud", "method", "has_body"),
    [
        (Crud.CREATE, "POST", True),
        (Crud.READ, "GET", False),
        (Crud.UPDATE, "PUT", True),
        (Crud.DELETE, "DELETE", False),
    ],
)
def test_crud(crud: Crud, method: str, has_body: bool) -> None:
    """Each of the four has its method; two of them have a body."""
    operation = Operation(THINGS, crud, Role.USER, perform, "")
    assert (operation.method, operation.has_body) == (method, has_body)
    assert operation.name == crud.value
    assert operation.op is None


def test_everything_is_behind_a_key() -> None:
    """Only version/ is open to anyone, and every change but of ranges is for administrators."""
    operations = make_registry().operations
    anyone = [each.noun.path for each in operations if each.role is Role.ANYONE]
    assert anyone == ["version/"]
    changes = {each.noun.name for each in operations if each.method != "GET"}
    by_users = {e.noun.name for e in operations if e.method != "GET" and e.role is Role.USER}
    assert by_users == {"IPRangesHandler", "IPRangeHandler"} < changes


@given(st.lists(st.text(max_size=5), max_size=6), st.text(max_size=6), st.none() | st.text())
def test_any_request_is_routed_or_refused(path: list[str], method: str, op: str | None) -> None:
    """Any path, method and op finds an operation or a refusal."""
    with suppress(UnknownPath, BadRequest, MethodNotAllowed):
        make_registry().find(tuple(path), method, op)
