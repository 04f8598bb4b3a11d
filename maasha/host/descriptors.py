"""How many connections a process may have: as many as the host's administrator lets it."""

from __future__ import annotations

import resource


def allow_all() -> int:
    """Raise the soft limit of open files to the hard one, and give it.

    The usual soft limit is 1,024, made for programs that use select(2); a worker takes more racks,
    and a rack that watches some hundred VLANs has two or more for each.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most
