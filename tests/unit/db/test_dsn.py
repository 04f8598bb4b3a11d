"""Where the database is."""

from __future__ import annotations

import pytest

from maasha.db.dsn import DatabaseSettings, Host


@pytest.mark.parametrize(
    ("host", "text", "is_socket"),
    [
        (Host("db1"), "db1:5432", False),
        (Host("2001:db8::1", 5434), "[2001:db8::1]:5434", False),
        (Host("/run/postgresql", 5433), "/run/postgresql:5433", True),
    ],
)
def test_host(host: Host, text: str, is_socket: bool) -> None:
    """A host is shown as people write it; a folder stands for a Unix socket."""
    assert str(host) == text
    assert host.is_socket is is_socket


def test_password() -> None:
    """The password is not shown."""
    assert "s3cret" not in repr(DatabaseSettings((Host("db1"),), "maasha", "maasha", "s3cret"))
