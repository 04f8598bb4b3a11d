"""`maasha-region` makes the instance, administrators and keys; done twice it changes nothing."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import frozen

from maasha.db.dsn import DatabaseSettings
from maasha.model.token import parse_token
from tests.postgres import Server

CONFIG = """\
data_dir: {folder}
database_host: 127.0.0.1
database_port: {port}
database_name: {name}
database_user: {user}
"""
KEY = r"[^:\s]+:[^:\s]+:[^:\s]+"


@frozen
class Host:
    """A region's host."""

    folder: Path

    @property
    def config(self) -> Path:
        """The path of regiond.conf."""
        return self.folder / "regiond.conf"

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `maasha-region`."""
        command = [sys.executable, "-m", "maasha.region.commands", *words]
        environment = os.environ | {"MAASHA_REGIOND_CONFIG": str(self.config)}
        return subprocess.run(
            command, capture_output=True, text=True, env=environment, check=False, timeout=60
        )

    def said(self, *words: str) -> str:
        """Run `maasha-region`, which has to succeed; give what it prints."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
def host(tmp_path: Path, empty_database: DatabaseSettings) -> Host:
    """Give a host whose database is empty."""
    found = empty_database
    text = CONFIG.format(
        folder=tmp_path, port=found.hosts[0].port, name=found.name, user=found.user
    )
    (tmp_path / "regiond.conf").write_text(text)
    return Host(tmp_path)


def test_from_nothing_to_an_api_key(
    host: Host, postgres: Server, empty_database: DatabaseSettings
) -> None:
    """Tables, instance, the racks' secret, an administrator and a key: one run each."""
    made = host.said("init")
    assert "migrations applied" in made
    secret = host.folder / "secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o640
    assert len(bytes.fromhex(secret.read_text())) == 16
    assert secret.read_text().strip() not in made
    assert host.said("createadmin", "--username", "admin") == "admin is an administrator"
    key = host.said("apikey", "--username", "admin")
    assert key.count(":") == 2
    name = empty_database.name
    assert postgres.ask("select is_superuser from user_account", database=name) == [(True,)]


def test_doing_it_again_changes_nothing(host: Host) -> None:
    """The same instance, secret and key; another key only where one is asked for."""
    instance = host.said("init").split(",")[0]
    secret = (host.folder / "secret").read_text()
    again = host.said("init")
    assert again.startswith(f"{instance}, 0 migrations applied")
    assert (host.folder / "secret").read_text() == secret
    host.said("createadmin", "--username", "admin")
    key = host.said("apikey", "--username", "admin")
    assert host.said("apikey", "--username", "admin") == key
    other = host.said("apikey", "--username", "admin", "--generate")
    assert other != key
    assert set(host.said("apikey", "--username", "admin").split()) == {key, other}


def test_a_token_is_printed(host: Host, postgres: Server, empty_database: DatabaseSettings) -> None:
    """One word, good for as long as was asked for, an hour if nobody asked."""
    host.said("init")
    for words in ((), ("--expires", "2d")):
        token = host.said("token", *words)
        assert str(parse_token(token)) == token
    ask = "select extract(epoch from expires - created)::int from join_token order by expires"
    assert postgres.ask(ask, database=empty_database.name) == [(3600,), (172800,)]
    wrong = host.run("token", "--expires", "soon")
    assert (wrong.returncode, "write it as 30m" in wrong.stderr) == (2, True)


def test_the_secret_is_replaced_in_two_steps(
    host: Host, postgres: Server, empty_database: DatabaseSettings
) -> None:
    """The file has the new one from the first step on; neither is printed."""
    host.said("init")
    file = host.folder / "secret"
    old = file.read_text().strip()
    begun = host.said("rotate-secret")
    new = file.read_text().strip()
    assert new != old
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    ask = "select secret, old_secret from instance"
    assert postgres.ask(ask, database=empty_database.name) == [(new, old)]
    assert "rotate-secret --finish" in begun
    again = host.run("rotate-secret")
    assert (again.returncode, "a rotation is open since" in again.stderr) == (1, True)
    finished = host.said("rotate-secret", "--finish")
    assert file.read_text().strip() == new
    assert postgres.ask(ask, database=empty_database.name) == [(new, None)]
    assert not {old, new} & set((begun + finished).split())
    assert host.run("rotate-secret", "--finish").returncode == 1


def test_what_goes_wrong_is_said_in_one_line(host: Host) -> None:
    """A user who is not there, tables that are not there, a database that is not there."""
    early = host.run("createadmin", "--username", "admin")
    assert early.returncode == 1
    assert "maasha-region init" in early.stderr
    host.said("init")
    for words in (("apikey", "--username", "nobody"), ("init",)):
        if words == ("init",):
            host.config.write_text(host.config.read_text().replace("database_name: ", "#") + "\n")
        done = host.run(*words)
        assert done.returncode == 1
        assert done.stderr.startswith("maasha-region: ")
        assert len(done.stderr.splitlines()) == 1


def test_a_wrong_file_is_refused_as_a_whole(host: Host) -> None:
    """With status 78, and each fault with its line."""
    host.config.write_text("prot: 1\nnum_workers: 0\n")
    done = host.run("init")
    assert done.returncode == 78
    assert [line.partition(": ")[0] for line in done.stderr.splitlines()] == [
        f"{host.config}:1",
        f"{host.config}:2",
    ]
    host.config.unlink()
    gone = host.run("init")
    assert (gone.returncode, "see conf/regiond.conf" in gone.stderr) == (78, True)
