"""Takes the keys of a file one by one and gathers everything that is wrong with them."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TypeVar

from attrs import evolve

from maasha.config.document import Entry, read
from maasha.config.problems import ConfigurationErrors, Problem, Wrong
from maasha.config.values import Parse

T = TypeVar("T")

_FROM_MAAS = {
    "debug": "remove it: maasha logs one line per change of state",
    "cluster_uuid": "remove it: the region names the rack",
    "max_rpc_connections": "write 'connections'",
    "max_idle_rpc_connections": "write 'connections'",
    "rpc_keepalive": "remove it: maasha keeps its connections",
    "tftp_port": "remove it: maasha has no TFTP server",
    "tftp_root": "remove it: maasha has no TFTP server",
    "database_conn_max_age": "remove it: maasha keeps its connections",
}
"""Keys that a file written for MAAS may have, and what to do with them here."""


class Reader:
    """The keys of one file. Every `take` adds to what is known; `finish` tells what was wrong."""

    def __init__(self, text: str) -> None:
        self._entries: dict[str, Entry] = {entry.key: entry for entry in read(text)}
        self._known: list[str] = []
        self._problems: list[Problem] = []

    def take(self, key: str, parse: Parse[T], default: T) -> T:
        """Give the meaning of a key's value, or the default if it is absent or wrong."""
        self._known.append(key)
        if key not in self._entries:
            return default
        try:
            return parse(self._entries[key].value)
        except Wrong as wrong:
            self._problems += [evolve(problem, key=key) for problem in wrong.problems]
            return default

    def refuse(self, key: str, what: str, mend: str) -> None:
        """Note what is wrong with a key seen together with the others."""
        line = self._entries[key].line if key in self._entries else 1
        self._problems.append(Problem(line, key, "", what, mend))

    def finish(self) -> None:
        """Raise `ConfigurationErrors` with all that was found, unknown keys included."""
        unknown = [e for e in self._entries.values() if e.key not in self._known]
        problems = [*self._problems, *map(self._unknown, unknown)]
        if problems:
            raise ConfigurationErrors(problems)

    def _unknown(self, entry: Entry) -> Problem:
        if entry.key in _FROM_MAAS:
            return Problem(entry.line, entry.key, "", "is a key of MAAS", _FROM_MAAS[entry.key])
        close = get_close_matches(entry.key, self._known, n=1)
        mend = f"did you mean {close[0]}?" if close else f"known are {', '.join(self._known)}"
        return Problem(entry.line, entry.key, "", "is not a key", mend)
