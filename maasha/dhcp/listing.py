"""dhcpd's refusal made readable: its own words and the lines they are about, numbered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

HOSTS = "the file of hosts"
"""What stands for its path."""
CONTEXT = 2
"""Lines shown before and after each offending one."""
MAX_LINES = 120
"""Of a listing; the first errors are the ones that matter."""

NOISE = re.compile(
    r"Internet Systems Consortium|Copyright|All rights reserved|For info, please|"
    r"If you think you have|than a configuration issue|bugs on either|before submitting a bug|"
    r"process and the information|exiting\.$|Config file:|Database file:|PID file:|"
    r"Configuration file errors encountered|Wrote \d+ "
)
PLACE = re.compile(r"^(\S+) line (\d+): ")
SECRET = re.compile(r'(secret\s+)"?[^";]*"?')


def listing(said: str, config: str, hosts: Path | None = None) -> str:
    """Give the complaints in `said` (dhcpd's stderr) and the lines of `config` they name.

    Those about the file of hosts that `config` includes name that file and no line of `config`.
    Errors of meaning, as a range outside its subnet, have no line. Secrets are blotted out.
    """
    words: list[str] = []
    places: set[int] = set()
    for line in map(str.rstrip, said.splitlines()):
        match = PLACE.match(line)
        if match and match[1] != str(hosts):
            words.append(f"line {match[2]}: {line[match.end() :]}")
            places.add(int(match[2]))
        elif line and not NOISE.match(line):
            words.append(line)
    if hosts is not None:
        words = [line.replace(str(hosts), HOSTS) for line in words]
    shown = [*words, *_numbered(config.splitlines(), places)]
    return SECRET.sub(r'\1"***"', "\n".join(shown[:MAX_LINES]))


def _numbered(lines: list[str], places: set[int]) -> Iterator[str]:
    near = {place + step for place in places for step in range(-CONTEXT, CONTEXT + 1)}
    for number, line in enumerate(lines, start=1):
        if number in near:
            yield f"{'>' if number in places else ' '}{number:5} {line}"
