"""Logs of one dhcpd after the other."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from maasha.dhcp import following as module
from maasha.dhcp.following import LogFiles
from maasha.dhcp.logs import Logs
from maasha.dhcp.spool_lines import Mark

LINE = "maasha-lease 10.0.0.{} 1:2:0:0:0:0:1 600 -\n"


def read(files: LogFiles) -> list[str]:
    """Read to the end; gives the addresses."""
    found, more = list[str](), True
    while more:
        words, more = files.read()
        found += [str(word.ip) for word in words]
    return found


def test_each_start_has_a_log_of_its_own(tmp_path: Path) -> None:
    """The highest number is the newest, also of ten and more."""
    logs = Logs(tmp_path / "dhcp")
    assert logs.all() == []
    paths = [logs.begin() for _ in range(11)]
    assert paths[-1].name == "dhcpd-11.log"
    (tmp_path / "dhcp" / "dhcpd-old.log").touch()
    assert logs.all() == paths
    logs.remove_before("dhcpd-11.log")
    assert logs.all() == paths[-3:]


def test_the_newest_log_has_a_name_that_stays(tmp_path: Path) -> None:
    """A unit of systemd appends to it, and people find it; a file of older versions gives way."""
    (tmp_path / "dhcpd.log").write_text("old")
    logs = Logs(tmp_path)
    for _ in range(2):
        path = logs.begin()
        with (tmp_path / "dhcpd.log").open("a") as log:
            log.write(f"{path.name}\n")
        assert path.read_text() == f"{path.name}\n"
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "dhcpd-1.log",
        "dhcpd-2.log",
        "dhcpd.log",
    ]


@pytest.mark.parametrize(
    ("mark", "found"),
    [
        (None, ["10.0.0.2", "10.0.0.5"]),
        (Mark("dhcpd-2.log", len(LINE.format(2))), ["10.0.0.5"]),
        (Mark("dhcpd-3.log", 0), ["10.0.0.5"]),
        (Mark("dhcpd-5.log", 10_000), ["10.0.0.5"]),
        (Mark("dhcpd-9.log", 0), ["10.0.0.2", "10.0.0.5"]),
    ],
    ids=["nothing read", "in a log", "a log that is gone", "a log cut shorter", "other logs"],
)
def test_reading_goes_on_from_a_mark(tmp_path: Path, mark: Mark | None, found: list[str]) -> None:
    """Where that is gone, with what came after it; with all where nothing did."""
    for number in (2, 5):
        (tmp_path / f"dhcpd-{number}.log").write_text(LINE.format(number))
    files = LogFiles(Logs(tmp_path))
    files.begin(mark)
    assert read(files) == found
    assert files.mark == Mark("dhcpd-5.log", len(LINE.format(5)))
    files.close()


def test_without_a_log_there_is_nothing_to_read(tmp_path: Path) -> None:
    """It is waited for."""
    files = LogFiles(Logs(tmp_path))
    files.begin(Mark("dhcpd-1.log", 7))
    assert (read(files), files.mark) == ([], None)
    files.release()
    (tmp_path / "dhcpd-1.log").write_text(LINE.format(1))
    assert read(files) == ["10.0.0.1"]
    files.close()


def test_a_filesystem_without_holes_is_asked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log grows until the next start then."""
    asked: list[int] = []

    def punch(_: Path, end: int) -> None:
        asked.append(end)
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(module, "punch", punch)
    monkeypatch.setattr(module, "KEPT", 100)
    monkeypatch.setattr(module, "STRIDE", 100)
    files, log = LogFiles(Logs(tmp_path)), tmp_path / "dhcpd-1.log"
    for _ in range(3):
        with log.open("a") as stream:
            stream.write(LINE.format(1) * 10)
        assert len(read(files)) == 10
        files.release()
    assert len(asked) == 1
    files.close()
