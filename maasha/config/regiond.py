"""The settings of a region controller, read from regiond.conf."""

from __future__ import annotations

from pathlib import Path

from attrs import Factory, field, frozen

from maasha.config.addresses import (
    MAX_PORT,
    Address,
    address,
    database_host,
    endpoint,
    network,
    url,
)
from maasha.config.reader import Reader
from maasha.config.values import (
    MAX_MESSAGE,
    each,
    each_if_any,
    flag,
    name,
    path,
    secret,
    whole,
    written,
)
from maasha.model.cluster import Endpoint
from maasha.model.network import Network

MAX_WORKERS = 64
"""Far above what a host's 40 PostgreSQL connections allow; the region computes that limit."""

MAX_UNPROVED = 8192
"""Each may cost 75 KiB under TLS."""


@frozen
class RegiondSettings:
    """What regiond.conf says; every key explained in conf/regiond.conf."""

    maas_url: str = "http://localhost:5240/MAAS/"
    port: int = 5240
    num_workers: int = 4
    data_dir: Path = Path("/var/lib/maasha/region")
    secret_file: Path = field(
        default=Factory(lambda self: self.data_dir / "secret", takes_self=True)
    )
    database_host: tuple[str, ...] = ("localhost",)
    """Hosts tried in this order; a directory stands for the Unix socket in it."""
    database_port: int = 5432
    database_name: str = "maasha"
    database_user: str = "maasha"
    database_pass: str = field(default="", repr=False)
    database_pass_file: Path | None = None
    """A file that holds the password; never set together with `database_pass`."""
    advertise: tuple[Endpoint, ...] = ()
    """Where worker 0 is reached from outside; worker i is at the port + i, never scanned."""
    rpc_networks: tuple[Network, ...] = ()
    """Only own addresses in these networks are published; empty: all are."""
    rpc_addresses: tuple[Address, ...] = ()
    """Published instead of the host's own addresses; empty: the host's own."""
    rpc_first_port: int = 5250
    rpc_last_port: int = 5270
    dns_servers: tuple[Address, ...] | None = None
    """Where this region's name servers are; None: its host may have one, which racks find out."""
    rpc_tls: bool = True
    """Whether links are TLS; the racks must say the same."""
    rpc_unproved: int = 512
    """Connections of one worker that have not proved the secret yet."""
    rpc_unproved_per_source: int = 32
    rpc_rate_per_source: int = 10
    """New connections a second from a source that has never proved itself."""
    rpc_proof_timeout: int = 5
    """Seconds."""
    rpc_message_limit: int = 16
    """MiB of one message, either way."""
    capacity: int = 100
    """How many links each worker here is to have, in percent of an ordinary worker's."""
    balance_begin: int = 125
    """Percent of the mean load beyond which links are moved."""
    balance_end: int = 110
    """Percent of the mean load down to which they are, once it has begun."""
    balance_pace: int = 5
    """Percent of a worker's links that are moved within a second; one at least."""
    balance_stay: int = 120
    """Seconds that a link which was moved stays."""
    balance_settle: int = 2
    """Seconds without a rack or worker that comes or goes, before anything is moved."""
    balance_hold: int = 15
    """Seconds after a change of leader or a loss of the database until anything is moved."""
    balance_hold_roles: int = 120
    """Seconds after a loss of the database until any rack's role is changed without a hand."""


def parse_regiond(text: str) -> RegiondSettings:
    """Give the settings that the text of regiond.conf says; keys left out have their defaults.

    Raises `ConfigurationErrors` with every wrong key, type and value at once.
    """
    reader, default = Reader(text), RegiondSettings()
    port = whole(1, MAX_PORT)
    data_dir = reader.take("data_dir", written(path), default.data_dir)
    settings = RegiondSettings(
        maas_url=reader.take("maas_url", written(url), default.maas_url),
        port=reader.take("port", port, default.port),
        num_workers=reader.take("num_workers", whole(1, MAX_WORKERS), default.num_workers),
        data_dir=data_dir,
        secret_file=reader.take("secret_file", written(path), data_dir / "secret"),
        database_host=reader.take(
            "database_host", each(written(database_host)), default.database_host
        ),
        database_port=reader.take("database_port", port, default.database_port),
        database_name=reader.take("database_name", written(name), default.database_name),
        database_user=reader.take("database_user", written(name), default.database_user),
        database_pass=reader.take("database_pass", secret, default.database_pass),
        database_pass_file=reader.take("database_pass_file", written(path), None),
        advertise=reader.take("advertise", each(written(endpoint)), default.advertise),
        rpc_networks=reader.take("rpc_networks", each(written(network)), default.rpc_networks),
        rpc_addresses=reader.take("rpc_addresses", each(written(address)), default.rpc_addresses),
        rpc_first_port=reader.take("rpc_first_port", port, default.rpc_first_port),
        rpc_last_port=reader.take("rpc_last_port", port, default.rpc_last_port),
        dns_servers=reader.take("dns_servers", each_if_any(written(address)), None),
        rpc_tls=reader.take("rpc_tls", flag, default.rpc_tls),
        **_numbers(reader, default),
    )
    _check_balance(reader, settings)
    _check_password(reader, settings)
    _check_ports(reader, settings)
    reader.finish()
    return settings


def _numbers(reader: Reader, default: RegiondSettings) -> dict[str, int]:
    """Read what a link may cost (descriptors and memory bound it), and how links are balanced."""
    bounds = {
        "rpc_unproved": (1, MAX_UNPROVED),
        "rpc_unproved_per_source": (1, MAX_UNPROVED),
        "rpc_rate_per_source": (1, 10_000),
        "rpc_proof_timeout": (1, 60),
        "rpc_message_limit": (1, MAX_MESSAGE),
        "capacity": (1, 10_000),
        "balance_begin": (100, 1000),
        "balance_end": (100, 1000),
        "balance_pace": (1, 100),
        "balance_stay": (0, 86_400),
        "balance_settle": (0, 600),
        "balance_hold": (0, 3600),
        "balance_hold_roles": (0, 3600),
    }
    return {
        key: reader.take(key, whole(*ends), getattr(default, key)) for key, ends in bounds.items()
    }


def _check_balance(reader: Reader, settings: RegiondSettings) -> None:
    """Refuse a beginning that has no end."""
    if settings.balance_end > settings.balance_begin:
        what = f"is above balance_begin, {settings.balance_begin}"
        reader.refuse("balance_end", what, f"write at most {settings.balance_begin}")


def _check_password(reader: Reader, settings: RegiondSettings) -> None:
    if settings.database_pass and settings.database_pass_file:
        reader.refuse("database_pass", "stands beside database_pass_file", "keep one of the two")


def _check_ports(reader: Reader, settings: RegiondSettings) -> None:
    """Every worker needs a port of its own, none of them the API's."""
    last = settings.num_workers - 1
    if settings.advertise:
        for place in settings.advertise:
            _check_advertised(reader, place, last, settings.port)
        return
    first = settings.rpc_first_port
    if settings.rpc_last_port < first + last:
        what = f"leaves no port for some of {settings.num_workers} workers"
        reader.refuse("rpc_last_port", what, f"write at least {first + last}")
    if first <= settings.port <= settings.rpc_last_port:
        what = f"is inside the racks' ports {first} to {settings.rpc_last_port}"
        reader.refuse("port", what, "write a port outside")


def _check_advertised(reader: Reader, place: Endpoint, last: int, api_port: int) -> None:
    if place.port + last > MAX_PORT:
        what = f"{place} leaves no port for worker {last}"
        reader.refuse("advertise", what, f"write a port up to {MAX_PORT - last}")
    if place.port <= api_port <= place.port + last:
        what = f"{place} gives a worker the API's port {api_port}"
        reader.refuse("advertise", what, "write other ports")
