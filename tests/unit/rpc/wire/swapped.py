"""Runs Twisted's own tests of AMP with our class in place of amp.AMP, in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from twisted.protocols import amp
from twisted.trial import runner
from twisted.trial.reporter import MinimalReporter

from maasha.rpc.wire import AMP


def main() -> None:
    """Run them all and print the sums and what failed."""
    amp.AMP = AMP  # type: ignore[misc]  # this is what the program is for
    from twisted.test import test_amp  # noqa: PLC0415  # it takes the class when it is imported

    suite = runner.TestLoader().loadModule(test_amp)
    with TemporaryDirectory() as folder:
        found: Any = runner.TrialRunner(
            MinimalReporter, workingDirectory=str(Path(folder) / "run")
        ).run(suite)
    bad = [*found.failures, *found.errors]
    sys.stdout.write(f"\nran {found.testsRun} bad {len(bad)} skipped {len(found.skips)}\n")
    for test, failure in bad:
        sys.stdout.write(f"{test.id()}: {failure}\n")


if __name__ == "__main__":
    main()
