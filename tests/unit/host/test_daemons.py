"""A daemon reads its file or says all that is wrong with it, and ends with status 78."""

from __future__ import annotations

from pathlib import Path

import pytest

from maasha.config import RackdSettings, parse_rackd
from maasha.host.daemons import CONFIGURATION_ERROR, load


def refused(path: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Load a wrong file; give the lines that are said."""
    with pytest.raises(SystemExit) as ended:
        load(path, parse_rackd)
    assert ended.value.code == CONFIGURATION_ERROR == 78
    return capsys.readouterr().err.splitlines()


def test_a_right_file_is_read(tmp_path: Path) -> None:
    """As UTF-8, whatever the locale."""
    path = tmp_path / "rackd.conf"
    path.write_text("# Größe\nconnections: 3\n", encoding="utf-8")
    assert load(path, parse_rackd) == RackdSettings(connections=3)


def test_all_that_is_wrong_is_said_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each with file and line, in the form that editors jump to."""
    path = tmp_path / "rackd.conf"
    path.write_text("conections: 3\nmaas_url: ftp://region\nrpc_timeout: soon\n")
    lines = refused(path, capsys)
    assert [line.partition(": ")[0] for line in lines] == [f"{path}:{n}" for n in (1, 2, 3)]


def test_a_missing_file_leads_to_the_samples(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """There they are explained."""
    (line,) = refused(tmp_path / "rackd.conf", capsys)
    assert line == f"{tmp_path}/rackd.conf: No such file or directory; see the samples in conf/"


def test_a_file_that_is_no_text_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the place of the first wrong byte."""
    path = tmp_path / "rackd.conf"
    path.write_bytes(b"# Gr\xf6\xdfe\n")
    (line,) = refused(path, capsys)
    assert line.startswith(f"{path}: not UTF-8 text (")
    assert line.endswith("at byte 4)")
