"""The benchmark of the RPC layer: which systems run in which round, and what it ends with."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from benchmarks import processes, rpc
from benchmarks.bars import RPC
from benchmarks.processes import Broken


def test_every_other_round_goes_backwards() -> None:
    """What warms the machine up does so for each system."""
    there, back = rpc.chosen(quick=True, number=0), rpc.chosen(quick=True, number=1)
    assert back == there[::-1] == list(rpc.QUICK)[::-1]


def test_a_full_run_measures_all_in_each_round() -> None:
    """Also the crowds, which a quick run leaves out."""
    assert set(rpc.chosen(quick=False, number=4)) == set(rpc.FULL) > set(rpc.QUICK)


def test_what_breaks_is_missing_from_its_round(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The others go on, and its last words are shown."""

    def breaks() -> dict[str, Any]:
        raise Broken("no port")

    monkeypatch.setattr(rpc, "QUICK", dict.fromkeys(rpc.QUICK))
    monkeypatch.setattr(rpc, "FULL", dict.fromkeys(rpc.FULL, lambda: {"s1": 1}) | {"stock": breaks})
    (found,) = rpc.run(1, quick=True)
    assert set(found) == set(rpc.QUICK) - {"stock"}
    assert "stock broke: no port" in capsys.readouterr().err


def test_a_run_that_measured_nothing_ends_with_1_and_says_so_in_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A quick run owes the quick bars, and each of them is short."""
    where = tmp_path / "rpc.json"
    monkeypatch.setattr(processes, "spinners", nullcontext)
    monkeypatch.setattr(rpc, "run", lambda rounds, **_: [{} for _ in range(rounds)])
    monkeypatch.setattr(sys, "argv", ["rpc", "--quick", "--rounds", "1", "--json", str(where)])
    assert rpc.main() == 1
    rows = json.loads(where.read_text())
    owed = [bar.figure for bar in RPC if bar.quick]
    assert [row["name"] for row in rows] == owed
    keys = {"name", "value", "unit", "peer", "ratio", "bar", "holds"}
    assert all(set(row) == keys and row["holds"] is False for row in rows)
    out = capsys.readouterr().out
    assert f"0 of {len(owed)} bars met" in out
    assert max(map(len, out.splitlines())) <= 100
