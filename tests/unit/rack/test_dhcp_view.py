"""`maasha-rack dhcp` reads its words, and asks before it does what cannot be undone."""

from __future__ import annotations

from pathlib import Path

import pytest

from maasha.rack.commands import main


@pytest.fixture
def config(tmp_path: Path) -> str:
    """Give the rackd.conf of a rack that never served and whose rackd does not run."""
    path = tmp_path / "rackd.conf"
    path.write_text(f"data_dir: {tmp_path}\n")
    return str(path)


@pytest.mark.parametrize(
    "words",
    [
        ("leases", "--vlan", "eth0"),
        ("leases", "--mac", "laptop"),
        ("leases", "--ip", "10.0.0.1/8"),
        ("stop", "--for", "soon"),
        ("solo",),
    ],
)
def test_words_that_make_no_sense_are_refused(config: str, words: tuple[str, ...]) -> None:
    """With status 2, as by every command."""
    with pytest.raises(SystemExit) as ended:
        main(["--config", config, "dhcp", *words])
    assert ended.value.code == 2


def test_who_does_not_vouch_does_nothing(
    config: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The question says what it is about."""
    asked: list[str] = []

    def no(question: str) -> str:
        asked.append(question)
        return "yes"

    monkeypatch.setattr("builtins.input", no)
    assert main(["--config", config, "dhcp", "solo", "7"]) == 1
    assert "two would lease one address" in asked[0]
    assert "nothing is done" in capsys.readouterr().err
    monkeypatch.setattr("builtins.input", lambda _: "off")
    assert main(["--config", config, "dhcp", "solo", "7"]) == 1
    assert "no rackd runs here" in capsys.readouterr().err


def test_a_rack_that_never_served(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Has a status and no leases; what was stopped there counts for rackd."""
    assert main(["--config", config, "dhcp", "status"]) == 0
    assert "nothing is to be served" in capsys.readouterr().out
    assert main(["--config", config, "dhcp", "leases"]) == 0
    assert "0 leases" in capsys.readouterr().err
    assert main(["--config", config, "dhcp", "leases", "--format", "json"]) == 0
    assert capsys.readouterr().out == "[]\n"
    assert main(["--config", config, "dhcp", "stop", "--for", "1h"]) == 0
    assert "starts no dhcpd" in capsys.readouterr().out
    assert main(["--config", config, "dhcp", "status"]) == 0
    assert "ordered here: stop every VLAN" in capsys.readouterr().out
    assert main(["--config", config, "dhcp", "stop"]) == 1
    assert "every VLAN is stopped here" in capsys.readouterr().err
