"""`maasha-region` makes an instance, an administrator and API keys in a real database."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from maasha.db.dsn import DatabaseSettings

KEY = re.compile(r"\S{18}:\S{18}:\S{32}")


def maasha_region(config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program."""
    argv = [sys.executable, "-m", "maasha.region.commands", "--config", str(config), *arguments]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def config(empty_database: DatabaseSettings, tmp_path: Path) -> Path:
    """Give a regiond.conf for an empty database."""
    path = tmp_path / "regiond.conf"
    host = empty_database.hosts[0]
    path.write_text(
        f"# the region\ndata_dir: {tmp_path}\ndatabase_host: {host.name}\n"
        f"database_port: {host.port}\ndatabase_name: {empty_database.name}\n"
        f"database_user: {empty_database.user}\ndatabase_pass: '{empty_database.password}'\n"
    )
    return path


def test_an_instance_is_made_once(config: Path) -> None:
    """The secret's file is written for root and its group; a second init changes nothing."""
    first = maasha_region(config, "init")
    assert first.returncode == 0, first.stderr
    secret = config.parent / "secret"
    assert re.fullmatch(r"[0-9a-f]{32}\n", secret.read_text())
    assert secret.stat().st_mode & 0o777 == 0o640
    text = secret.read_text()
    again = maasha_region(config, "init")
    assert "0 migrations applied" in again.stdout
    assert secret.read_text() == text


def test_an_administrator_gets_a_key(config: Path) -> None:
    """The same key is printed again, unless another one is asked for."""
    maasha_region(config, "init")
    assert maasha_region(config, "createadmin", "--username", "admin").returncode == 0
    key = maasha_region(config, "apikey", "--username", "admin").stdout.strip()
    assert KEY.fullmatch(key)
    assert maasha_region(config, "apikey", "--username", "admin").stdout.strip() == key
    more = maasha_region(config, "apikey", "--username", "admin", "--generate").stdout.strip()
    assert KEY.fullmatch(more)
    assert more != key


def test_a_user_who_is_not_there_is_named(config: Path) -> None:
    """The message says how to make one."""
    maasha_region(config, "init")
    done = maasha_region(config, "apikey", "--username", "nobody")
    assert done.returncode == 1
    assert "nobody" in done.stderr
    assert "createadmin" in done.stderr


def test_commands_before_init_say_so(config: Path) -> None:
    """A database without tables is no traceback."""
    done = maasha_region(config, "createadmin", "--username", "admin")
    assert done.returncode == 1
    assert "run maasha-region init" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_database_may_be_given_on_the_command_line(
    config: Path, empty_database: DatabaseSettings
) -> None:
    """The manual's options are written into the file; the rest of it stays as it was."""
    text = config.read_text()
    config.write_text(text.replace(f"database_name: {empty_database.name}\n", ""))
    done = maasha_region(config, "init", "--database-name", empty_database.name)
    assert done.returncode == 0, done.stderr
    assert f"database_name: {empty_database.name}" in config.read_text()
    assert config.read_text().startswith("# the region\n")


def test_a_database_that_is_away_is_said_in_a_line(config: Path) -> None:
    """The message names the host; nothing hangs."""
    config.write_text(re.sub(r"database_port: \d+", "database_port: 1", config.read_text()))
    done = maasha_region(config, "init")
    assert done.returncode == 1
    assert "maasha-region: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_no_text_is_refused(config: Path) -> None:
    """The message says where it ends to be UTF-8."""
    config.write_bytes(b"# \xff\n")
    for words in (["init"], ["init", "--database-name", "other"]):
        done = maasha_region(config, *words)
        assert done.returncode == 78
        assert done.stderr == f"{config}: not UTF-8 text (invalid start byte at byte 2)\n"
    assert config.read_bytes() == b"# \xff\n"


def test_a_wrong_file_is_refused(config: Path) -> None:
    """Every error has its line; the exit status is 78."""
    config.write_text("num_workers: many\ncolour: red\n")
    done = maasha_region(config, "init")
    assert done.returncode == 78
    assert "regiond.conf:1: num_workers" in done.stderr
    assert "regiond.conf:2: colour" in done.stderr
