"""What the machine must have before a lab can run on it, and what it has not."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
"""Where a host's programs are looked for, whatever the caller's PATH."""

PROGRAMS = {
    "bridge": "iproute2",
    "dhclient": "isc-dhcp-client",
    "dhcpd": "isc-dhcp-server",
    "ip": "iproute2",
    "jq": "jq",
    "nft": "nftables",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "unshare": "util-linux",
}
"""Program and the Debian package it comes in."""

MODULES = ("pypureomapi", "twisted")


def missing(path: str = SYSTEM_PATH) -> tuple[str, ...]:
    """Name everything a lab needs and this machine lacks, in words; empty when a lab can run.

    Programs are looked for in `path`.
    """
    root = () if os.geteuid() == 0 else ("root",)
    programs = tuple(
        f"program {name} (package {package})"
        for name, package in PROGRAMS.items()
        if shutil.which(name, path=path) is None
    )
    modules = tuple(f"Python module {name}" for name in MODULES if find_spec(name) is None)
    return (*root, *programs, *_postgres(), *_namespaces(), *modules)


def _postgres() -> tuple[str, ...]:
    found = any(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return () if found else ("program postgres (package postgresql)",)


def _namespaces() -> tuple[str, ...]:
    needed = ("net", "uts", "mnt", "pid", "ipc")
    lacking = [name for name in needed if not Path("/proc/self/ns", name).exists()]
    return tuple(f"kernel namespaces of kind {name}" for name in lacking)
