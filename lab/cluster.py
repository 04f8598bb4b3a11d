"""A whole maasha instance in a lab: database, region, racks and clients, each a host of its own."""

import json
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import attrs

from lab.control import RunnerControl
from lab.deadline import until
from lab.host import Host
from lab.lab import Lab
from lab.network import Network
from lab.postgres import Postgres, password
from lab.service import Service

MANAGEMENT = "10.100.0.0/24"
SMALL_LAN = "10.0.0.0/24"
LARGE_LAN = "10.1.0.0/22"
"""More than 400 addresses to hand out."""
DATABASE, OUTSIDER = "10.100.0.5", "10.100.0.66"
REGION, REGION2, REGION3 = "10.100.0.10", "10.100.0.11", "10.100.0.12"
REGIONS = {"region": REGION, "region2": REGION2, "region3": REGION3}
"""By their host names."""
RACK_NAME = re.compile(r"rack\d+")
API_PORT = 5240
URL = f"http://{REGION}:{API_PORT}/MAAS/"
PROFILE = "maas"
"""The CLI profile on the racks; the manual's examples use this name."""
WORKERS = 4
STATE = Path("/run/lab")
"""A host's own folder, as the host sees it."""
BIN = Path(sys.executable).parent

Progress = Callable[[str], None]


def silent(_: str) -> None:
    """Show no progress."""


@attrs.frozen(eq=False)
class Cluster:
    """Some regions, racks `rack1`, `rack2`, ..., `clients` on both LANs, and an `outsider`."""

    lab: Lab
    database: Postgres

    @property
    def db(self) -> Host:
        """The host of PostgreSQL."""
        return self.lab.hosts["db"]

    @property
    def region(self) -> Host:
        """The region controller, or the first of two."""
        return self.lab.hosts["region"]

    @property
    def regions(self) -> tuple[Host, ...]:
        """All region controllers."""
        return tuple(self.lab.hosts[name] for name in REGIONS if name in self.lab.hosts)

    @property
    def rack1(self) -> Host:
        """The rack at .1 of both LANs."""
        return self.lab.hosts["rack1"]

    @property
    def rack2(self) -> Host:
        """The rack at .2 of both LANs."""
        return self.lab.hosts["rack2"]

    @property
    def clients(self) -> Host:
        """The host of the DHCP clients: eth0 on the small LAN, eth1 on the large one."""
        return self.lab.hosts["clients"]

    @property
    def outsider(self) -> Host:
        """A host on the management network that is no part of the instance."""
        return self.lab.hosts["outsider"]

    @property
    def lan(self) -> Network:
        """10.0.0.0/24."""
        return self.lab.networks["lan"]

    @property
    def large(self) -> Network:
        """10.1.0.0/22."""
        return self.lab.networks["large"]

    @property
    def management(self) -> Network:
        """What region, racks and database talk over."""
        return self.lab.networks["mgmt"]

    @property
    def racks(self) -> tuple[Host, ...]:
        """All racks, by their numbers."""
        hosts = self.lab.hosts
        numbers = sorted(int(name[4:]) for name in hosts if RACK_NAME.fullmatch(name))
        return tuple(hosts[f"rack{number}"] for number in numbers)

    @property
    def api_key(self) -> str:
        """The administrator's API key."""
        return (self.region.directory / "api-key").read_text().strip()

    def url(self, region: Host) -> str:
        """Give a region's address for racks and people."""
        return f"http://{self.management.address(region)}:5240/MAAS/"

    def runner(self, host: Host) -> RunnerControl:
        """Give the control of what keeps the host's daemons up."""
        return RunnerControl.of(host)

    def maasha(self, *arguments: str, host: Host | None = None, check: bool = True) -> Any:
        """Run `maasha maas ARGUMENTS`, on the region unless told, and give the JSON it prints."""
        done = (host or self.region).run(
            [str(BIN / "maasha"), PROFILE, *arguments],
            env=cli_environment(),
            timeout=40.0,
            check=check,
        )
        return json.loads(done.stdout) if done.stdout.strip() else None

    def vlan(self, cidr: str, host: Host | None = None) -> Mapping[str, Any]:
        """Give the VLAN of a subnet as the API shows it."""
        subnets = self.maasha("subnets", "read", host=host)
        return next(subnet["vlan"] for subnet in subnets if subnet["cidr"] == cidr)

    def update_vlan(self, cidr: str, *changes: str, host: Host | None = None) -> Any:
        """Run `vlan update` for a subnet's VLAN."""
        vlan = self.vlan(cidr, host)
        where = str(vlan["fabric_id"]), str(vlan["vid"])
        return self.maasha("vlan", "update", *where, *changes, host=host)

    def status(self, host: Host | None = None) -> Any:
        """Give the API's `cluster/`."""
        return self.maasha("cluster", "read", host=host)

    def sql(self, statement: str) -> tuple[tuple[str, ...], ...]:
        """Ask the database as superuser."""
        return self.database.execute(statement, "maasha")


def start(
    name: str,
    directory: Path,
    *,
    regions: int = 1,
    racks: int = 2,
    settings: Mapping[str, object] = MappingProxyType({}),
    detached: bool = False,
    progress: Progress = silent,
) -> Cluster:
    """Boot the hosts and start everything on them; returns when all racks are linked.

    `settings` are more lines of each regiond.conf.
    """
    lab = Lab(name, directory, detached=detached)
    try:
        progress("hosts and networks")
        cluster = boot(lab, regions, racks)
        progress("PostgreSQL")
        start_database(cluster)
        progress("region")
        make_instance(cluster, **settings)
        for region in cluster.regions:
            start_region(region)
        progress("racks")
        for rack in cluster.racks:
            start_rack(cluster, rack)
        progress("links")
        for host in (*cluster.regions, *cluster.racks):
            login(cluster, host)
        until(lambda: linked(cluster), "all racks to be linked", timeout=120.0)
    except BaseException:
        lab.close()
        raise
    return cluster


def boot(lab: Lab, regions: int = 1, racks: int = 2) -> Cluster:
    """Make networks and hosts; nothing runs on them yet. The first two racks are on both LANs."""
    mgmt = lab.network("mgmt", MANAGEMENT)
    lan, large = lab.network("lan", SMALL_LAN), lab.network("large", LARGE_LAN)
    db = lab.host("db", {mgmt: DATABASE})
    for name, address in list(REGIONS.items())[:regions]:
        lab.host(name, {mgmt: address})
    for number in range(1, racks + 1):
        addresses = {mgmt: f"10.100.0.{20 + number}", lan: f"10.0.0.{number}"}
        both = {large: f"10.1.0.{number}"} if number <= 2 else {}
        lab.host(f"rack{number}", {**addresses, **both})
    lab.host("clients", {lan: None, large: None})
    lab.host("outsider", {mgmt: OUTSIDER})
    return Cluster(lab, Postgres(db))


def start_database(cluster: Cluster) -> None:
    """Make the database and its role."""
    database = cluster.database
    database.initialise()
    RunnerControl.prepare(cluster.db, [database.service]).launch()
    database.wait_ready()
    secret = password()
    for region in cluster.regions:
        path = region.directory / "database-password"
        path.touch(mode=0o600)
        path.write_text(secret + "\n")
    database.create("maasha", secret, "maasha")


def make_instance(cluster: Cluster, **settings: object) -> None:
    """Make the tables, the instance and an administrator; every region gets the secret."""
    for region in cluster.regions:
        configure_region(cluster, region, **settings)
        region_command(region, "init")
    admin = ("--username", "admin")
    region_command(cluster.region, "createadmin", *admin, "--email", "admin@example.com")
    key = region_command(cluster.region, "apikey", *admin)
    (cluster.region.directory / "api-key").write_text(key)


def configure_region(cluster: Cluster, region: Host, **settings: object) -> None:
    """Write regiond.conf; `settings` are added to what a region of the lab needs."""
    lines = {
        "maas_url": cluster.url(region),
        "num_workers": WORKERS,
        "data_dir": STATE / "region",
        "database_host": DATABASE,
        "database_name": "maasha",
        "database_user": "maasha",
        "database_pass_file": STATE / "database-password",
        **settings,
    }
    text = "".join(f"{key}: {value}\n" for key, value in lines.items())
    (region.directory / "regiond.conf").write_text(text)


def start_region(region: Host, environment: Mapping[str, str] = MappingProxyType({})) -> None:
    """Start regiond; `environment` is added to its own."""
    service = attrs.evolve(_daemon(region, "regiond"), environment=environment)
    RunnerControl.prepare(region, [service]).launch()


def region_command(region: Host, *arguments: str) -> str:
    """Run `maasha-region` on a region and give what it prints."""
    argv = [str(BIN / "maasha-region"), "--config", str(STATE / "regiond.conf"), *arguments]
    return region.run(argv, timeout=30.0).stdout


def start_rack(cluster: Cluster, rack: Host) -> None:
    """Register a rack and start rackd."""
    register_rack(cluster, rack)
    RunnerControl.prepare(rack, [_daemon(rack, "rackd")]).launch()


def register_rack(cluster: Cluster, rack: Host, token: str = "") -> None:
    """Run `maasha-rack register` with the regions' URLs and a join token, else their secret."""
    config = rack.directory / "rackd.conf"
    if not config.exists():
        config.write_text(f"data_dir: {STATE / 'rack'}\n")
    secret = (cluster.region.directory / "region" / "secret").read_text()
    argv = [str(BIN / "maasha-rack"), "--config", str(STATE / "rackd.conf")]
    urls = [word for region in cluster.regions for word in ("--url", cluster.url(region))]
    proof = ["--token", "-"] if token else ["--secret", "-"]
    rack.run([*argv, "register", *urls, *proof], text=token or secret)


def login(cluster: Cluster, host: Host) -> None:
    """Make the CLI profile on a host as soon as the API answers; a region uses its own."""
    (host.directory / "home").mkdir(exist_ok=True)
    region = host if host in cluster.regions else cluster.region
    argv = [str(BIN / "maasha"), "login", PROFILE, cluster.url(region), cluster.api_key]

    def logged_in() -> bool:
        return host.run(argv, env=cli_environment(), check=False, timeout=30.0).returncode == 0

    until(logged_in, "the API to answer", timeout=30.0, interval=0.5)


def linked(cluster: Cluster) -> bool:
    """Whether all racks have links and an owner."""
    racks = cluster.status()["racks"]
    whole = len(racks) == len(cluster.racks)
    return whole and all(rack["connections"] and rack["owner"] for rack in racks)


def cli_environment() -> dict[str, str]:
    """Give a home of its own to a host's command line."""
    return {
        "HOME": str(STATE / "home"),
        "MAASHA_RACKD_CONFIG": str(STATE / "rackd.conf"),
        "MAASHA_REGIOND_CONFIG": str(STATE / "regiond.conf"),
    }


def _daemon(host: Host, name: str) -> Service:
    argv = [
        str(BIN / "twistd"),
        "--nodaemon",
        "--pidfile=",
        "--logfile=-",
        f"maasha-{name}",
        "--config",
        str(STATE / f"{name}.conf"),
    ]
    return Service(name, argv, host.directory / f"{name}.log", cwd=host.directory)
