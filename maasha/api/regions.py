"""regioncontrollers/: the regions."""

from __future__ import annotations

from maasha.api.answers import Answer, ok
from maasha.api.controller_shapes import region_json
from maasha.api.errors import NotFound
from maasha.api.forms import Nothing
from maasha.api.routes import Crud, Noun, Operation, Role
from maasha.api.services import Call
from maasha.db.overview import overview

REGIONS = Noun("RegionControllersHandler", "regioncontrollers/", "The region controllers.")
REGION = Noun("RegionControllerHandler", "regioncontrollers/{system_id}/", "A region controller.")


async def list_regions(call: Call, _: Nothing) -> Answer:
    """List the regions by host name."""
    return ok([region_json(region) for region in (await call.read(overview)).regions])


async def read_region(call: Call, _: Nothing) -> Answer:
    """Show one."""
    for region in (await call.read(overview)).regions:
        if region.system_id == call.path["system_id"]:
            return ok(region_json(region))
    raise NotFound("RegionController")


OPERATIONS = (
    Operation(REGIONS, Crud.READ, Role.USER, list_regions, "List the regions."),
    Operation(REGION, Crud.READ, Role.USER, read_region, "Read a region."),
)
