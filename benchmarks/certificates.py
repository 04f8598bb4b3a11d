"""TLS 1.3 contexts with a certificate made for the run, EC P-256."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.internet import ssl

VALID = datetime.timedelta(days=1)


def make(folder: Path) -> None:
    """Write a key with its certificate, and the certificate alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    today = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - VALID)
        .not_valid_after(today + VALID)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    shown = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "pair.pem").write_bytes(secret + shown)
    (folder / "ca.pem").write_bytes(shown)


def folder() -> Path:
    """Give the folder that the runner has made for this run."""
    return Path(os.environ["BENCH_FOLDER"])


def server() -> Any:
    """Give the context of a server."""
    pair = ssl.PrivateCertificate.loadPEM((folder() / "pair.pem").read_bytes())
    return ssl.CertificateOptions(
        privateKey=pair.privateKey.original,
        certificate=pair.original,
        raiseMinimumTo=ssl.TLSVersion.TLSv1_3,
    )


def client() -> Any:
    """Give the context of a client."""
    trusted = ssl.Certificate.loadPEM((folder() / "ca.pem").read_bytes())
    return ssl.optionsForClientTLS(
        "localhost",
        trustRoot=trusted,
        extraCertificateOptions={"raiseMinimumTo": ssl.TLSVersion.TLSv1_3},
    )
