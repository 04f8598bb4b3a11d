"""regiond.conf: its defaults, its keys and everything that may be wrong in it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address
from pathlib import Path

import pytest
from attrs import fields
from hypothesis import given
from hypothesis import strategies as st

from maasha.config import ConfigurationErrors, RegiondSettings, parse_regiond
from maasha.model.cluster import Endpoint

SAMPLE = Path(__file__).parents[3] / "conf" / "regiond.conf"


def told(text: str) -> list[str]:
    """Give what is said of a file that is refused."""
    with pytest.raises(ConfigurationErrors) as caught:
        parse_regiond(text)
    return caught.value.listing("").splitlines()


def test_the_defaults() -> None:
    """An empty file and the sample file both give the defaults."""
    assert parse_regiond("") == parse_regiond(SAMPLE.read_text()) == RegiondSettings()


def test_the_sample_explains_every_key() -> None:
    """No key of the settings is missing from the sample file."""
    lines = SAMPLE.read_text().splitlines()
    for key in fields(RegiondSettings):
        assert any(line.removeprefix("# ").startswith(f"{key.name}:") for line in lines), key.name


def test_the_keys_in_the_samples_remarks_are_right() -> None:
    """What the sample shows behind a # is accepted when the # is taken away."""
    lines = SAMPLE.read_text().splitlines()
    start = lines.index("# advertise:")
    shown = [line[2:] for line in lines[start:] if line.startswith(("# advertise:", "#   -"))]
    assert parse_regiond("\n".join(shown[:3])).advertise == (
        Endpoint("203.0.113.7", 5250),
        Endpoint("2001:db8::7", 5250),
    )


def test_every_key_is_read() -> None:
    """Each key of the file reaches the settings."""
    assert parse_regiond(
        """
maas_url: https://region/
port: 80
num_workers: 2
data_dir: /srv/region
secret_file: /etc/maasha/secret
database_host: [db1, 10.0.0.9, /run/postgresql]
database_port: 5433
database_name: other
database_user: someone
database_pass: 0123
advertise: 203.0.113.7:6000
rpc_networks: [10.0.0.0/24, "2001:db8::/64"]
rpc_addresses: [10.0.0.1]
rpc_first_port: 6000
rpc_last_port: 6010
rpc_tls: no
rpc_unproved: 100
rpc_unproved_per_source: 8
rpc_rate_per_source: 2
rpc_proof_timeout: 9
rpc_message_limit: 32
capacity: 200
balance_begin: 150
balance_end: 120
balance_pace: 10
balance_stay: 30
balance_settle: 1
balance_hold: 5
balance_hold_roles: 60
"""
    ) == RegiondSettings(
        maas_url="https://region/MAAS/",
        port=80,
        num_workers=2,
        data_dir=Path("/srv/region"),
        secret_file=Path("/etc/maasha/secret"),
        database_host=("db1", "10.0.0.9", "/run/postgresql"),
        database_port=5433,
        database_name="other",
        database_user="someone",
        database_pass="0123",
        advertise=(Endpoint("203.0.113.7", 6000),),
        rpc_networks=(IPv4Network("10.0.0.0/24"), IPv6Network("2001:db8::/64")),
        rpc_addresses=(IPv4Address("10.0.0.1"),),
        rpc_first_port=6000,
        rpc_last_port=6010,
        rpc_tls=False,
        rpc_unproved=100,
        rpc_unproved_per_source=8,
        rpc_rate_per_source=2,
        rpc_proof_timeout=9,
        rpc_message_limit=32,
        capacity=200,
        balance_begin=150,
        balance_end=120,
        balance_pace=10,
        balance_stay=30,
        balance_settle=1,
        balance_hold=5,
        balance_hold_roles=60,
    )


def test_the_password_is_never_shown() -> None:
    """Settings can be logged: the password is not in their text."""
    assert "hunter2" not in repr(parse_regiond("database_pass: hunter2"))


def test_one_password_only() -> None:
    """A password in the file and one in a file of its own contradict each other."""
    assert told("database_pass_file: /x\ndatabase_pass: hunter2\n") == [
        "2: database_pass: stands beside database_pass_file; keep one of the two"
    ]
    assert parse_regiond("database_pass_file: /x").database_pass_file == Path("/x")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "num_workers: 22",
            "1: rpc_last_port: leaves no port for some of 22 workers; write at least 5271",
        ),
        (
            "rpc_last_port: 5252",
            "1: rpc_last_port: leaves no port for some of 4 workers; write at least 5253",
        ),
        ("port: 5260", "1: port: is inside the racks' ports 5250 to 5270; write a port outside"),
        (
            "advertise: 10.0.0.1:65533",
            "1: advertise: 10.0.0.1:65533 leaves no port for worker 3; write a port up to 65532",
        ),
        (
            "advertise: 10.0.0.1:5238",
            "1: advertise: 10.0.0.1:5238 gives a worker the API's port 5240; write other ports",
        ),
    ],
)
def test_every_worker_has_a_port_of_its_own(text: str, problem: str) -> None:
    """Ports that do not suffice or collide are refused before anything listens."""
    assert told(text) == [problem]


def test_fixed_ports_leave_the_range_unused() -> None:
    """With `advertise` set the range of ports is not looked at."""
    assert parse_regiond("advertise: 10.0.0.1:7000\nnum_workers: 64\n").num_workers == 64


def test_all_errors_at_once() -> None:
    """Every wrong key, type and value is told in one go, with its line."""
    keys = [key.name for key in fields(RegiondSettings)]
    text = "".join(f"{key}:\n" for key in keys) + "prot: 1\n"
    assert [line.split(":")[1].strip() for line in told(text)] == [*keys, "prot"]


@given(st.sets(st.sampled_from([key.name for key in fields(RegiondSettings)]), min_size=1))
def test_any_set_of_wrong_types_is_told(keys: set[str]) -> None:
    """A mapping is no key's value: each is told on its line."""
    text = "".join(f"{key}: {{a: b}}\n" for key in sorted(keys))
    assert told(text) == [
        f"{n}: {key}: is a mapping; write a plain value" for n, key in enumerate(sorted(keys), 1)
    ]


def test_what_begins_has_an_end() -> None:
    """Balancing that stopped short of where it begins would begin again at once."""
    (line,) = told("balance_begin: 120\nbalance_end: 130\n")
    assert "balance_end" in line
    assert "write at most 120" in line


def test_name_servers() -> None:
    """That there are none is something else than to say nothing."""
    assert parse_regiond("").dns_servers is None
    assert parse_regiond("dns_servers: []").dns_servers == ()
    named = parse_regiond("dns_servers: [10.0.0.53, fd00::53]").dns_servers
    assert named == (ip_address("10.0.0.53"), ip_address("fd00::53"))
    with pytest.raises(ConfigurationErrors):
        parse_regiond("dns_servers: [ns.example]")
