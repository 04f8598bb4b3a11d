"""A describe/ document as a region gives it, cut down to what the tests call."""

from __future__ import annotations

from collections.abc import Sequence

ROOT = "/MAAS/api/2.0/"
CRUD = {"create": "POST", "read": "GET", "update": "PUT", "delete": "DELETE"}


def resource(name: str, path: str, actions: str, doc: str = "") -> dict[str, object]:
    """Describe a resource; actions beside the four have their method as `name:METHOD`."""
    side = {
        "name": name,
        "doc": doc or f"What {name} is.\nMore of it.",
        "path": ROOT + path,
        "uri": "http://elsewhere" + ROOT + path,
        "params": [part[1:-1] for part in path.split("/") if part.startswith("{")],
        "actions": [action(word) for word in actions.split()],
    }
    return {"name": name, "anon": None, "auth": side}


def action(word: str) -> dict[str, object]:
    """Describe an action."""
    name, _, method = word.partition(":")
    return {
        "name": name,
        "op": name if method else None,
        "method": method or CRUD[name],
        "restful": not method,
        "doc": f"Does {name}.\n:param x: an x",
    }


RESOURCES = (
    resource("RackControllerHandler", "rackcontrollers/{system_id}/", "read update delete"),
    resource("RackControllersHandler", "rackcontrollers/", "read is_registered:GET"),
    resource("VlanHandler", "fabrics/{fabric_id}/vlans/{vid}/", "read update delete"),
    resource("SubnetsHandler", "subnets/", "create read"),
    resource("SubnetHandler", "subnets/{id}/", "read update delete"),
    resource("FabricsHandler", "fabrics/", "create read"),
    resource("IPRangesHandler", "ipranges/", "create read"),
    resource("IPRangeHandler", "ipranges/{id}/", "read update delete"),
    resource("UsersHandler", "users/", "read whoami:GET"),
    resource("ClusterHandler", "cluster/", "read"),
    resource("AccountHandler", "account/", "create_authorisation_token:POST"),
)


def document(resources: Sequence[object] = RESOURCES, hash_: str = "h1") -> dict[str, object]:
    """Give a whole document."""
    return {"doc": "An API", "resources": list(resources), "hash": hash_}
