"""A process takes all the open files that it may have."""

from __future__ import annotations

import resource

from maasha.host.descriptors import allow_all


def test_the_soft_limit_becomes_the_hard_one() -> None:
    """No more than that needs privileges."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 1024), hard))
    try:
        assert allow_all() == hard
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
