"""The document of describe/ in MAAS's shape, from which clients build their commands."""

from __future__ import annotations

from hashlib import sha256

from maasha.api.answers import Json, JsonObject, to_bytes
from maasha.api.forms import Parameter, Presence, parameters
from maasha.api.routes import ROOT, Operation, Registry, Role, path_parameters

DOC = "maasha's API"


def describe(registry: Registry, origin: str) -> JsonObject:
    """Describe every resource; `origin` is scheme, host and port as the client knows them."""
    nouns = dict.fromkeys(operation.noun for operation in registry.operations)
    resources: list[Json] = [
        _resource(tuple(each for each in registry.operations if each.noun == noun), origin)
        for noun in nouns
    ]
    return {"doc": DOC, "resources": resources, "hash": digest(registry)}


def digest(registry: Registry) -> str:
    """Hash what the document says, whoever asks (X-MAAS-API-Hash): clients refresh on a change."""
    resources: list[Json] = [_action(operation) for operation in registry.operations]
    paths: list[Json] = [operation.noun.path for operation in registry.operations]
    return sha256(to_bytes([resources, paths])).hexdigest()


def _resource(operations: tuple[Operation, ...], origin: str) -> JsonObject:
    open_to_all = tuple(each for each in operations if each.role is Role.ANYONE)
    return {
        "name": operations[0].noun.name,
        "anon": _side(open_to_all, origin) if open_to_all else None,
        "auth": _side(operations, origin),
    }


def _side(operations: tuple[Operation, ...], origin: str) -> JsonObject:
    noun = operations[0].noun
    return {
        "name": noun.name,
        "doc": noun.doc,
        "path": ROOT + noun.path,
        "uri": origin + ROOT + noun.path,
        "params": list(path_parameters(noun.path)),
        "actions": [_action(operation) for operation in operations],
    }


def _action(operation: Operation) -> JsonObject:
    return {
        "name": operation.name,
        "op": operation.op,
        "method": operation.method,
        "restful": operation.op is None,
        "doc": _doc(operation),
    }


def _doc(operation: Operation) -> str:
    lines = [operation.doc]
    if operation.role is Role.ADMIN:
        lines.append("For administrators.")
    lines.extend(_line(parameter) for parameter in parameters(operation.form))
    return "\n".join(lines)


def _line(parameter: Parameter) -> str:
    presence = "" if parameter.presence is Presence.REQUIRED else f" ({parameter.presence.value})"
    return f":param {parameter.name}:{presence} {parameter.doc}"
