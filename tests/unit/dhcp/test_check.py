"""Checking a text, with scripts in dhcpd's place."""

from __future__ import annotations

from pathlib import Path

import pytest

from maasha.dhcp import check as module
from maasha.dhcp.check import Accepted, Refused, check
from tests.unit.dhcp.real import asynchronous, reactor


def script(tmp_path: Path, text: str) -> Path:
    """Write a program."""
    path = tmp_path / "dhcpd"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@asynchronous
async def test_dhcpd_reads_the_text_as_a_file(tmp_path: Path) -> None:
    """It is asked with -4 -t -cf FILE, and nothing is left behind."""
    draft = tmp_path / "draft"
    program = script(tmp_path, f'test "$1 $2 $3 $4" = "-4 -t -cf {draft}" && grep -q text $4')
    assert await check(reactor, program, "text", draft) == Accepted()
    assert [path.name for path in tmp_path.iterdir()] == ["dhcpd"]


@asynchronous
async def test_a_refusal_has_dhcpds_words_and_the_line(tmp_path: Path) -> None:
    """The listing joins both."""
    program = script(tmp_path, 'echo "$4 line 2: no good" >&2; exit 1')
    verdict = await check(reactor, program, "one\ntwo", tmp_path / "draft")
    assert verdict == Refused("line 2: no good\n     1 one\n>    2 two")


@asynchronous
async def test_a_refusal_of_hosts_blames_no_line_of_the_text(tmp_path: Path) -> None:
    """They are in a file of their own."""
    program = script(tmp_path, 'echo "$4.hosts line 2: no good" >&2; exit 1')
    verdict = await check(reactor, program, "one\ntwo", tmp_path / "draft")
    assert verdict == Refused("the file of hosts line 2: no good")


@asynchronous
async def test_a_check_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dhcpd that hangs on a text refuses it."""
    monkeypatch.setattr(module, "DEADLINE", 0.05)
    program = script(tmp_path, "exec sleep 60")
    verdict = await check(reactor, program, "text", tmp_path / "draft")
    assert verdict == Refused("dhcpd -t did not end within 0.05 s")


@asynchronous
async def test_without_dhcpd_every_text_is_refused(tmp_path: Path) -> None:
    """The reason names the program."""
    verdict = await check(reactor, tmp_path / "dhcpd", "text", tmp_path / "draft")
    assert isinstance(verdict, Refused)
    assert "dhcpd cannot check the text" in verdict.listing
