"""Small files are the old text or the new one, never half of it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from maasha.host.files import (
    PLAIN_MODE,
    SECRET_MODE,
    read_text,
    remove,
    require_writable,
    write_atomic,
)


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """Give a file in a folder that is not there yet, under a loose umask."""
    before = os.umask(0)
    yield tmp_path / "new" / "file"
    os.umask(before)


def test_a_file_comes_with_its_folder(path: Path) -> None:
    """And is read back without the white space around it."""
    write_atomic(path, "text\n")
    assert path.read_text() == "text\n"
    assert read_text(path) == "text"
    assert stat.S_IMODE(path.stat().st_mode) == PLAIN_MODE


def test_a_secret_is_never_readable_by_all(path: Path) -> None:
    """Also where the file was readable before, or a draft was left behind."""
    write_atomic(path, "public\n")
    path.with_name("file.new").write_text("left")
    path.with_name("file.new").chmod(0o666)
    write_atomic(path, "secret\n", SECRET_MODE)
    assert stat.S_IMODE(path.stat().st_mode) == SECRET_MODE
    assert [found.name for found in path.parent.iterdir()] == ["file"]


def test_a_write_that_fails_leaves_the_old_text(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, or a power cut before the text is safe, costs nothing."""
    write_atomic(path, "old\n")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(path, "new\n")
    assert path.read_text() == "old\n"


def test_a_reader_sees_one_text_throughout(path: Path) -> None:
    """Who has the file open goes on in the old one."""
    write_atomic(path, "old\n")
    with path.open() as reading:
        write_atomic(path, "new\n")
        assert reading.read() == "old\n"


def test_no_file_is_no_text(path: Path) -> None:
    """Nor is it an error to remove what is not there."""
    assert read_text(path) is None
    remove(path)
    write_atomic(path, "text\n")
    remove(path)
    assert read_text(path) is None


def test_a_folder_in_the_way_is_an_error(path: Path) -> None:
    """What cannot be read is not the same as what is not there."""
    path.mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        read_text(path)


def test_a_file_that_can_be_written_is_left_as_it_is(path: Path) -> None:
    """The question makes the folder, and nothing in it."""
    require_writable(path)
    assert list(path.parent.iterdir()) == []
    write_atomic(path, "text\n")
    require_writable(path)
    assert [found.name for found in path.parent.iterdir()] == ["file"]
    assert read_text(path) == "text"


def test_what_cannot_be_written_is_known_before(path: Path) -> None:
    """A folder in the file's place, or a file in the folder's."""
    write_atomic(path, "text\n")
    for wrong in (path.parent, path / "below"):
        with pytest.raises(OSError, match=r"directory|exists"):
            require_writable(wrong)
