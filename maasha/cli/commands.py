"""What the words of the command line ask for."""

from __future__ import annotations

import re
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from attrs import field, frozen

from maasha import __version__
from maasha.cli import placement_words, roles_words
from maasha.cli.failures import Misused
from maasha.cli.placement_words import Acknowledge, Balance, Drain, Pause, Resume
from maasha.cli.roles_words import Roles
from maasha.cli.standing_words import Standing, TakeOver
from maasha.config import Unfit, url


@frozen
class Login:
    """Make a profile. `key` is None to be asked for, `-` to be read from standard input."""

    profile: str
    url: str
    key: str | None = field(default=None, repr=False)
    cacerts: Path | None = None
    insecure: bool = False


@frozen
class Logout:
    """Forget a profile."""

    profile: str


@frozen
class ListProfiles:
    """Show the profiles."""


@frozen
class Refresh:
    """Fetch the descriptions of the commands anew, of one profile or (empty) of all."""

    profile: str = ""


@frozen
class Status:
    """Show how the cluster is; the profile may be empty when there is only one."""

    profile: str = ""


@frozen
class HandOver:
    """Become another program."""

    program: str
    arguments: tuple[str, ...] = field(repr=False)


@frozen
class Call:
    """Call the API: `[PROFILE] NOUN VERB ...`."""

    words: tuple[str, ...]


OfPlacement = Drain | Balance | Pause | Resume | Acknowledge
OfDhcp = Roles | Standing | TakeOver
Command = Login | Logout | ListProfiles | Refresh | Status | OfPlacement | OfDhcp | HandOver | Call

_INIT_MEND = (
    "maasha init rack --maas-url URL --secret SECRET, or maasha init region --database-host HOST"
)
_USAGE = """\
Commands of a region's API, for one of the profiles made by 'maasha login':
  maasha [PROFILE] NOUN VERB [ID ...] [NAME=VALUE ...] [NAME@=FILE ...]
  maasha [PROFILE] NOUN --help
PROFILE may be left out when there is only one.

Commands on the host of a controller:
  maasha init region|rack ...         set up a controller (maasha-region init, maasha-rack register)
  maasha createadmin|apikey ...       as maasha-region createadmin|apikey

Exit status: 0 done, 1 no answer or a local fault, 2 refused or written wrong,
3 it goes on, but took longer than was to be waited for (drain --wait).
"""


def parse(argv: Sequence[str]) -> Command:
    """Give the command that the words after `maasha` ask for.

    Raises `Misused`; `--help` and words that fit no command end in `SystemExit` by argparse.
    """
    first = argv[0] if argv else "--help"
    if first == "help":
        return parse([*argv[1:], "--help"])
    if first in _HANDED_OVER:
        return _HANDED_OVER[first](tuple(argv))
    if first in VERBS or first.startswith("-"):
        options = _parser().parse_args([first, *argv[1:]])
        command: Command = _MADE[options.verb](**_given(vars(options)))
        return command
    return Call(tuple(argv))


def _given(options: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in options.items() if name != "verb"}


def _login(profile: str, url: str, **options: object) -> Login:
    return Login(profile_name(profile), api_url(url), **options)  # type: ignore[arg-type]  # argparse's


def api_url(text: str) -> str:
    """Give the URL of a region's API: a region's own URL with `api/2.0/` added if missing."""
    try:
        return url(re.sub(r"/api/2\.0/*$", "/", text)) + "api/2.0/"
    except Unfit as unfit:
        shown = "The URL" if unfit.hidden else f"The URL {text!r}"
        raise Misused(f"{shown} {unfit.what}", unfit.mend) from None


def profile_name(text: str) -> str:
    """Give a name that may stand first on the command line and be a file's name."""
    if text in RESERVED:
        raise Misused(f"{text!r} is a command of maasha", "choose another name for the profile")
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", text):
        mend = "take up to 64 letters, digits, '.', '_' or '-', a letter or digit first"
        raise Misused(f"{text!r} is no name for a profile", mend)
    return text


def _init(argv: tuple[str, ...]) -> HandOver:
    match argv[1:]:
        case ("rack", *rest):
            words = (re.sub("^--maas-url(?==|$)", "--url", word) for word in rest)
            return HandOver("maasha-rack", ("register", *words))
        case ("region", *rest):
            return HandOver("maasha-region", ("init", *rest))
        case _:
            raise Misused("init makes a region or a rack", _INIT_MEND)


def _region(argv: tuple[str, ...]) -> HandOver:
    return HandOver("maasha-region", argv)


_HANDED_OVER: Mapping[str, Callable[[tuple[str, ...]], HandOver]] = {
    "init": _init,
    "createadmin": _region,
    "apikey": _region,
}

_MADE: Mapping[str, Callable[..., Command]] = {
    "login": _login,
    "logout": Logout,
    "list": ListProfiles,
    "refresh": Refresh,
    "status": Status,
    **placement_words.MADE,
    **roles_words.MADE,
}

VERBS = frozenset(_MADE)
RESERVED = VERBS | frozenset(_HANDED_OVER) | {"help", "version", "power", "top"}
"""Words that no profile may be named; the last two are kept for commands to come."""


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="maasha",
        description="Talks to the regions of a maasha cluster.",
        epilog=_USAGE,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"maasha {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="COMMAND")
    login = verbs.add_parser("login", help="make a profile from a region's URL and an API key")
    login.add_argument("profile", metavar="PROFILE")
    login.add_argument("url", metavar="URL", help="for example http://10.0.0.1:5240/MAAS/")
    login.add_argument(
        "key",
        metavar="KEY",
        nargs="?",
        help="the API key; - reads it from standard input, without it you are asked: "
        "other users of this host can see a key among the words of a command",
    )
    login.add_argument("--cacerts", metavar="FILE", type=Path, help="PEM file of CAs to trust")
    login.add_argument(
        "-k", "--insecure", action="store_true", help="do not check the server's certificate"
    )
    logout = verbs.add_parser("logout", help="forget a profile")
    logout.add_argument("profile", metavar="PROFILE")
    verbs.add_parser("list", help="show the profiles")
    refresh = verbs.add_parser("refresh", help="learn the API's commands anew")
    refresh.add_argument("profile", metavar="PROFILE", nargs="?", default="")
    status = verbs.add_parser("status", help="show regions, racks, connections, DHCP and alarms")
    status.add_argument("profile", metavar="PROFILE", nargs="?", default="")
    placement_words.add_to(verbs)
    roles_words.add_to(verbs)
    return parser
