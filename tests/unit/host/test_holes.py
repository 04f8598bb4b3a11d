"""Holes in files."""

from __future__ import annotations

from pathlib import Path

from maasha.host.holes import BLOCK, data_from, punch


def test_a_hole_frees_blocks_and_moves_nothing(tmp_path: Path) -> None:
    """Size and what follows stay; whoever appends goes on behind."""
    path = tmp_path / "log"
    with path.open("ab") as stream:
        stream.write(b"x" * BLOCK * 64 + b"end")
        stream.flush()
        before = path.stat()
        punch(path, BLOCK * 63 + 7)
        stream.write(b"more")
    after = path.stat()
    assert after.st_size == before.st_size + 4
    assert after.st_blocks < before.st_blocks
    assert path.read_bytes()[BLOCK * 63 :] == b"x" * BLOCK + b"endmore"
    assert data_from(path, 0) == BLOCK * 63
    assert data_from(path, BLOCK * 63 + 5) == BLOCK * 63 + 5


def test_less_than_a_block_stays(tmp_path: Path) -> None:
    """Nothing would become free."""
    path = tmp_path / "log"
    path.write_bytes(b"x" * BLOCK)
    punch(path, BLOCK - 1)
    assert path.read_bytes() == b"x" * BLOCK


def test_nothing_but_a_hole(tmp_path: Path) -> None:
    """Its end is where data will be."""
    path = tmp_path / "log"
    path.write_bytes(b"")
    assert data_from(path, 0) == 0
    path.write_bytes(b"x" * BLOCK)
    punch(path, BLOCK)
    assert data_from(path, 0) == BLOCK
