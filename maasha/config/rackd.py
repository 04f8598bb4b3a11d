"""The settings of a rack controller, read from rackd.conf."""

from __future__ import annotations

from pathlib import Path

from attrs import Factory, field, frozen

from maasha.config.addresses import url
from maasha.config.reader import Reader
from maasha.config.values import MAX_MESSAGE, each, flag, path, whole, written

MAX_CONNECTIONS = 16
"""Links of one rack; two outlive any one region, more only cost the regions."""


@frozen
class RackdSettings:
    """What rackd.conf says; every key explained in conf/rackd.conf."""

    maas_url: tuple[str, ...] = ("http://localhost:5240/MAAS/",)
    """Addresses of regions, each in full form, the preferred first."""
    connections: int = 2
    data_dir: Path = Path("/var/lib/maasha/rack")
    secret_file: Path = field(
        default=Factory(lambda self: self.data_dir / "secret", takes_self=True)
    )
    dhcpd: Path = Path("/usr/sbin/dhcpd")
    rpc_tls: bool = True
    """Whether links are TLS; the regions must say the same."""
    rpc_message_limit: int = 16
    """MiB of one message, either way."""


def parse_rackd(text: str) -> RackdSettings:
    """Give the settings that the text of rackd.conf says; keys left out have their defaults.

    Raises `ConfigurationErrors` with every wrong key, type and value at once.
    """
    reader, default = Reader(text), RackdSettings()
    data_dir = reader.take("data_dir", written(path), default.data_dir)
    settings = RackdSettings(
        maas_url=reader.take("maas_url", each(written(url)), default.maas_url),
        connections=reader.take("connections", whole(1, MAX_CONNECTIONS), default.connections),
        data_dir=data_dir,
        secret_file=reader.take("secret_file", written(path), data_dir / "secret"),
        dhcpd=reader.take("dhcpd", written(path), default.dhcpd),
        rpc_tls=reader.take("rpc_tls", flag, default.rpc_tls),
        rpc_message_limit=reader.take(
            "rpc_message_limit", whole(1, MAX_MESSAGE), default.rpc_message_limit
        ),
    )
    reader.finish()
    return settings
