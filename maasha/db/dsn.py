"""Where the database is and who we are there."""

from __future__ import annotations

from attrs import field, frozen

DEFAULT_PORT = 5432


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
