"""Secrets, tokens and keys in a whole cluster: joining, replacing, revoking, losing the record."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import pytest

from lab import DHCPClients, Host, mac, until
from lab.cluster import (
    BIN,
    LARGE_LAN,
    SMALL_LAN,
    Cluster,
    cli_environment,
    region_command,
    register_rack,
)
from tests.acceptance.dhcpd import Dhcpd
from tests.acceptance.figures import Figures
from tests.acceptance.restoring import dumped, restore
from tests.acceptance.watching import events, log_of, remains, wait_linked, wait_logged

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def served(cluster: Cluster) -> Cluster:
    """Give the cluster with each rack serving a LAN of its own."""
    for cidr, rack, first in ((SMALL_LAN, "rack1", "10.0.0"), (LARGE_LAN, "rack2", "10.1.0")):
        span = (f"start_ip={first}.50", f"end_ip={first}.99")
        cluster.maasha("ipranges", "create", "type=dynamic", *span)
        serve(cluster, cidr, rack)
    return cluster


@pytest.fixture(scope="module")
def before_rack2(served: Cluster) -> str:
    """Delete rack2 while it is out of reach, and give a dump of the database as it is then."""
    served.runner(served.rack2).stop("rackd")
    until(lambda: not connections_of(served, "rack2"), "rack2 to be unlinked", timeout=20.0)
    served.maasha("rack-controller", "delete", system_id(served, "rack2"), "force=true")
    return dumped(served)


def serve(cluster: Cluster, cidr: str, rack: str) -> None:
    """Have a rack serve a LAN alone."""
    answer = cluster.update_vlan(cidr, f"primary_rack={rack}", "secondary_rack=", "dhcp_on=true")
    assert answer["dhcp_status"] == "running", answer


def system_id(cluster: Cluster, hostname: str) -> str:
    """Give a rack's system id."""
    racks = cluster.status()["racks"]
    return next(str(rack["system_id"]) for rack in racks if rack["hostname"] == hostname)


def connections_of(cluster: Cluster, hostname: str) -> int:
    """Count a rack's links."""
    racks = cluster.status()["racks"]
    return sum(len(rack["connections"]) for rack in racks if rack["hostname"] == hostname)


def files(rack: Host) -> set[str]:
    """Name what a rack has to prove itself with."""
    found = {path.name for path in (rack.directory / "rack").iterdir()}
    return found & {"secret", "token", "key"}


def wait_answered(cluster: Cluster, rack: Host) -> str:
    """Wait until a host has been given an address by a rack; gives the address."""
    place = "eth0" if rack is cluster.rack1 else "eth1"
    with DHCPClients(cluster.clients, place) as clients:
        return str(clients.acquire(mac(0x0200000000AA)).ip)


def refused(cluster: Cluster, token: str, told: str) -> None:
    """Register rack2 with a token that does not let it in: both sides say why."""
    since = len(log_of(cluster.rack2, "rackd"))
    register_rack(cluster, cluster.rack2, token)
    wait_logged(cluster.rack2, "rackd", told, since)
    wait_logged(cluster.region, "regiond", told)
    until(
        lambda: any(told in detail for detail in events(cluster, "rack.refused")),
        f"an event of {told}",
        timeout=5.0,
    )


def joined_with(cluster: Cluster, token: str) -> None:
    """Register rack2 with a token and wait until it is linked with its own key."""
    register_rack(cluster, cluster.rack2, token)
    wait_linked(cluster, "rack2")
    until(lambda: files(cluster.rack2) == {"key"}, "rack2's own key", timeout=10.0)


def test_a_rack_that_has_joined_holds_its_own_key(served: Cluster) -> None:
    """The shared secret is on the region's host only; each key is another, for root alone."""
    keys = []
    for rack in served.racks:
        assert files(rack) == {"key"}
        key = rack.directory / "rack" / "key"
        assert key.stat().st_mode & 0o777 == 0o600
        keys.append(key.read_text())
    assert len(set(keys)) == 2
    secret = served.region.directory / "region" / "secret"
    assert secret.stat().st_mode & 0o777 == 0o640


def test_a_deleted_racks_key_buys_one_answer(
    served: Cluster, before_rack2: str, figures: Figures
) -> None:
    """It serves on while it is out of reach; when it comes back it is told and stops its dhcpd."""
    assert before_rack2
    assert Dhcpd(served.rack2).processes()
    since = len(log_of(served.rack2, "rackd"))
    served.runner(served.rack2).start("rackd")
    began = time.monotonic()
    wait_logged(served.rack2, "rackd", "this rack was deleted from its instance", since)
    until(lambda: not Dhcpd(served.rack2).processes(), "rack2's dhcpd to end", timeout=20.0)
    figures.seconds("revoked rack back -> its dhcpd has ended", time.monotonic() - began)


def test_a_token_lets_one_rack_in_once(served: Cluster) -> None:
    """The rack gets a new name and its own key, and the token is gone from its folder."""
    token = region_command(served.region, "token", "--expires", "10m").strip()
    joined_with(served, token)
    (row,) = served.maasha("tokens", "read")
    assert (row["id"], row["used_by"]) == (token.split("-")[0], system_id(served, "rack2"))
    assert token.split("-")[1] not in str(row)
    refused(served, token, f"used token: join token {row['id']}")


def test_an_expired_token_is_refused_by_name(served: Cluster) -> None:
    """It says so, and not that it is wrong; one that is not known is wrong."""
    token = region_command(served.region, "token", "--expires", "1s").strip()
    expired = f"select now() > expires from join_token where id = '{token.split('-')[0]}'"
    until(lambda: served.sql(expired) == (("t",),), "the token to expire", timeout=10.0)
    refused(served, token, f"expired token: the time of join token {token.split('-')[0]}")
    refused(served, f"unknown-{'ab' * 16}", "wrong token: the rack's proof does not fit")


def test_the_api_makes_tokens_too(served: Cluster) -> None:
    """The rack is known by its host name again; then it can serve as before."""
    joined_with(served, served.maasha("tokens", "create", "expires=5m")["token"])
    serve(served, LARGE_LAN, "rack2")
    assert wait_answered(served, served.rack2).startswith("10.1.0.")


@contextmanager
def calls(cluster: Cluster) -> Iterator[list[str]]:
    """Have rack1 run one new configuration after the other meanwhile; gives what became of each."""
    ended, outcomes = Event(), list[str]()

    def call() -> None:
        while not ended.is_set():
            change = f"lease_time={600 + len(outcomes) % 2}"
            outcomes.append(cluster.update_vlan(SMALL_LAN, change)["dhcp_status"])

    with ThreadPoolExecutor(1) as pool:
        calling: Future[None] = pool.submit(call)
        try:
            yield outcomes
        finally:
            ended.set()
            calling.result()


def secret_of(cluster: Cluster) -> str:
    """Give the newest shared secret."""
    return (cluster.region.directory / "region" / "secret").read_text()


def test_the_secret_is_replaced_under_calls(served: Cluster, figures: Figures) -> None:
    """Old and new let racks in until the end; no call fails, no link of another rack breaks."""
    links = "select link.id from link join rack on rack.id = rack_id where hostname = 'rack1'"
    served.maasha("placement", "pause")  # evening moves links too, and they are compared
    moving = "select id from link_move where ended is null"
    until(lambda: not served.sql(moving), "the end of moves", timeout=30.0, interval=0.2)
    linked, old, file = served.sql(links), secret_of(served), served.region.directory / "region"
    with calls(served) as outcomes:
        region_command(served.region, "rotate-secret")
        new = secret_of(served)
        assert served.status()["secret_rotation_since"]
        for secret in (old, new):
            (file / "secret").write_text(secret)
            joined_with(served, "")
        region_command(served.region, "rotate-secret", "--finish")
        (file / "secret").write_text(old)
        since = len(log_of(served.rack2, "rackd"))
        register_rack(served, served.rack2)
        wait_logged(served.rack2, "rackd", "wrong secret", since)
        (file / "secret").write_text(new)
        joined_with(served, "")
    assert len(outcomes) > 3
    assert set(outcomes) == {"running"}
    figures.lines.append(f"calls during a rotation of the secret: {len(outcomes)}, none failed")
    assert served.sql(links) == linked
    assert served.status()["secret_rotation_since"] is None
    served.maasha("placement", "resume")


def test_a_rack_that_a_restore_lost_is_readmitted_by_one_command(
    served: Cluster, before_rack2: str
) -> None:
    """It is listed as unknown, was ours; its dhcpd is not touched before, meanwhile or after."""
    name, server = system_id(served, "rack2"), Dhcpd(served.rack2).snapshot()
    since = len(log_of(served.rack2, "rackd"))
    restore(served, before_rack2)
    until(lambda: served.status()["unknown_racks"], "an unknown rack", timeout=40.0, interval=0.5)
    (unknown,) = served.maasha("rack-controllers", "unknown")
    assert (unknown["system_id"], unknown["hostname"]) == (name, "rack2")
    assert unknown["serving"]
    assert "Unknown, was ours: 1\nRACK   ID      FROM" in status_of(served)
    wait_logged(served.rack2, "rackd", f"`maasha rack-controller readmit {name}`", since)
    assert Dhcpd(served.rack2).snapshot() == server
    served.maasha("rack-controller", "readmit", name)
    wait_linked(served, "rack2")
    assert system_id(served, "rack2") == name
    remains(lambda: Dhcpd(served.rack2).snapshot() == server, 7.0)  # a steward looks every five
    assert wait_answered(served, served.rack2).startswith("10.1.0.")
    serve(served, LARGE_LAN, "rack2")
    assert served.status()["unknown_racks"] == []
    assert wait_answered(served, served.rack2).startswith("10.1.0.")


def status_of(cluster: Cluster) -> str:
    """Give what `maasha status` prints."""
    return cluster.region.run([str(BIN / "maasha"), "status"], env=cli_environment()).stdout
