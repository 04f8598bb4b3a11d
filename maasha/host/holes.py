"""Gives the blocks of a file's consumed beginning back to the filesystem (fallocate(2))."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

KEEP_SIZE, PUNCH_HOLE = 0x01, 0x02
BLOCK = 4096
"""Bytes; of less than a block nothing becomes free."""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)


def punch(path: Path, end: int) -> None:
    """Free the first `end` bytes, which read as zeros then; raises OSError.

    EOPNOTSUPP: the filesystem cannot. Size and offsets stay, so whoever appends is not disturbed.
    """
    length = end - end % BLOCK
    if length <= 0:
        return
    descriptor = os.open(path, os.O_RDWR)
    try:
        if _libc.fallocate(descriptor, KEEP_SIZE | PUNCH_HOLE, 0, length) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(path))
    finally:
        os.close(descriptor)


def data_from(path: Path, start: int) -> int:
    """Give the first offset from `start` on where there is something but a hole; or the size."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.lseek(descriptor, start, os.SEEK_DATA)
    except OSError:
        return os.fstat(descriptor).st_size  # ENXIO: nothing but a hole is left
    finally:
        os.close(descriptor)
