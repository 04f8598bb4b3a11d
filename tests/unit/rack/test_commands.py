"""`maasha-rack register` changes the file, the secret and the memory, or nothing at all."""

from __future__ import annotations

import errno
import io
import stat
from pathlib import Path
from uuid import UUID

import pytest
import yaml

from maasha.host.daemons import CONFIGURATION_ERROR
from maasha.model.cluster import InstanceId, SystemId
from maasha.model.stamp import NEVER, Stamp
from maasha.rack import commands
from maasha.rack.commands import DEFAULT_CONFIG, config_path, main
from maasha.rack.memory import Memory

URL = "http://region:5240/MAAS/"
DIGITS = "c0ffee" * 6
SECRET = bytes.fromhex(DIGITS)


class Host:
    """A rack host: its configuration and data folder."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "etc" / "rackd.conf"
        self.data = folder / "data"
        self.memory = Memory(self.data, self.data / "secret")
        self.config.parent.mkdir()
        self.write(f"# ours\ndata_dir: {self.data}\nconnections: 3\n")

    def write(self, text: str) -> None:
        """Write rackd.conf."""
        self.config.write_text(text)

    def run(self, *words: str) -> int:
        """Run `maasha-rack`."""
        return main(["--config", str(self.config), *words])

    def files(self) -> dict[str, bytes]:
        """Read everything there is."""
        root = self.config.parent.parent
        return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """Give a host that was never registered."""
    return Host(tmp_path)


def test_url_and_secret_are_kept(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    """What else stands in rackd.conf stays, comments too; the secret is in no other file."""
    assert host.run("register", "--url", "http://region:5240", "--secret", DIGITS) == 0
    text = host.config.read_text()
    assert text.startswith(f"# ours\ndata_dir: {host.data}\nconnections: 3\n")
    assert yaml.safe_load(text)["maas_url"] == URL
    assert host.memory.secret == SECRET
    assert stat.S_IMODE((host.data / "secret").stat().st_mode) == 0o640
    assert [path for path, held in host.files().items() if b"c0ffee" in held] == [
        str(host.data / "secret")
    ]
    assert f"registered with {URL}" in capsys.readouterr().out


def test_a_secret_in_the_arguments_is_warned_of(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every user of the host can read it there; it is not repeated."""
    host.run("register", "--url", URL, "--secret", DIGITS)
    heard = capsys.readouterr()
    assert "--secret-file" in heard.err
    assert "c0ffee" not in heard.out + heard.err


def test_several_urls_become_a_list(host: Host) -> None:
    """In the order of preference."""
    other = "http://other:5240/MAAS/"
    host.run("register", "--url", URL, "--url", other, "--secret", DIGITS)
    assert yaml.safe_load(host.config.read_text())["maas_url"] == [URL, other]


def test_the_secret_comes_from_a_file(
    host: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a line's end or without; nothing has to be warned of then."""
    (tmp_path / "s").write_text(f"{DIGITS}\n")
    assert host.run("register", "--url", URL, "--secret-file", str(tmp_path / "s")) == 0
    assert host.memory.secret == SECRET
    assert capsys.readouterr().err == ""


def test_the_secret_comes_from_standard_input(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line of it."""
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{DIGITS}\nmore\n"))
    assert host.run("register", "--url", URL, "--secret", "-") == 0
    assert host.memory.secret == SECRET


def test_the_secret_is_asked_for(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without echo."""
    monkeypatch.setattr("getpass.getpass", lambda _: DIGITS)
    assert host.run("register", "--url", URL) == 0
    assert host.memory.secret == SECRET


def test_the_first_registration_needs_no_file(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """It makes rackd.conf, with nothing in it but the address."""
    host.config.unlink()
    kept: list[bytes] = []
    monkeypatch.setattr(Memory, "register", lambda _, secret, __: kept.append(secret))
    monkeypatch.setattr(commands, "require_writable", lambda _: None)
    assert host.run("register", "--url", URL, "--secret", DIGITS) == 0
    assert yaml.safe_load(host.config.read_text()) == {"maas_url": URL}
    assert kept == [SECRET]


def test_who_the_rack_was_is_forgotten(host: Host) -> None:
    """And a running rackd can tell this registration from the last."""
    host.run("register", "--url", URL, "--secret", DIGITS)
    first = host.memory.registration
    host.memory.belong(SystemId("abc346"), InstanceId(UUID(int=1)))
    host.memory.obey(Stamp(2, 3))
    host.memory.retire()
    host.run("register", "--url", URL, "--secret", DIGITS)
    assert (host.memory.system_id, host.memory.epoch) == (None, NEVER)
    assert not host.memory.retired
    assert host.memory.registration != first


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--url", "ftp://region", "--secret", DIGITS], "--url ftp://region: does not begin"),
        (["--url", URL, "--secret", "cafe table"], "not hexadecimal digits"),
        (["--url", URL, "--secret", ""], "not hexadecimal digits"),
        (["--url", URL, "--secret", "ab"], "not hexadecimal digits, 32 or more"),
        (["--url", URL, "--secret-file", "/"], "--secret-file /: cannot be read (Is a directory)"),
        (["--url", URL, "--secret-file", "/bin/sh"], "not hexadecimal digits"),
        (["--url", URL, "--secret-file", "/nowhere/secret"], "there is no such file"),
    ],
)
def test_what_is_wrong_changes_nothing(
    host: Host, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    """The reason is said in one line, and every file is as it was."""
    before = host.files()
    assert host.run("register", *words) in (1, 2, CONFIGURATION_ERROR)
    heard = capsys.readouterr().err
    assert says in heard
    assert "cafe" not in heard.replace("maasha", "")
    assert host.files() == before


@pytest.mark.parametrize("text", ["a: [", "conections: 3\n", "- a list\n"])
def test_an_unreadable_file_changes_nothing(
    host: Host, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    """What is wrong with rackd.conf is said with its line; the memory stays as it was."""
    host.write(text)
    before = host.files()
    assert host.run("register", "--url", URL, "--secret", DIGITS) == CONFIGURATION_ERROR
    assert f"{host.config}:1: " in capsys.readouterr().err
    assert host.files() == before


def test_a_file_that_is_no_text_changes_nothing(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message says at which byte it ends to be UTF-8."""
    host.config.write_bytes(b"# \xff\n")
    before = host.files()
    assert host.run("register", "--url", URL, "--secret", DIGITS) == CONFIGURATION_ERROR
    assert f"{host.config}: not UTF-8 text (invalid start byte at byte 2)" in heard(capsys)
    assert host.files() == before


def heard(capsys: pytest.CaptureFixture[str]) -> str:
    """Give what was said to people."""
    return capsys.readouterr().err


@pytest.mark.parametrize("where", ["data_dir", "secret_file"])
def test_a_place_that_cannot_be_written_changes_nothing(
    host: Host, capsys: pytest.CaptureFixture[str], where: str
) -> None:
    """Neither the configuration nor the memory, whichever of them stands in the way."""
    host.run("register", "--url", "http://first:5240/MAAS/", "--secret", DIGITS)
    host.write(host.config.read_text() + f"{where}: {host.config}/below\n")
    if where == "data_dir":
        host.write(host.config.read_text().replace(f"data_dir: {host.data}\n", ""))
    before = host.files()
    capsys.readouterr()
    assert host.run("register", "--url", URL, "--secret", "ab" * 16) == CONFIGURATION_ERROR
    assert f"{where} {host.config}/below of {host.config}: cannot be written (" in heard(capsys)
    assert host.files() == before


@pytest.mark.parametrize("config", ["data/secret/rackd.conf", "etc"])
def test_a_configuration_that_cannot_be_written_changes_nothing(
    host: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str], config: str
) -> None:
    """A folder that is a file, and a file that is a folder, are named."""
    host.run("register", "--url", "http://first:5240/MAAS/", "--secret", DIGITS)
    before = host.files()
    capsys.readouterr()
    words = ["--config", str(tmp_path / config), "register", "--url", URL, "--secret", DIGITS]
    assert main(words) == CONFIGURATION_ERROR
    assert f"--config {tmp_path / config}: cannot be " in heard(capsys)
    assert host.files() == before


def test_without_the_right_to_write_it_says_so(
    host: Host, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mend is to be root."""

    def refuse(path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(commands, "require_writable", refuse)
    before = host.files()
    assert host.run("register", "--url", URL, "--secret", DIGITS) == 1
    assert "cannot be written (Permission denied); run this command as root" in heard(capsys)
    assert host.files() == before


def test_a_memory_that_cannot_be_read_is_named(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one line, whatever is wrong with it."""
    (host.data / "system_id").mkdir(parents=True)
    assert host.run("show") == 1
    assert heard(capsys) == f"maasha-rack: {host.data / 'system_id'}: Is a directory\n"


def test_a_rack_shows_what_it_remembers(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    """Before its first link, and after its deletion."""
    host.run("register", "--url", URL, "--secret", DIGITS)
    capsys.readouterr()
    assert host.run("show") == 0
    assert capsys.readouterr().out == (
        f"system_id: none yet\ninstance:  none yet\nregions:   {URL}\nepoch:     0.0\n"
    )
    host.memory.belong(SystemId("abc346"), InstanceId(UUID(int=1)))
    host.memory.retire()
    host.run("show")
    heard = capsys.readouterr().out
    assert "system_id: abc346" in heard
    assert "register it anew" in heard


def test_the_file_is_named_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or it is where packages put it."""
    monkeypatch.delenv(commands.CONFIG_VARIABLE, raising=False)
    assert config_path() == DEFAULT_CONFIG
    monkeypatch.setenv(commands.CONFIG_VARIABLE, "/srv/rackd.conf")
    assert config_path() == Path("/srv/rackd.conf")
