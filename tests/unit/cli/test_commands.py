"""The words of the command line and what they ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

from maasha.cli.commands import (
    RESERVED,
    Call,
    Command,
    HandOver,
    ListProfiles,
    Login,
    Logout,
    Refresh,
    Status,
    api_url,
    parse,
    profile_name,
)
from maasha.cli.failures import Misused
from maasha.cli.placement_words import Balance

URL = "http://region:5240/MAAS/api/2.0/"


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("login maas http://region:5240/MAAS/ a:b:c", Login("maas", URL, "a:b:c")),
        ("login maas http://region:5240", Login("maas", URL)),
        ("login maas http://region:5240/MAAS -", Login("maas", URL, "-")),
        (
            "login -k --cacerts ca.pem maas http://region:5240/MAAS/api/2.0",
            Login("maas", URL, None, Path("ca.pem"), True),
        ),
        ("logout maas", Logout("maas")),
        ("list", ListProfiles()),
        ("refresh", Refresh()),
        ("refresh maas", Refresh("maas")),
        ("status", Status()),
        ("status maas", Status("maas")),
        ("balance", Balance()),
        ("maas subnets read", Call(("maas", "subnets", "read"))),
        ("subnets read", Call(("subnets", "read"))),
        ("maas", Call(("maas",))),
        (
            "init rack --maas-url http://r/MAAS --secret s",
            HandOver("maasha-rack", ("register", "--url", "http://r/MAAS", "--secret", "s")),
        ),
        (
            "init rack --maas-url=http://r/",
            HandOver("maasha-rack", ("register", "--url=http://r/")),
        ),
        (
            "init region --database-host db",
            HandOver("maasha-region", ("init", "--database-host", "db")),
        ),
        ("createadmin --username a", HandOver("maasha-region", ("createadmin", "--username", "a"))),
        ("apikey --help", HandOver("maasha-region", ("apikey", "--help"))),
        ("help apikey", HandOver("maasha-region", ("apikey", "--help"))),
        ("help subnet", Call(("subnet", "--help"))),
    ],
)
def test_words(words: str, command: Command) -> None:
    """Each form of the command line asks for one thing."""
    assert parse(words.split()) == command


def test_secrets_of_a_command_are_not_shown() -> None:
    """A command can be printed without giving a key or a secret away."""
    for words in ("login maas http://r/ a:b:hunter2", "init rack --secret hunter2"):
        assert "hunter2" not in repr(parse(words.split()))


@pytest.mark.parametrize(
    "words", ["", "--help", "-h", "help", "help help", "login --help", "help login", "--version"]
)
def test_help(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """No words, or a question for help, show what there is and are no failure."""
    with pytest.raises(SystemExit) as caught:
        parse(words.split())
    assert not caught.value.code
    assert "maasha" in capsys.readouterr().out


@pytest.mark.parametrize("words", ["login", "login maas", "--nonsense", "list all", "logout"])
def test_wrong_words(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Words that fit no command are refused with how it is written."""
    with pytest.raises(SystemExit) as caught:
        parse(words.split())
    assert caught.value.code == 2
    assert "usage: maasha" in capsys.readouterr().err


@pytest.mark.parametrize("words", ["init", "init both", "init region+rack"])
def test_init_is_for_a_region_or_a_rack(words: str) -> None:
    """`init` says what it can make."""
    with pytest.raises(Misused, match="maasha init rack --maas-url"):
        parse(words.split())


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_commands_are_no_names_of_profiles(name: str) -> None:
    """A profile never hides a command."""
    with pytest.raises(Misused, match="choose another name"):
        parse(["login", name, "http://r/"])


@pytest.mark.parametrize("name", ["", "a/b", "..", ".a", "-a", "a b", "a" * 65, "\u00e9"])
def test_names_of_profiles_are_names_of_files(name: str) -> None:
    """A profile's name can stand on the command line and in a folder."""
    with pytest.raises(Misused, match="no name for a profile"):
        profile_name(name)


def test_ordinary_names() -> None:
    """Names as people choose them are fine."""
    for name in ("maas", "prod-1", "a.b_c", "admin", "0"):
        assert profile_name(name) == name


def test_urls() -> None:
    """A URL is refused with the reason; one with a password in it is not repeated."""
    assert api_url("https://r/MAAS/api/2.0///") == "https://r/MAAS/api/2.0/"
    with pytest.raises(Misused, match="'region:5240' does not begin with http"):
        api_url("region:5240")
    with pytest.raises(Misused) as caught:
        api_url("http://me:hunter2@region/")
    assert "hunter2" not in str(caught.value)
