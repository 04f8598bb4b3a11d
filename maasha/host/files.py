"""Small files that are either the old text or the new one, whatever dies in between."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SECRET_MODE = 0o640
PRIVATE_MODE = 0o600
PLAIN_MODE = 0o644


def write_atomic(path: Path, text: str, mode: int = PLAIN_MODE, *, durable: bool = True) -> None:
    """Replace `path` by `text` in one step that survives a power cut; make its folder.

    Where it is not `durable` it survives the end of this process, at a fraction of the cost.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        os.fchmod(stream.fileno(), mode)
        stream.write(text)
        if durable:
            stream.flush()
            os.fsync(stream.fileno())
    draft.replace(path)
    if durable:
        sync_folder(path.parent)


def require_writable(path: Path) -> None:
    """Raise OSError where `write_atomic` could not replace `path`; makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    draft = path.with_name(path.name + ".new")
    draft.touch(SECRET_MODE)
    draft.unlink()


def read_text(path: Path) -> str | None:
    """Give the file's text without the white space around it, None where there is no such file."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None


def remove(path: Path) -> None:
    """Make sure that no such file exists."""
    path.unlink(missing_ok=True)


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Keep other processes that ask the same out until the block ends (flock(2))."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, PRIVATE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
