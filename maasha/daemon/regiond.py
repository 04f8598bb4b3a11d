"""`twistd maasha-regiond`: the region's master, put together from regiond.conf."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from twisted.application.service import IService
from twisted.internet.base import ReactorBase
from twisted.python import usage

from maasha.config import parse_regiond
from maasha.db.shares import TooManyWorkers, shares
from maasha.host.clock import steady
from maasha.host.daemons import load, refuse
from maasha.region.commands import DEFAULT_CONFIG, config_path
from maasha.region.master import Master, MasterReactor, WorkerCommand


class Options(usage.Options):
    """Command line of the plugin."""

    synopsis = "[--config FILE]"
    optParameters = [
        ["config", "c", None, f"path of regiond.conf [default: {DEFAULT_CONFIG}]", Path]
    ]


def makeService(options: dict[str, Any]) -> IService:
    """Build the master; ends with status 78 where the configuration cannot work."""
    from twisted.internet import reactor  # noqa: PLC0415  the composition root, and only it

    steady(cast(ReactorBase, reactor))
    path = (options["config"] or config_path()).absolute()
    settings = load(path, parse_regiond)
    try:
        shares(settings.num_workers)
    except TooManyWorkers as error:
        refuse(f"{path}: {error}")
    command = WorkerCommand(path, settings.num_workers)
    return Master(cast(MasterReactor, reactor), command, settings.port)
