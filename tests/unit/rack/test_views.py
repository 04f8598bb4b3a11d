"""`maasha-rack links` and `rpc-trace` print what rackd says, and end as programs should."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from attrs import evolve

from maasha.model.codec import to_loose
from maasha.rack import views
from maasha.rack.commands import main
from maasha.rack.control_lines import (
    Answer,
    Done,
    Item,
    Refused,
    Request,
    read_request,
    write_answer,
)
from maasha.rack.link_report import LinkReport
from maasha.rpc.tracing.line import Kind, Line

NOON = datetime(2025, 3, 1, 12, 0, 0, tzinfo=UTC)
REPORT = LinkReport("region:pid=8", "10.0.0.1:5250", NOON, "healthy", 3, 0.0021, 0.0004)
LINE = Line(NOON, "region:pid=8", "10.0.0.1:5250", Kind.QUESTION, command="Own", ask="1")


class Rackd:
    """Listens as rackd does, and answers everyone the same."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "rackd.conf"
        self.config.write_text(f"data_dir: {folder}\n")
        self.answers: list[Answer] = []
        self.requests: list[Request] = []
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(folder / "control.sock"))
        self._socket.listen()
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def answer(self, items: Iterable[object], last: Answer) -> None:
        """Say from now on."""
        self.answers = [*(Item(to_loose(item)) for item in items), last]

    def run(self, *words: str) -> int:
        """Run a `maasha-rack` beside it."""
        return main(["--config", str(self.config), *words])

    def close(self) -> None:
        """Listen no more."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                channel, _ = self._socket.accept()
            except OSError:
                return
            with channel:
                self.requests.append(read_request(channel.makefile("rb").readline()))
                channel.sendall(b"".join(map(write_answer, self.answers)))


@pytest.fixture
def rackd(tmp_path: Path) -> Iterator[Rackd]:
    """Give one."""
    made = Rackd(tmp_path)
    yield made
    made.close()


def test_links_are_a_table(rackd: Rackd, capsys: pytest.CaptureFixture[str]) -> None:
    """One line for each."""
    young = evolve(REPORT, health="joining", round_trip=None, deviation=None)
    rackd.answer([REPORT, young], Done())
    assert rackd.run("links") == 0
    heads, one, two = capsys.readouterr().out.splitlines()
    assert heads.split("  ")[0] == "WORKER"
    assert one.startswith("region:pid=8  10.0.0.1:5250  2025-03-01 ")
    assert one.endswith("  healthy  2.1 ms ± 0.4 ms  3")
    assert two.split()[-3:] == ["joining", "-", "3"]
    assert rackd.requests == [Request("links")]


def test_times_are_the_hosts_own() -> None:
    """In its zone."""
    assert views.row(REPORT, UTC)[2] == "2025-03-01 12:00:00"


def test_no_link_is_said(rackd: Rackd, capsys: pytest.CaptureFixture[str]) -> None:
    """And where to look for the reason."""
    rackd.answer([], Done())
    assert rackd.run("links") == 0
    assert "rackd has no link now; its log says why" in capsys.readouterr().err


def test_links_are_json_on_demand(rackd: Rackd, capsys: pytest.CaptureFixture[str]) -> None:
    """One object per line."""
    rackd.answer([REPORT, REPORT], Done())
    assert rackd.run("links", "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [to_loose(REPORT)] * 2


def test_a_trace_is_printed_as_it_comes(
    rackd: Rackd, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until rackd ends it."""
    monkeypatch.setenv("COLUMNS", "70")
    values = {f"field{number}": number for number in range(9)}
    rackd.answer([LINE, evolve(LINE, values=values)], Refused("rackd stops"))
    assert rackd.run("rpc-trace", "--link", "region", "--all") == 1
    heard = capsys.readouterr()
    lines = heard.out.splitlines()
    assert lines[0].endswith("  region:pid=8 → Own #1")
    assert len(lines) == 4
    assert max(map(len, lines)) <= 70
    assert heard.err == "maasha-rack: rackd stops\n"
    assert rackd.requests == [Request("rpc-trace", {"link": "region", "all": True})]


def test_a_trace_is_json_on_demand(rackd: Rackd, capsys: pytest.CaptureFixture[str]) -> None:
    """As rackd sent it."""
    rackd.answer([LINE], Done())
    assert rackd.run("rpc-trace", "--json") == 0
    assert json.loads(capsys.readouterr().out) == to_loose(LINE)


def test_a_rackd_of_another_version_is_named(
    rackd: Rackd, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what to do."""
    rackd.answer([{"worker": 7}], Done())
    for words in (["links"], ["rpc-trace"]):
        assert rackd.run(*words) == 1
        error = capsys.readouterr().err
        assert error.startswith("maasha-rack: rackd is of another version")
        assert error.endswith("restart it\n")


def test_ctrl_c_is_a_good_end(rackd: Rackd, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trace has no other."""

    def interrupted(*_: object) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(views, "ask", interrupted)
    assert rackd.run("rpc-trace") == 0


def test_an_old_terminal_gets_arrows_that_it_can_show(
    rackd: Rackd, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made of two characters."""
    monkeypatch.setattr(views, "_can_show", lambda _: False)
    rackd.answer([LINE], Done())
    rackd.run("rpc-trace")
    assert " -> Own #1" in capsys.readouterr().out
