"""PID 1 of a simulated host: gives it /proc, /sys, /run and /dev/shm of its own, reaps orphans.

Started by `lab.host` under `unshare` as `python -I -S anchor.py NAME DIRECTORY`.  When everything
is in place it writes one line to stdout: its process id as the machine sees it.  A creator that
died in the meantime makes that write fail, and a failed anchor ends the host.
"""

import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys
from pathlib import Path

STATE = Path("/run/lab")
"""Where a host finds its own state directory: short, and reachable for every user."""

MS_BIND = 0x1000
"""`mount(2)`: show a directory at a second place."""

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1
"""`netdevice(7)`: read and write an interface's flags."""


def mount(source: str, target: Path, kind: str, flags: int = 0, options: str = "") -> None:
    """Call `mount(2)`; raise OSError when the kernel refuses."""
    libc = ctypes.CDLL(None, use_errno=True)
    arguments = (source.encode(), os.fsencode(target), kind.encode(), flags, options.encode())
    if libc.mount(*arguments) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), str(target))


def raise_loopback() -> None:
    """Bring `lo` up, as every machine has it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        answer = fcntl.ioctl(control, SIOCGIFFLAGS, struct.pack("16sh22x", b"lo", 0))
        flags: int = struct.unpack("16sh22x", answer)[1]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | IFF_UP))


def furnish(name: str, directory: str) -> None:
    """Make the new namespaces look like a machine of their own."""
    socket.sethostname(name)
    mount("proc", Path("/proc"), "proc")
    mount("sysfs", Path("/sys"), "sysfs")
    mount("tmpfs", Path("/run"), "tmpfs", options="mode=755")
    mount("tmpfs", Path("/dev/shm"), "tmpfs", options="mode=1777")  # noqa: S108 - is a mount point
    STATE.mkdir()
    mount(directory, STATE, "", MS_BIND)
    raise_loopback()


def reap() -> None:
    """Collect every child that has ended."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return


def main(name: str, directory: str) -> None:
    """Furnish the host, say so, and stay until killed."""
    seen_outside = Path("/proc/self").readlink()  # /proc is still the machine's
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    furnish(name, directory)
    os.write(sys.stdout.fileno(), f"{seen_outside}\n".encode())
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    while True:
        signal.sigwait({signal.SIGCHLD})
        reap()


if __name__ == "__main__":
    main(*sys.argv[1:])
