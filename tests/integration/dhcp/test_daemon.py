"""Finding dhcpd again, and programs in its place that do not come up."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from maasha.dhcp import daemon as module
from maasha.dhcp.daemon import Dhcpd
from maasha.dhcp.errors import StartFailed
from maasha.dhcp.folder import Folder
from maasha.dhcp.plan import EMPTY
from maasha.model.dhcp import SOLO
from tests.integration.dhcp.rack import Rack
from tests.integration.dhcp.wire import plan_for
from tests.unit.dhcp.real import asynchronous, reactor

pytestmark = pytest.mark.root

ALONE = plan_for(SOLO)


def dhcpd_of(rack: Rack, program: Path = module.PROGRAM) -> tuple[Dhcpd, Folder]:
    """Give what starts dhcpd on the rack's files."""
    folder = Folder(rack.directory, lambda: "store-1")
    return Dhcpd(reactor, rack.pool, folder, program), folder


@asynchronous
async def test_only_our_own_dhcpd_is_taken_over(here: Rack) -> None:
    """Pid, start time, arguments and plan all have to be the ones of the last start."""
    await here.server.apply(ALONE)
    dhcpd, folder = dhcpd_of(here)
    ours = folder.identity()
    assert ours is not None
    taken = dhcpd.adopt(ALONE)
    assert taken is not None
    taken.release()
    assert dhcpd.adopt(EMPTY) is None
    for other in (evolve(ours, started=ours.started + 1), evolve(ours, pid=2**22 + 1), None):
        folder.keep_identity(other)
        assert dhcpd.adopt(ALONE) is None
    folder.keep_identity(evolve(ours, pid=1, started=0))
    assert dhcpd.adopt(ALONE) is None


@asynchronous
async def test_a_pid_that_is_somebody_elses_is_left_alone(here: Rack) -> None:
    """After a reboot the pid may be anybody's; dhcpd is started anew beside it."""
    await here.server.apply(ALONE)
    (pid,) = here.pids()
    _, folder = dhcpd_of(here)
    ours = folder.identity()
    assert ours is not None
    await here.server.release()
    folder.keep_identity(evolve(ours, started=ours.started + 1))
    after = here.successor()
    assert (await after.server.resume()).serving
    assert pid not in here.pids()
    assert len(here.pids()) == 1
    await after.server.release()


@asynchronous
async def test_without_dhcpd_a_start_fails(here: Rack) -> None:
    """The reason names the program."""
    dhcpd, _ = dhcpd_of(here, here.directory / "missing")
    with pytest.raises(StartFailed, match="missing cannot be run"):
        await dhcpd.start(ALONE)


@asynchronous
async def test_a_dhcpd_that_does_not_come_up_is_stopped(
    here: Rack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the deadline its last words are told, and nothing of it runs on."""
    monkeypatch.setattr(module, "UP_DEADLINE", 0.2)
    here.directory.mkdir(exist_ok=True)
    program = here.directory / "dhcpd"
    program.write_text("#!/bin/sh\necho I am thinking >&2\nexec sleep 600\n")
    program.chmod(0o755)
    dhcpd, folder = dhcpd_of(here, program)
    with pytest.raises(StartFailed, match=r"not up within 0\.2 s") as failure:
        await dhcpd.start(ALONE)
    assert failure.value.words == "I am thinking"
    identity = folder.identity()
    assert identity is not None
    assert not Path(f"/proc/{identity.pid}").exists()
