"""What regiond.conf says of PostgreSQL becomes the way there."""

from __future__ import annotations

from pathlib import Path

import pytest

from maasha.config import parse_regiond
from maasha.db.dsn import Host
from maasha.region.database import database_settings


def test_hosts_share_one_port() -> None:
    """They are tried in the order of the file; a socket's folder is a host like any other."""
    settings = parse_regiond("database_host: [db1, /run/postgresql]\ndatabase_port: 5433\n")
    found = database_settings(settings)
    assert found.hosts == (Host("db1", 5433), Host("/run/postgresql", 5433))
    assert (found.name, found.user, found.password) == ("maasha", "maasha", "")


def test_the_password_stands_in_the_file() -> None:
    """And is shown nowhere."""
    found = database_settings(parse_regiond("database_pass: tiger\n"))
    assert found.password == "tiger"
    assert "tiger" not in repr(found)


def test_or_in_a_file_of_its_own(tmp_path: Path) -> None:
    """The end of its line is no part of it."""
    (tmp_path / "pass").write_text("tiger\n")
    settings = parse_regiond(f"database_pass_file: {tmp_path / 'pass'}\n")
    assert database_settings(settings).password == "tiger"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With the key that names it."""
    settings = parse_regiond(f"database_pass_file: {tmp_path / 'pass'}\n")
    with pytest.raises(FileNotFoundError, match="database_pass_file: there is no"):
        database_settings(settings)
