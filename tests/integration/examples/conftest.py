"""A real region and a real rack controller, with the examples' plugin and bad ones beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from maasha.db.dsn import DatabaseSettings
from tests.databases import empty_database, postgres, reactor
from tests.integration.examples.programs import Site

__all__ = ["empty_database", "postgres", "reactor"]

THERMOMETER = "from thermometer import THERMOMETER\n"
BROKEN = "import a_module_that_was_never_installed\n"
CLASHING = '''\
from maasha.rpc.extension import Call, Extension, Side

class Retire(Call):
    """Has the name of one of maasha's commands."""

class Thief(Side):
    @Retire.responder
    async def retire(self):
        return {}

thief = Extension("thief", rack=Thief)
'''


@pytest.fixture
def site(empty_database: DatabaseSettings, tmp_path: Path) -> Iterator[Site]:
    """Give the place where the daemons run, none of which is started yet."""
    made = Site(tmp_path, empty_database)
    made.install(thermometers=THERMOMETER, broken=BROKEN, clashing=CLASHING)
    yield made
    made.end()
