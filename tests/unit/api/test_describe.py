from __future__ import annotations

from typing import Any

from maasha.api.describe import describe, digest
from maasha.api.registry import make_registry
from maasha.api.routes import Registry

ORIGIN = "http://region:5240"
DOCUMENT: Any = describe(make_registry(), ORIGIN)


def resource(name: str) -> Any:
    """Find a resource by its name."""
    (found,) = [each for each in DOCUMENT["resources"] if each["name"] == name]
    return found


def test_shape() -> None:
    """The document has MAAS's shape: two sides of each resource, actions with op and method."""
    assert set(DOCUMENT) == {"doc", "resources", "hash"}
    vlan = resource("VlanHandler")
    assert vlan["anon"] is None
    assert vlan["auth"]["path"] == "/MAAS/api/2.0/fabrics/{fabric_id}/vlans/{vid}/"
    assert vlan["auth"]["uri"] == ORIGIN + vlan["auth"]["path"]
    assert vlan["auth"]["params"] == ["fabric_id", "vid"]
    update = {each["name"]: each for each in vlan["auth"]["actions"]}["update"]
    assert update["op"] is None
    assert update["method"] == "PUT"
    assert update["restful"] is True
    assert "For administrators." in update["doc"]
    assert ":param primary_rack: (optional)" in update["doc"]


def test_named_operations() -> None:
    """An operation beside the four has its name as op and is not restful."""
    (whoami,) = [
        each for each in resource("UsersHandler")["auth"]["actions"] if each["name"] == "whoami"
    ]
    assert (whoami["op"], whoami["method"], whoami["restful"]) == ("whoami", "GET", False)


def test_open_operations() -> None:
    """What needs no key is on the anonymous side as well."""
    version = resource("VersionHandler")
    assert version["anon"]["actions"] == version["auth"]["actions"]


def test_required_fields() -> None:
    """A required field is documented without a word about its absence."""
    (create,) = [
        each for each in resource("IPRangesHandler")["auth"]["actions"] if each["name"] == "create"
    ]
    assert ":param start_ip: Its first address." in create["doc"]


def test_the_hash_is_of_what_is_offered() -> None:
    """The hash depends on the operations only, not on who asks."""
    registry = make_registry()
    assert DOCUMENT["hash"] == digest(registry)
    assert describe(registry, "https://other")["hash"] == DOCUMENT["hash"]
    assert digest(Registry(registry.operations[1:])) != DOCUMENT["hash"]


def test_each_noun_once() -> None:
    """No resource is listed twice."""
    names = [each["name"] for each in DOCUMENT["resources"]]
    assert len(names) == len(set(names))
