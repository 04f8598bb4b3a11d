"""The logs of a rack's dhcpd, a new one for each start: `dhcpd-1.log`, `dhcpd-2.log` and so on.

`dhcpd.log` is a link to the newest, for people and for a unit of systemd, which has it appended to.
"""

from __future__ import annotations

import re
from pathlib import Path

NAME = re.compile(r"dhcpd-([0-9]{1,18})\.log")
NEWEST = "dhcpd.log"
OLD_KEPT = 2
"""Logs that stay behind the one that is read, for people to look at: the starts before this one."""


class Logs:
    """Names the logs in a folder; who reads them says when the old ones may go."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self) -> Path:
        """Make the log of the next start; raises OSError."""
        there = self.all()
        path = self._path(_number(there[-1].name) + 1 if there else 1)
        self._folder.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o640)
        self._point_to(path)
        return path

    def all(self) -> list[Path]:
        """Give those that are there, the oldest first."""
        found = [path for path in self._folder.glob("dhcpd-*.log") if NAME.fullmatch(path.name)]
        return sorted(found, key=lambda path: _number(path.name))

    def later(self, path: Path, name: str) -> bool:
        """Whether a log is of a later start than the one of this name."""
        return _number(path.name) > _number(name)

    def remove_before(self, name: str) -> None:
        """Remove those that came before this one, but the last few."""
        older = [path for path in self.all() if not self.later(path, name) and path.name != name]
        for path in older[:-OLD_KEPT]:
            path.unlink(missing_ok=True)

    def _point_to(self, path: Path) -> None:
        draft = self._folder / f"{NEWEST}.draft"
        draft.unlink(missing_ok=True)
        draft.symlink_to(path.name)
        draft.replace(self._folder / NEWEST)

    def _path(self, number: int) -> Path:
        return self._folder / f"dhcpd-{number}.log"


def _number(name: str) -> int:
    match = NAME.fullmatch(name)
    return int(match[1]) if match else 0
