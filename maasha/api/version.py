"""version/: what runs here."""

from __future__ import annotations

from maasha.api.answers import Answer, ok
from maasha.api.forms import Nothing
from maasha.api.routes import Crud, Noun, Operation, Role
from maasha.api.services import Call

VERSION = Noun("VersionHandler", "version/", "What this region runs.")


async def read_version(call: Call, _: Nothing) -> Answer:
    """Tell version and instance; `capabilities` are MAAS's and none of them is here."""
    return ok(
        {
            "version": call.services.version,
            "subversion": "",
            "capabilities": [],
            "instance": str(call.services.instance),
        }
    )


OPERATIONS = (
    Operation(VERSION, Crud.READ, Role.ANYONE, read_version, "Read version and instance."),
)
