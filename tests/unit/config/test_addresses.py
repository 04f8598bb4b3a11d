"""URLs, hosts, addresses and networks as configuration files and people write them."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maasha.config.addresses import address, database_host, endpoint, host, network, url
from maasha.config.problems import Unfit
from maasha.model.cluster import Endpoint


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("http://region:5240/MAAS/", "http://region:5240/MAAS/"),
        ("http://region:5240/MAAS", "http://region:5240/MAAS/"),
        ("http://region:5240", "http://region:5240/MAAS/"),
        ("HTTPS://Region.Example/", "https://region.example/MAAS/"),
        ("http://10.0.0.1:5240/MAAS//", "http://10.0.0.1:5240/MAAS/"),
        ("http://[2001:DB8::1]:5240/", "http://[2001:db8::1]:5240/MAAS/"),
        ("https://proxy/site/MAAS/", "https://proxy/site/MAAS/"),
    ],
)
def test_urls_get_their_full_form(text: str, full: str) -> None:
    """A region's URL ends in /MAAS/ however it was written."""
    assert url(text) == full
    assert url(full) == full


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "does not begin with http"),
        ("region:5240", "does not begin with http"),
        ("ftp://region/MAAS/", "does not begin with http"),
        ("http://", "has no host"),
        ("http:///MAAS/", "has no host"),
        ("http://region:99999/", "is not a URL"),
        ("http://region:x/", "is not a URL"),
        ("http://region:0/", "has the port 0"),
        ("http://[::1/", "is not a URL"),
        ("http://[::g]/", "is not a URL"),
        ("http://10.0.0.300/", "is not an IP address"),
        ("http://reg ion/", "has a blank"),
        ("http://<ip 1>:<port>/MAAS/", "has a blank"),
        ("http://a,b/", "is not a host name"),
        ("http://region/MAAS/r/", "has the path /MAAS/r/"),
        ("http://region/MAAS/?a=b", "has something after its path"),
        ("http://region/MAAS/#x", "has something after its path"),
    ],
)
def test_urls_that_are_refused(text: str, what: str) -> None:
    """A URL that cannot reach a region's API is refused with what is wrong with it."""
    with pytest.raises(Unfit) as caught:
        url(text)
    assert caught.value.what.startswith(what)
    assert caught.value.mend
    assert not caught.value.hidden


def test_a_password_in_a_url_is_not_shown() -> None:
    """A URL with a user's name is refused and marked as not to be shown."""
    with pytest.raises(Unfit) as caught:
        url("http://admin:hunter2@region/")
    assert caught.value.hidden
    assert "hunter2" not in str(caught.value)


@given(st.text())
def test_any_text_is_a_url_or_refused(text: str) -> None:
    """No text makes reading a URL fail in another way."""
    try:
        full = url(f"http://{text}")
    except Unfit:
        return
    assert full.endswith("/MAAS/")
    assert url(full) == full


def test_hosts() -> None:
    """A host is a name or an address, never with a port."""
    assert host("db-1.example.") == "db-1.example."
    assert host("2001:DB8::1") == "2001:db8::1"
    for wrong in ("", "a b", "db:5432", "-", "a" * 254, "1.2.3"):
        with pytest.raises(Unfit):
            host(wrong)


def test_database_hosts() -> None:
    """PostgreSQL may also be named by the directory of its socket."""
    assert database_host("/run/postgresql") == "/run/postgresql"
    assert database_host("db") == "db"


@given(st.ip_addresses())
def test_addresses(ip: object) -> None:
    """A literal address is read as itself."""
    assert address(str(ip)) == ip_address(str(ip))


def test_networks() -> None:
    """A network with host bits is refused with the network that was meant."""
    assert network("10.0.0.0/24") == ip_network("10.0.0.0/24")
    with pytest.raises(Unfit, match=r"write 10\.0\.0\.0/24"):
        network("10.0.0.7/24")
    with pytest.raises(Unfit, match="write one like"):
        network("lan")


@given(st.ip_addresses(), st.integers(1, 65535))
def test_endpoints(ip: object, port: int) -> None:
    """An endpoint reads back what it prints."""
    place = Endpoint(str(ip), port)
    assert endpoint(str(place)) == place


def test_endpoints_by_name() -> None:
    """A region behind NAT may be known by a host name only."""
    assert endpoint("region.example:5250") == Endpoint("region.example", 5250)


@pytest.mark.parametrize("text", ["10.0.0.1", "10.0.0.1:", "re gion:5250", "::1:5250", "1.2.3.4:0"])
def test_endpoints_that_are_refused(text: str) -> None:
    """An endpoint has a host and a port."""
    with pytest.raises(Unfit):
        endpoint(text)
