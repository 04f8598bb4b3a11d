"""Our side of a unit of systemd, with a small program in systemctl's place.

It starts and stops a process as systemd would; it is no systemd, and these tests say nothing of
the unit file.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from maasha.dhcp import systemd
from maasha.dhcp.errors import StillRunning
from maasha.dhcp.family import IPV4, IPV6
from maasha.dhcp.proc import find
from maasha.dhcp.systemd import VARIABLE, Spawner, Unit, environment, systemctl
from tests.unit.dhcp.real import asynchronous, reactor

real: Any = reactor
UNITS = Path(__file__).parents[3] / "conf" / "systemd"

SUBSTITUTE = """\
#!{python}
import os, pathlib, signal, subprocess, sys
folder = pathlib.Path(__file__).parent
verb, unit = sys.argv[1:]
with (folder / "asked").open("a") as asked:
    asked.write(verb + " " + unit + "\\n")
if (folder / "broken").exists():
    sys.exit("no such unit")
pid = folder / "pid"
if verb == "start" and not (folder / "dead").exists():
    words = (folder / "environment").read_text().partition("=")[2].split()
    child = subprocess.Popen(["sleep", "600", *words[:0]], start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    pid.write_text(str(child.pid))
elif verb == "stop" and pid.exists():
    os.kill(int(pid.read_text()), signal.SIGKILL)
    pid.unlink()
"""


class Site:
    """A folder with the substitute and what it did."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = folder / "systemctl"
        self.program.write_text(SUBSTITUTE.format(python=sys.executable))
        self.program.chmod(0o755)
        self.environment = folder / "environment"
        self.unit = Unit(real, self.program, self.environment, self.running, UNIT)

    def running(self) -> int | None:
        """Give the process of the unit."""
        pid = self.folder / "pid"
        return int(pid.read_text()) if pid.exists() else None

    @property
    def asked(self) -> list[str]:
        """What systemctl was asked."""
        return (self.folder / "asked").read_text().splitlines()


UNIT = IPV4.unit


@pytest.fixture
def site(tmp_path: Path) -> Any:
    """Give one; what it started ends with the test."""
    made = Site(tmp_path)
    yield made
    pid = made.running()
    if pid is not None:
        os.kill(pid, signal.SIGKILL)


@asynchronous
async def test_a_unit_is_started_with_its_arguments(site: Site, tmp_path: Path) -> None:
    """They are on disk before; the process is watched though it is nobody's child here."""
    process = await site.unit.launch(("/usr/sbin/dhcpd", "-4", "eth0"), tmp_path / "log")
    assert site.environment.read_text() == f"{VARIABLE}=-4 eth0\n"
    assert site.asked == [f"start {UNIT}"]
    assert process.pid == site.running() == site.unit.pid_of(1)
    await process.stop()
    assert not process.running
    assert site.asked[1:] == [f"stop {UNIT}"]
    assert site.unit.take(process.pid) is None


@asynchronous
async def test_a_halted_unit_does_not_start_at_boot(site: Site, tmp_path: Path) -> None:
    """Its arguments are gone, which are its condition."""
    await site.unit.launch(("/usr/sbin/dhcpd", "-4"), tmp_path / "log")
    await site.unit.halt()
    assert not site.environment.exists()
    assert site.running() is None


@asynchronous
async def test_what_systemctl_refuses_is_an_error(site: Site, tmp_path: Path) -> None:
    """With its words; so is a unit that ends at once."""
    (site.folder / "dead").touch()
    with pytest.raises(OSError, match="ended at its start"):
        await site.unit.launch(("/usr/sbin/dhcpd", "-4"), tmp_path / "log")
    (site.folder / "broken").touch()
    with pytest.raises(OSError, match=r"systemctl start .*no such unit"):
        await site.unit.launch(("/usr/sbin/dhcpd", "-4"), tmp_path / "log")
    with pytest.raises(StillRunning):
        await site.unit.halt()


@asynchronous
async def test_by_itself_it_needs_nobody(tmp_path: Path) -> None:
    """A process in its own session is watched, taken and not started again by anybody."""
    spawner = Spawner(reactor)
    process = await spawner.launch(("/bin/sleep", "600"), tmp_path / "log")
    again = spawner.take(process.pid)
    assert again is not None
    again.release()
    await spawner.halt()
    assert spawner.pid_of(process.pid) == process.pid
    await process.stop()


@pytest.mark.parametrize("word", ["", "a b", 'a"b', "a\\b", "$HOME", "a\nb"])
def test_words_that_systemd_would_change_are_refused(word: str) -> None:
    """Rather than that dhcpd runs on other files."""
    with pytest.raises(OSError, match="use another data_dir"):
        environment(("-4", word))


def test_systemd_is_used_where_it_is_the_manager_and_has_the_unit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else dhcpd is started as ever."""
    program = tmp_path / "systemctl"
    monkeypatch.setattr(systemd, "BOOTED", tmp_path / "booted")
    monkeypatch.setattr(systemd, "UNITS", (tmp_path / "units",))
    monkeypatch.setattr(systemd, "PROGRAMS", (program,))
    assert systemctl(UNIT) is None
    (tmp_path / "booted").mkdir()
    (tmp_path / "units").mkdir()
    assert systemctl(UNIT) is None
    (tmp_path / "units" / UNIT).touch()
    assert systemctl(UNIT) is None
    program.touch()
    assert systemctl(UNIT) == program
    assert list(find(("no such words",))) == []


def test_the_unit_files_name_what_we_write() -> None:
    """The variable, the file, and that nothing binds dhcpd to rackd."""
    for name, family in ((IPV4.unit, "-4"), (IPV6.unit, "-6")):
        text = (UNITS / name).read_text()
        assert f"ExecStart=/usr/sbin/dhcpd ${VARIABLE}\n" in text
        assert "BindsTo" not in text
        assert "PartOf" not in text
        assert family in text
