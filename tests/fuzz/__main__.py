"""`python -m tests.fuzz TARGET SECONDS`: look for cases with atheris, and keep what is found.

The corpus grows in .run/fuzz; a case that breaks something is written to tests/fuzz/corpus, where
the unit tests replay it ever after.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["maasha.rpc", "twisted.protocols.amp"]):
    from tests.fuzz.targets import TARGETS

FOUND = Path(__file__).parent / "corpus"
GROWN = Path(__file__).parents[2] / ".run" / "fuzz"
LONGEST = 20_000
"""Bytes of a case: more than a stranger may send."""


def main(target: str, seconds: str) -> None:
    """Fuzz one target; libFuzzer ends the process."""
    grown = GROWN / target
    grown.mkdir(parents=True, exist_ok=True)
    argv = [
        sys.argv[0],
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST}",
        "-timeout=20",
        f"-artifact_prefix={FOUND / target}/",
        str(grown),
        str(FOUND / target),
    ]
    atheris.Setup(argv, TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
