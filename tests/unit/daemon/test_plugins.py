"""`twistd maasha-regiond` and `twistd maasha-rackd`: found, built, or refused with status 78."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
from twisted.application.service import IService, IServiceMaker
from twisted.plugin import getPlugins

from maasha.daemon import rackd, regiond
from maasha.rack.controller import Controller
from maasha.region.master import Master

WRONG = "conections: 3\nport: many\n"


def maker(name: str) -> IServiceMaker:
    """Find a plugin as twistd does."""
    (found,) = [plugin for plugin in getPlugins(IServiceMaker) if plugin.tapname == name]
    return found


def build(name: str, path: Path) -> IService:
    """Build the daemon's service from the command line `--config PATH`."""
    plugin = maker(name)
    options = plugin.options()
    options.parseOptions(["--config", str(path)])
    made: IService = plugin.makeService(options)
    return made


def refusal(name: str, path: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Build a daemon that cannot start; give the lines that it says."""
    with pytest.raises(SystemExit) as ended:
        build(name, path)
    assert ended.value.code == 78
    return capsys.readouterr().err.splitlines()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Give the path of a configuration file that says where the data is."""
    path = tmp_path / "conf"
    path.write_text(f"data_dir: {tmp_path}\n")
    return path


@pytest.mark.parametrize("name", ["maasha-regiond", "maasha-rackd"])
def test_a_wrong_file_is_refused_with_everything_at_once(
    name: str, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No restart would mend it: each fault is named with its line."""
    config.write_text(WRONG)
    lines = refusal(name, config, capsys)
    assert [line.partition(": ")[0] for line in lines] == [f"{config}:1", f"{config}:2"]


@pytest.mark.parametrize("name", ["maasha-regiond", "maasha-rackd"])
def test_a_missing_file_is_refused(
    name: str, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its path is named in full, wherever the daemon was started."""
    (line,) = refusal(name, config.parent / "none", capsys)
    assert line.startswith(f"{config.parent}/none: No such file")


def test_a_region_is_built(config: Path) -> None:
    """The master, which holds neither database nor links."""
    assert isinstance(build("maasha-regiond", config), Master)


def test_more_workers_than_connections_are_refused(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the number that fits into PostgreSQL's limit."""
    config.write_text("num_workers: 20\n")
    (line,) = refusal("maasha-regiond", config, capsys)
    assert line.startswith(f"{config}: num_workers: 20 workers")
    assert "from 1 to 13" in line


def test_a_rack_is_built(config: Path) -> None:
    """With all its parts, and nothing begun."""
    (config.parent / "secret").write_text("c0ffee\n")
    made = build("maasha-rackd", config)
    assert isinstance(made, Controller)
    assert not made.running


def test_a_rack_takes_all_the_open_files_that_it_may_have(config: Path) -> None:
    """It watches hundreds of VLANs, each with sockets of its own."""
    (config.parent / "secret").write_text("c0ffee\n")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))
    try:
        build("maasha-rackd", config)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_rack_that_was_never_registered_is_refused(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line says what to run."""
    (line,) = refusal("maasha-rackd", config, capsys)
    assert "run `maasha-rack register --url URL`" in line


def test_a_damaged_secret_is_refused_and_not_shown(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half a secret is a secret too."""
    (config.parent / "secret").write_text("c0ffe\n")
    (line,) = refusal("maasha-rackd", config, capsys)
    assert "c0ffe" not in line
    assert "register the rack again" in line


@pytest.mark.parametrize(
    ("name", "variable"),
    [("maasha-regiond", "MAASHA_REGIOND_CONFIG"), ("maasha-rackd", "MAASHA_RACKD_CONFIG")],
)
def test_the_environment_names_the_file(
    name: str,
    variable: str,
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Where the command line does not."""
    config.write_text("x: 1\n")
    monkeypatch.setenv(variable, str(config))
    plugin = maker(name)
    options = plugin.options()
    options.parseOptions([])
    with pytest.raises(SystemExit):
        plugin.makeService(options)
    assert str(config) in capsys.readouterr().err


def test_plugins_lead_to_their_modules() -> None:
    """The names on the command line and the composition roots belong together."""
    assert maker("maasha-regiond").options is regiond.Options
    assert maker("maasha-rackd").options is rackd.Options
