"""Users of the machine that programs on a host can be run as."""

import pwd


def becoming(user: str) -> list[str]:
    """Return the options by which setpriv(1) becomes this user; raise KeyError without one."""
    entry = pwd.getpwnam(user)
    return ["--reuid", str(entry.pw_uid), "--regid", str(entry.pw_gid), "--init-groups"]


def first_of(*users: str) -> str:
    """Return the first of these users that exists; raise KeyError when none does."""
    known = {entry.pw_name for entry in pwd.getpwall()}
    for user in users:
        if user in known:
            return user
    raise KeyError(users)
