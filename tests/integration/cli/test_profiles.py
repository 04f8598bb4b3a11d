"""Logging in and out: the real `maasha` against a small region."""

from __future__ import annotations

import json
import ssl
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.integration.cli.conftest import User
from tests.integration.cli.small_region import KEY, Reply, SmallRegion, running_region
from tests.unit.cli.samples import document


def test_login(user: User, region: SmallRegion) -> None:
    """A key that the region knows makes a profile, which only its owner can read."""
    done = user.maasha(f"login maas {region.url} {KEY}")
    assert (done.status, done.out) == (0, "")
    assert f"You are 'admin' at {region.url}api/2.0/, profile 'maas'" in done.err
    file = user.home / ".maasha" / "profiles.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text())["profiles"]["maas"]["key"] == KEY
    whoami, describe = region.seen
    assert ("op", "whoami") in whoami.fields
    assert (describe.path, describe.authorization) == ("describe/", "")


@pytest.mark.parametrize("words", ["-", ""])
def test_the_key_may_come_by_standard_input(user: User, region: SmallRegion, words: str) -> None:
    """A key need not stand among the words of the command, where other users see it."""
    assert user.maasha(f"login maas {region.url} {words}", stdin=f"{KEY}\n").status == 0


def test_a_wrong_key(user: User, region: SmallRegion) -> None:
    """A key that the region does not know makes no profile."""
    done = user.maasha(f"login maas {region.url} a:b:c")
    assert done.status == 2
    assert "rejected the API key" in done.err
    assert "maasha-region apikey" in done.err
    assert not (user.home / ".maasha").exists()
    assert user.maasha(f"login maas {region.url} nonsense").status == 2


def test_no_region_there(user: User, region: SmallRegion) -> None:
    """A URL without a region behind it is told apart from a region that refuses."""
    with running_region() as other:
        gone = other.url
    done = user.maasha(f"login maas {gone} {KEY}")
    assert (done.status, done.err.splitlines()[0]) == (
        1,
        f"No answer from {gone}api/2.0/users/: Connection refused",
    )
    region.will_answer("GET users/", Reply(200, "<html>"))
    done = user.maasha(f"login maas {region.url} {KEY}")
    assert (done.status, "is no region's API" in done.err) == (1, True)
    region.will_answer("GET users/", Reply(200, {"username": "a"}))
    region.will_answer("GET describe/", Reply(200, []))
    done = user.maasha(f"login maas {region.url} {KEY}")
    assert (done.status, "asked to describe it" in done.err) == (1, True)


def test_profiles_are_listed_without_keys(admin: User, region: SmallRegion) -> None:
    """The list shows names and URLs."""
    done = admin.maasha("list")
    assert done.out.splitlines()[1].split() == ["maas", f"{region.url}api/2.0/", "system's", "CAs"]
    assert "s3cret" not in done.out
    assert admin.maasha("logout maas").status == 0
    done = admin.maasha("list")
    assert (done.status, done.out) == (0, "")
    assert "make one: maasha login PROFILE URL" in done.err
    assert admin.maasha("logout maas").status == 2


def test_without_a_profile(user: User) -> None:
    """Every command says how to make a profile when there is none."""
    for words in ("maas subnets read", "status", "refresh maas"):
        done = user.maasha(words)
        assert (done.status, "maasha login PROFILE URL" in done.err) == (2, True)


def test_refresh(admin: User, region: SmallRegion) -> None:
    """`refresh` learns the commands anew, of one profile or of all."""
    for words in ("refresh", "refresh maas"):
        region.described[0] = document(hash_=words)
        assert admin.maasha(words).status == 0
    assert len(region.asked("GET", "describe/")) == 2
    assert '"refresh maas"' in (admin.home / ".maasha" / "maas.api.json").read_text()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Write a certificate for localhost that no one has signed, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "ca.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.fixture
def tls_region(certificate: Path) -> Iterator[SmallRegion]:
    """Run a region that speaks TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with running_region(context) as region:
        yield region


def test_unknown_certificates(user: User, tls_region: SmallRegion, certificate: Path) -> None:
    """A certificate is trusted through CAs of one's own, which are kept, or not checked at all."""
    url = tls_region.url
    done = user.maasha(f"login maas {url} {KEY}")
    assert (done.status, "certificate verify failed" in done.err) == (1, True)
    assert tls_region.seen == []
    assert user.maasha(f"login maas {url} {KEY} --cacerts {certificate}").status == 0
    assert user.maasha(f"login lax {url} {KEY} -k").status == 0
    certificate.unlink()
    for profile in ("maas", "lax"):
        done = user.maasha(f"{profile} users whoami")
        assert (done.status, done.err) == (0, "")
    assert [line.split()[2:] for line in user.maasha("list").out.splitlines()[1:]] == [
        ["anyone"],
        ["own", "CAs"],
    ]


def test_wrong_files_of_cas(user: User, region: SmallRegion) -> None:
    """A file without a certificate is refused before a profile depends on it."""
    (user.home / "empty.pem").write_text("")
    for name, problem in (("empty.pem", "has no certificate"), ("gone.pem", "cannot be read")):
        done = user.maasha(f"login maas {region.url} {KEY} --cacerts {name}")
        assert (done.status, problem in done.err) == (2, True)
