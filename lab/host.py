"""A simulated host: namespaces held by an anchor process, and programs run inside them."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import attrs

from lab import anchor
from lab.account import becoming
from lab.deadline import until
from lab.process import Process, ProcessId, first_child, neighbours

PROJECT = Path(__file__).resolve().parent.parent
"""The folder that holds the packages; every Python program of a host finds them there."""

READY_TIMEOUT = 10.0
"""Seconds an anchor may take; it takes 0.03 on an idle machine."""

NAMESPACES = ("--net", "--uts", "--mount", "--ipc", "--pid")
"""What a host has of its own; IPC so that a killed PostgreSQL leaves no shared memory behind."""

TIED = ("setpriv", "--pdeathsig", "KILL", "--")
"""Prefix of a program that ends with the thread that started it, or with its parent."""

WAITING = ("timeout", "--foreground", "0")
"""What stays outside a host and waits for a program inside, here without any time limit.

It forks the program into the PID namespace, passes signals on, ends as the program ends (by the
same signal), and unlike a forking `nsenter` does not stop when the program is stopped: a stopped
parent reaps nothing, and an anchor cannot end while somebody in its namespace is not reaped.
"""

ON_THE_WAY = frozenset(("", "nsenter", "timeout", "env", "setpriv"))
"""What a process calls itself before it has become the program it was started for."""


@attrs.frozen
class CommandFailed(Exception):
    """A program on a host ended with a status other than zero (negative: killed by that signal)."""

    host: str
    argv: tuple[str, ...]
    status: int
    stdout: str
    stderr: str

    def __str__(self) -> str:
        """Show the command and all it said."""
        return f"{self.host}: {' '.join(self.argv)} -> {self.status}\n{self.stdout}{self.stderr}"


@attrs.frozen
class NoSuchProcess(LookupError):
    """No process of the host fits what was asked for."""

    host: str
    wanted: str

    def __str__(self) -> str:
        """Name the host and the pattern."""
        return f"{self.host} has no process that matches {self.wanted!r}"


@attrs.frozen(eq=False)
class HostProcess:
    """A program started on a host; `entrance` waits for it outside.

    `id` is the program itself, with its number as the machine sees it; None when it had ended
    before it could be looked at.
    """

    entrance: subprocess.Popen[str]
    id: ProcessId | None

    @classmethod
    def arrived(cls, entrance: subprocess.Popen[str], name: str) -> "HostProcess":
        """Wait until the program `name` runs inside, or has ended."""
        arrived: list[ProcessId] = []  # asked once: it may just be becoming the next program

        def here() -> bool:
            arrived.extend(filter(None, [_program(entrance, name)]))
            return bool(arrived) or entrance.poll() is not None

        until(here, name, timeout=10.0)
        return cls(entrance, arrived[0] if arrived else None)

    @property
    def stdin(self) -> IO[str]:
        """The program's input, where it was started by `Host.converse`."""
        assert self.entrance.stdin is not None
        return self.entrance.stdin

    @property
    def stdout(self) -> IO[str]:
        """The program's output, where it was started by `Host.converse`."""
        assert self.entrance.stdout is not None
        return self.entrance.stdout

    def running(self) -> bool:
        """Tell whether the program still runs."""
        return self.entrance.poll() is None

    def wait(self, timeout: float) -> int:
        """Return the exit status; raise `subprocess.TimeoutExpired` after `timeout` seconds."""
        return self.entrance.wait(timeout)

    def end(self, signum: signal.Signals = signal.SIGTERM, timeout: float = 5.0) -> int:
        """Signal the program if it still runs, wait for its end, return its exit status."""
        if self.id is not None:
            self.id.signal(signum)
        for pipe in (self.entrance.stdin, self.entrance.stdout):
            if pipe is not None:
                pipe.close()
        return self.wait(timeout)


@attrs.frozen(eq=False)
class Host:
    """A machine of the lab.  Make one with `Lab.host`; it ends with its lab.

    `anchor` is its PID 1, `directory` its state on disk (inside the host also at `/run/lab`, where
    every user may go).  /run and /dev/shm are its own and empty; the rest is the machine's.
    """

    name: str
    directory: Path
    anchor: ProcessId
    detached: bool = False
    holder: subprocess.Popen[str] | None = None

    @classmethod
    def create(cls, name: str, directory: Path, *, detached: bool = False) -> "Host":
        """Start a host; unless `detached` it dies with the thread that calls this."""
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o755)
        unshare = ["unshare", *NAMESPACES, "--fork", "--kill-child=KILL", "--"]
        program = [sys.executable, "-I", "-S", anchor.__file__, name, str(directory)]
        complaints = directory / "anchor.log"
        with complaints.open("w") as errors:
            holder = subprocess.Popen(
                [*(() if detached else TIED), *unshare, *program],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=detached,
            )
        assert holder.stdout is not None
        with holder.stdout:
            line = holder.stdout.readline()
        identity = ProcessId.of(int(line)) if line else None
        if identity is None:
            status = holder.wait(READY_TIMEOUT)
            raise CommandFailed(name, tuple(program), status, line, complaints.read_text())
        return cls(name, directory, identity, detached, holder)

    @property
    def namespace(self) -> int:
        """The process id to hand to `ip link … netns` and `nsenter --target`."""
        return self.anchor.pid

    def command(
        self, argv: Sequence[str], *, cwd: Path | None = None, user: str | None = None
    ) -> list[str]:
        """Return the machine's command that runs `argv` on this host (as root, unless `user`)."""
        tie = () if self.detached else TIED
        enter = ["nsenter", "--target", str(self.namespace), *NAMESPACES, "--no-fork", "--"]
        drop = [] if user is None else ["setpriv", *becoming(user), "--"]
        place = ["env", "-C", str(cwd or self.directory)]
        return [*tie, *enter, *WAITING, *place, *drop, *tie, *argv]

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float = 10.0,
        check: bool = True,
        text: str = "",
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end with `text` as its input, and capture what it says.

        Raise `CommandFailed` on a status other than zero (unless `check` is False) and
        `subprocess.TimeoutExpired` after `timeout` seconds, when the program has been killed.
        """
        entrance = subprocess.Popen(
            self.command(argv, cwd=cwd, user=user),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(env),
        )
        done = _finish(entrance, text, timeout)
        if check and done.returncode != 0:
            raise CommandFailed(self.name, tuple(argv), done.returncode, done.stdout, done.stderr)
        return done

    def popen(
        self,
        argv: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: str | None = None,
    ) -> HostProcess:
        """Start a program that says what it has to say into `log`, appending."""
        with log.open("a") as output:
            entrance = subprocess.Popen(
                self.command(argv, cwd=cwd, user=user),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                env=environment(env),
                start_new_session=True,
            )
        return HostProcess.arrived(entrance, argv[0])

    def converse(
        self, argv: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None
    ) -> HostProcess:
        """Start a program whose stdin and stdout the caller holds; its stderr goes to `log`."""
        with log.open("a") as errors:
            entrance = subprocess.Popen(
                self.command(argv),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=environment(env),
            )
        return HostProcess.arrived(entrance, argv[0])

    def ip(self, *commands: str) -> None:
        """Run commands of `ip -batch` in the host's network, with the machine's process ids."""
        argv = ["nsenter", "--target", str(self.namespace), "--net", "ip", "-batch", "-"]
        text = "\n".join(commands)
        done = subprocess.run(
            argv, input=text, capture_output=True, text=True, check=False, timeout=READY_TIMEOUT
        )
        if done.returncode != 0:
            raise CommandFailed(self.name, commands, done.returncode, done.stdout, done.stderr)

    def processes(self, match: str = "") -> tuple[Process, ...]:
        """Return the host's processes whose argument vector contains `match`, oldest id first."""
        return tuple(process for process in neighbours(self.anchor.pid) if process.matches(match))

    def signal(self, target: str | int, signum: signal.Signals) -> tuple[Process, ...]:
        """Signal the process with this id, or all whose arguments contain this text.

        Return those that got it; raise `NoSuchProcess` when there was none.
        """
        wanted = [
            process
            for process in self.processes(target if isinstance(target, str) else "")
            if isinstance(target, str) or process.pid == target
        ]
        reached = tuple(process for process in wanted if process.id.signal(signum))
        if not reached:
            raise NoSuchProcess(self.name, str(target))
        return reached

    def kill(self) -> None:
        """Power off: every process of the host gets SIGKILL.  Returns at once; see `join`."""
        self.anchor.signal(signal.SIGKILL)

    def join(self, timeout: float = 10.0) -> None:
        """Wait until a killed host is gone; the kernel ends an anchor last of all."""
        until(lambda: not self.anchor.alive(), f"the end of host {self.name}", timeout=timeout)
        if self.holder is not None:
            self.holder.wait(timeout)


def _finish(
    entrance: subprocess.Popen[str], text: str, timeout: float
) -> subprocess.CompletedProcess[str]:
    """Wait for the end of a program; when it takes too long kill it, and raise.

    The program is killed, not its entrance: the machine's init, which would inherit it then, may
    take its time to reap, and so long the host could not end.
    """
    with entrance:
        try:
            stdout, stderr = entrance.communicate(text, timeout)
        except subprocess.TimeoutExpired:
            child = first_child(entrance.pid)
            identity = None if child is None else ProcessId.of(child)
            if identity is None or not identity.signal(signal.SIGKILL):
                entrance.kill()
            raise
        return subprocess.CompletedProcess(entrance.args, entrance.wait(timeout), stdout, stderr)


def _program(entrance: subprocess.Popen[str], name: str) -> ProcessId | None:
    """Return what the entrance waits for, once it is what it was started for."""
    pid = first_child(entrance.pid)
    process = None if pid is None else Process.of(pid)
    if process is None or (process.argv[0] in ON_THE_WAY and process.argv[0] != name):
        return None
    return process.id


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return what a host's program finds in its environment: nothing of the caller's own."""
    return {
        "PATH": os.pathsep.join(
            (str(Path(sys.executable).parent), "/usr/sbin", "/usr/bin", "/sbin", "/bin")
        ),
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(PROJECT),
        "PYTHONUNBUFFERED": "1",
        **(extra or {}),
    }
