"""dhcpd's refusal made readable: its own words and the lines they are about, numbered."""

from __future__ import annotations

import re
from collections.abc import Iterator

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


def listing(said: str, config: str) -> str:
    """Give the complaints in `said` (dhcpd's stderr) and the lines of `config` they name.

    Errors of meaning, as a range outside its subnet, have no line. Secrets are blotted out.
    """
    words = [PLACE.sub(r"line \2: ", line) for line in said.splitlines()]
    words = [line.rstrip() for line in words if line.strip() and not NOISE.match(line)]
    places = {int(match[2]) for line in said.splitlines() if (match := PLACE.match(line))}
    shown = [*words, *_numbered(config.splitlines(), places)]
    return SECRET.sub(r'\1"***"', "\n".join(shown[:MAX_LINES]))


def _numbered(lines: list[str], places: set[int]) -> Iterator[str]:
    near = {place + step for place in places for step in range(-CONTEXT, CONTEXT + 1)}
    for number, line in enumerate(lines, start=1):
        if number in near:
            yield f"{'>' if number in places else ' '}{number:5} {line}"
