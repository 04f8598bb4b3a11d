"""A real PostgreSQL 15 for tests: its own folder, port and unprivileged user, gone afterwards."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg2
from attrs import define, field

from maasha.db.dsn import DatabaseSettings, Host

BINARIES = Path("/usr/lib/postgresql/15/bin")
ACCOUNT = "postgres"
"""PostgreSQL refuses to run as root; Debian's package makes this account."""
SUPERUSER = "postgres"
OWNER = "maasha"
"""An ordinary role that owns the test's databases: nothing may need a superuser."""
UP_WITHIN = 20.0
MAX_CONNECTIONS = 60
_numbers = itertools.count(1)
MEMORY = Path("/dev/shm")
ROOM = 2**30
"""Bytes; a cluster of the tests takes a tenth."""


@define
class Server:
    """One PostgreSQL cluster in its own folder; started, killed and started again by tests."""

    folder: Path
    port: int
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def data(self) -> Path:
        """The data directory (PGDATA)."""
        return self.folder / "data"

    def initialise(self) -> None:
        """Make the cluster and its ordinary role."""
        options = f"-U {SUPERUSER} -A trust -E UTF8 --locale=C.UTF-8 --no-sync".split()
        command = [str(BINARIES / "initdb"), "-D", str(self.data), *options]
        subprocess.run(demoted(command), check=True, capture_output=True)

    def start(self) -> None:
        """Start the postmaster and wait until it answers."""
        command = [str(BINARIES / "postgres"), "-D", str(self.data), "-p", str(self.port)]
        options: dict[str, object] = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self.folder,
            "max_connections": MAX_CONNECTIONS,
            # what stands in the page cache survives the death of every process
            "fsync": "off",
        }
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                demoted(command, die_with_us=True), stdout=log, stderr=log
            )
        self._await_answer()

    def kill(self) -> None:
        """SIGKILL the postmaster and wait until all its children have gone too."""
        assert self._process is not None
        children = _children(self._process.pid)
        self._process.kill()
        self._process.wait()
        _await(lambda: not any(_alive(child) for child in children), "its children are gone")

    def stop(self) -> None:
        """Stop fast (SIGINT) and wait."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(signal.SIGINT)
            self._process.wait(UP_WITHIN)

    def remove(self) -> None:
        """Stop and leave nothing."""
        self.stop()
        shutil.rmtree(self.folder)

    def freeze(self) -> None:
        """SIGSTOP the postmaster and its children: TCP lives, nobody answers."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT them."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        assert self._process is not None
        for pid in (self._process.pid, *_children(self._process.pid)):
            os.kill(pid, number)

    def ask(
        self, sql: str, *parameters: object, database: str = "postgres"
    ) -> list[tuple[object, ...]]:
        """Run one statement as superuser, in autocommit."""
        connection = psycopg2.connect(self._login(database, SUPERUSER))
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters or None)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def create(self, template: str = "template0") -> DatabaseSettings:
        """Make a database, a copy of `template`, owned by the ordinary role."""
        name = f"maasha_{os.getpid()}_{next(_numbers)}"
        self.ask(f"create database {name} owner {OWNER} template {template} strategy file_copy")
        return self.settings(name)

    def drop(self, name: str) -> None:
        """Remove a database with whoever is still connected."""
        self.ask(f"drop database if exists {name} with (force)")

    def settings(self, name: str) -> DatabaseSettings:
        """Give the ordinary role's way to a database."""
        return DatabaseSettings((Host("127.0.0.1", self.port),), name, OWNER)

    def dump(self, name: str) -> bytes:
        """Give pg_dump's text of a database, as the ordinary role."""
        return self._client("pg_dump", name)

    def restore(self, name: str, text: bytes) -> None:
        """Run a dump into a database, as the ordinary role."""
        self._client("psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", name, text=text)

    def _client(self, program: str, *arguments: str, text: bytes = b"") -> bytes:
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", OWNER]
        command = [str(BINARIES / program), *where, *arguments]
        done = subprocess.run(command, check=True, capture_output=True, input=text)
        return done.stdout

    def _login(self, database: str, user: str) -> str:
        return f"host=127.0.0.1 port={self.port} user={user} dbname={database} connect_timeout=5"

    def _await_answer(self) -> None:
        def answers() -> bool:
            assert self._process is not None
            if self._process.poll() is not None:
                raise AssertionError((self.folder / "log").read_text()[-2000:])
            try:
                self.ask("select 1")
            except psycopg2.OperationalError:
                return False
            return True

        _await(answers, "PostgreSQL answers")


def demoted(command: list[str], *, die_with_us: bool = False) -> list[str]:
    """Run a command as the unprivileged account if we are root."""
    if os.geteuid() != 0:
        return command
    setpriv: list[str] = ["setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}"]
    setpriv += ["--init-groups"] + (["--pdeathsig", "INT"] if die_with_us else [])
    return setpriv + command


def free_port() -> int:
    """Give a loopback TCP port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _await(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + UP_WITHIN
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {UP_WITHIN:g} s: {what}")
        time.sleep(0.02)


def _memory() -> Path | None:
    """Give a place in memory, if any: there each test's database is made in half the time."""
    roomy = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM
    return MEMORY if roomy else None


def new_folder() -> Path:
    """Make a folder that the account can reach (pytest's own are closed to others)."""
    folder = Path(tempfile.mkdtemp(prefix="maasha-pg-", dir=_memory()))
    if os.geteuid() == 0:
        account = pwd.getpwnam(ACCOUNT)
        os.chown(folder, account.pw_uid, account.pw_gid)
    return folder
