"""What both daemons do at their start: read a configuration file or say all that is wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeVar

from maasha.config import ConfigurationErrors

Settings = TypeVar("Settings")

CONFIGURATION_ERROR = 78
"""Exit status EX_CONFIG (sysexits.h): no restart will mend it."""


def load(path: Path, parse: Callable[[str], Settings]) -> Settings:
    """Read and parse a file; ends the process with status 78 where it is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        refuse(f"{path}: {error.strerror}; see the samples in conf/")
    except UnicodeDecodeError as error:
        refuse(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})")
    try:
        return parse(text)
    except ConfigurationErrors as errors:
        refuse(errors.listing(f"{path}:"))


def refuse(message: str) -> NoReturn:
    """Say why the daemon does not start, and end with status 78."""
    print(message, file=sys.stderr, flush=True)
    raise SystemExit(CONFIGURATION_ERROR)
