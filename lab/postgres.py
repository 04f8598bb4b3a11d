"""A PostgreSQL on a host of the lab: made, described as a service, awaited, filled."""

import secrets
import shutil
import signal
from pathlib import Path

import attrs

from lab import anchor
from lab.account import first_of
from lab.deadline import until
from lab.host import Host
from lab.service import Service

PORT = 5432

MAX_CONNECTIONS = 200
"""A region may use 40 (the manual's figure): five regions."""

HBA = """\
local all all peer
host all all 0.0.0.0/0 scram-sha-256
"""
"""pg_hba.conf: the server's own user over the socket, everybody else over TCP with a password."""


@attrs.frozen
class PostgresMissing(Exception):
    """No PostgreSQL server is installed under `folder`."""

    folder: Path

    def __str__(self) -> str:
        """Say what to install."""
        return f"no PostgreSQL in {self.folder}: install the package postgresql"


def newest(folder: Path = Path("/usr/lib/postgresql")) -> Path:
    """Return the `bin` folder of the newest installed PostgreSQL; raise `PostgresMissing`."""
    found = [path for path in folder.glob("*/bin") if (path / "initdb").exists()]
    if not found:
        raise PostgresMissing(folder)
    return max(found, key=lambda path: float(path.parent.name))


def account() -> str:
    """Return the user PostgreSQL runs as; it refuses root."""
    return first_of("postgres", "nobody")


@attrs.frozen(eq=False)
class Postgres:
    """A database server on `host`, listening on all its addresses, port 5432.

    `programs` is the folder of its programs; `user` the system's user it runs as, which is also its
    superuser, over the socket only.  Its files are at `data` inside the host.
    """

    host: Host
    user: str = attrs.field(factory=account)
    programs: Path = attrs.field(factory=newest)

    @property
    def data(self) -> Path:
        """The data folder and the socket's: short, and reachable for `user`."""
        return anchor.STATE / "postgres"

    @property
    def service(self) -> Service:
        """The server as a service for a runner; SIGINT stops it without waiting for clients."""
        settings = {
            "listen_addresses": "*",
            "port": str(PORT),
            "unix_socket_directories": str(self.data),
            "max_connections": str(MAX_CONNECTIONS),
        }
        argv = [str(self.programs / "postgres"), "-D", str(self.data)]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        log = self.host.directory / "postgres.log"
        return Service("postgres", argv, log, user=self.user, stop_signal=signal.SIGINT)

    def initialise(self) -> None:
        """Make the data folder, once; a second call leaves it as it is."""
        folder = self.host.directory / "postgres"
        if (folder / "PG_VERSION").exists():
            return
        folder.mkdir(mode=0o700, exist_ok=True)
        shutil.chown(folder, self.user)
        options = ["--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", "--auth=peer"]
        argv = [str(self.programs / "initdb"), "-D", str(self.data), *options]
        self.host.run(argv, user=self.user, cwd=Path("/"), timeout=60.0)
        (folder / "pg_hba.conf").write_text(HBA)

    def ready(self) -> bool:
        """Tell whether the server takes connections."""
        argv = [str(self.programs / "pg_isready"), "-q", "-h", str(self.data), "-p", str(PORT)]
        return self.host.run(argv, check=False, cwd=Path("/")).returncode == 0

    def wait_ready(self, timeout: float = 15.0) -> None:
        """Wait until the server takes connections; raise `DeadlineExceeded`."""
        what = f"PostgreSQL on {self.host.name}"
        until(self.ready, what, timeout=timeout, interval=0.05)

    def create(self, role: str, password: str, database: str) -> None:
        """Make a role that may log in over TCP, and its database; again is an error."""
        self.execute(f"CREATE ROLE {_name(role)} LOGIN PASSWORD {_text(password)}")
        self.execute(f"CREATE DATABASE {_name(database)} OWNER {_name(role)}")

    def execute(self, statement: str, database: str = "postgres") -> tuple[tuple[str, ...], ...]:
        """Run one statement as superuser; return its rows, every value as text, NULL as ''."""
        options = ["-qAtX", "-v", "ON_ERROR_STOP=1", "-F", "\x1f", "-R", "\x1e"]
        where = ["-h", str(self.data), "-p", str(PORT), "-d", database]
        argv = [str(self.programs / "psql"), *options, *where]
        done = self.host.run(argv, text=statement, user=self.user, cwd=Path("/"), timeout=30.0)
        if not done.stdout:  # even a row with one empty text has its newline
            return ()
        rows = done.stdout.removesuffix("\n").split("\x1e")
        return tuple(tuple(row.split("\x1f")) for row in rows)


def password() -> str:
    """Return a fresh password."""
    return secrets.token_urlsafe(16)


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
