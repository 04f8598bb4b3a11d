"""Where the database is and who we are there."""

from __future__ import annotations

from urllib.parse import SplitResult, unquote, urlsplit

from attrs import field, frozen

DEFAULT_PORT = 5432
SCHEMES = ("postgresql", "postgres")


@frozen
class BadDsn(ValueError):
    """A database URL that cannot be used; the password is never part of the message."""

    part: str
    reason: str

    def __str__(self) -> str:
        return (
            f"database URL: {self.part} {self.reason};"
            " write postgresql://user:password@host:port,host2:port/name"
        )


@frozen
class Host:
    """A host name, literal address, or folder of a Unix socket (from a slash), and its port."""

    name: str
    port: int = DEFAULT_PORT

    @property
    def is_socket(self) -> bool:
        """Whether this is a Unix socket's folder."""
        return self.name.startswith("/")

    def __str__(self) -> str:
        return f"[{self.name}]:{self.port}" if ":" in self.name else f"{self.name}:{self.port}"


@frozen
class DatabaseSettings:
    """Hosts are tried one by one, in this order, until one takes writes."""

    hosts: tuple[Host, ...]
    name: str
    user: str
    password: str = field(default="", repr=False)
    sslmode: str = "prefer"
    """As in libpq's connection parameters."""


def parse(url: str) -> DatabaseSettings:
    """Read `postgresql://user:password@host:port,host2:port/name`; raises BadDsn.

    A Unix socket's folder is written percent-encoded: `postgresql://user@%2Frun%2Fpg:5432/name`.
    """
    split = urlsplit(url)
    if split.scheme not in SCHEMES:
        raise BadDsn("scheme", f"is not {' or '.join(SCHEMES)}")
    if split.query or split.fragment:
        raise BadDsn("the part after ? or #", "is not understood")
    login, _, places = split.netloc.rpartition("@")
    user, _, password = login.partition(":")
    return DatabaseSettings(
        hosts=tuple(_host(place) for place in places.split(",")),
        name=_required("name", unquote(_path(split))),
        user=_required("user", unquote(user)),
        password=unquote(password),
    )


def _path(split: SplitResult) -> str:
    return split.path.removeprefix("/")


def _required(part: str, value: str) -> str:
    if not value:
        raise BadDsn(part, "is missing")
    return value


def _host(place: str) -> Host:
    name, colon, port = place.rpartition(":")
    if not colon or place.endswith("]"):
        name, port = place, str(DEFAULT_PORT)
    if not (port.isascii() and port.isdigit() and 0 < int(port) <= 65535):
        raise BadDsn("port", f"{port!r} is not a number from 1 to 65535")
    return Host(_required("host", unquote(name).removeprefix("[").removesuffix("]")), int(port))
