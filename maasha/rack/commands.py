"""`maasha-rack`: register a rack with an instance, and say what it remembers and does."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from attrs import frozen

from maasha.config import (
    ConfigurationErrors,
    RackdSettings,
    Unfit,
    parse_rackd,
    url,
    with_keys,
)
from maasha.host.argv import conceal, words_of
from maasha.host.daemons import CONFIGURATION_ERROR
from maasha.host.files import PLAIN_MODE, read_text, require_writable, write_atomic
from maasha.model.token import JoinToken, parse_token
from maasha.rack import dhcp_view, views
from maasha.rack.control_client import Unanswered
from maasha.rack.control_lines import Refused
from maasha.rack.lookout import view
from maasha.rack.memory import Memory, SecretMalformed, SecretMissing
from maasha.rpc.credentials import Kind
from maasha.rpc.handshake import SHORTEST_SECRET

DEFAULT_CONFIG = Path("/etc/maasha/rackd.conf")
CONFIG_VARIABLE = "MAASHA_RACKD_CONFIG"
SECRET_OPTIONS = ("--secret", "--token")
KINDS = {Kind.KEY: "its own key", Kind.TOKEN: "a join token", Kind.SECRET: "the shared secret"}


@frozen
class CommandFailed(Exception):
    """A command could not do its work; shown to people as it is."""

    message: str
    status: int = 1

    def __str__(self) -> str:
        return self.message


def config_path() -> Path:
    """Give the path of rackd.conf: MAASHA_RACKD_CONFIG, else /etc/maasha/rackd.conf."""
    return Path(os.environ.get(CONFIG_VARIABLE, DEFAULT_CONFIG))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; gives the exit status.

    A secret among the words is gone from what other users can see before anything else is done.
    """
    words = sys.argv[1:] if argv is None else argv
    conceal(words_of(words, SECRET_OPTIONS))
    arguments = _parser().parse_args(words)
    try:
        arguments.run(arguments)
    except ConfigurationErrors as errors:
        print(errors.listing(f"{arguments.config}:"), file=sys.stderr)
        return CONFIGURATION_ERROR
    except CommandFailed as failed:
        print(f"maasha-rack: {failed}", file=sys.stderr)
        return failed.status
    except (Refused, Unanswered) as error:
        print(f"maasha-rack: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"maasha-rack: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    # an abbreviated --secret would not be concealed
    parser = argparse.ArgumentParser(prog="maasha-rack", description=__doc__, allow_abbrev=False)
    parser.add_argument("--config", type=Path, default=config_path(), help="path of rackd.conf")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    register = commands.add_parser(
        "register",
        help="join an instance; what the rack was before is forgotten",
        allow_abbrev=False,
    )
    register.add_argument(
        "--url",
        action="append",
        required=True,
        metavar="URL",
        help="a region's http://HOST:5240/MAAS/; may be given several times",
    )
    secret = register.add_mutually_exclusive_group()
    secret.add_argument("--secret", metavar="HEX", help="the shared secret, `-`: standard input")
    secret.add_argument("--secret-file", type=Path, metavar="FILE", help="a file that holds it")
    secret.add_argument(
        "--token", metavar="TOKEN", help="a join token of maasha-region token, `-`: standard input"
    )
    secret.add_argument("--token-file", type=Path, metavar="FILE", help="a file that holds it")
    register.set_defaults(run=_register)
    show = commands.add_parser("show", help="print whom the rack belongs to")
    show.set_defaults(run=_show)
    for part in (views, view, dhcp_view):
        part.add_to(commands, _data_dir)
    return parser


def _data_dir(arguments: argparse.Namespace) -> Path:
    return parse_rackd(_config_text(arguments.config)).data_dir


def _register(arguments: argparse.Namespace) -> None:
    """Change rackd.conf and the data folder; a running rackd notices and begins anew."""
    urls = tuple(_url(text) for text in arguments.url)
    given = _given(arguments)
    text = _config_text(arguments.config)
    changed = with_keys(text, {"maas_url": urls[0] if len(urls) == 1 else urls})
    settings = parse_rackd(changed)
    _require_writable(arguments.config, settings)
    Memory(settings.data_dir, settings.secret_file).register(given, str(uuid4()))
    write_atomic(arguments.config, changed, PLAIN_MODE)  # last: until then the rack was elsewhere
    print(f"registered with {', '.join(urls)}; maasha-rackd connects as soon as it runs")


def _show(arguments: argparse.Namespace) -> None:
    settings = parse_rackd(_config_text(arguments.config))
    memory = Memory(settings.data_dir, settings.secret_file)
    print(f"system_id: {memory.system_id or 'none yet'}")
    print(f"instance:  {memory.instance or 'none yet'}")
    print(f"regions:   {', '.join(settings.maas_url)}")
    print(f"epoch:     {memory.epoch}")
    print(f"proves:    {_proves(memory)}")
    if memory.retired:
        print("deleted from its instance: register it anew to bring it back")


def _config_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8") if path.exists() else ""
    except OSError as error:
        raise _barred(f"--config {path}: cannot be read", error) from error
    except UnicodeDecodeError as error:
        what = f"{path}: not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8"
        raise CommandFailed(what, CONFIGURATION_ERROR) from error


def _require_writable(config: Path, settings: RackdSettings) -> None:
    """Find out that a file cannot be written before anything is changed; raises CommandFailed."""
    places = {
        f"--config {config}": config,
        f"data_dir {settings.data_dir} of {config}": settings.data_dir / "registration",
        f"secret_file {settings.secret_file} of {config}": settings.secret_file,
    }
    for what, path in places.items():
        try:
            require_writable(path)
        except OSError as error:
            raise _barred(f"{what}: cannot be written", error) from error


def _barred(what: str, error: OSError) -> CommandFailed:
    """Say why a file is out of reach, and what to do."""
    if isinstance(error, PermissionError):
        return CommandFailed(f"{what} ({error.strerror}); run this command as root")
    return CommandFailed(f"{what} ({error.strerror}); name another path", CONFIGURATION_ERROR)


def _url(text: str) -> str:
    try:
        return url(text)
    except Unfit as unfit:
        raise CommandFailed(f"--url {text}: {unfit}", status=2) from unfit


def _proves(memory: Memory) -> str:
    try:
        return KINDS[memory.identity.credential.kind]
    except (SecretMissing, SecretMalformed) as error:
        return str(error)


def _given(arguments: argparse.Namespace) -> bytes | JoinToken:
    """Take secret or token from where it was given, else ask for the secret."""
    if arguments.token is not None or arguments.token_file is not None:
        return _token(_words(arguments.token, arguments.token_file, "token"))
    if arguments.secret is not None or arguments.secret_file is not None:
        return _bytes(_words(arguments.secret, arguments.secret_file, "secret"))
    return _bytes(getpass.getpass("shared secret (hexadecimal digits): "))


def _words(given: str | None, file: Path | None, what: str) -> str:
    """Read the line that holds it; raises CommandFailed."""
    if file is not None:
        return _file_text(file, what)
    if given == "-":
        return sys.stdin.readline()
    print(
        f"warning: every user of this host could read the {what} from the command line until now; "
        f"--{what}-file FILE, `--{what} -` and the prompt keep it",
        file=sys.stderr,
    )
    return given or ""


def _token(text: str) -> JoinToken:
    try:
        return parse_token(text.strip())
    except ValueError as error:
        raise CommandFailed(f"--token: {error}", status=2) from error


def _file_text(file: Path, what: str) -> str:
    try:
        text = read_text(file)
    except OSError as error:
        raise _barred(f"--{what}-file {file}: cannot be read", error) from error
    except UnicodeDecodeError:
        text = ""  # nothing that could be meant
    if text is None:
        raise CommandFailed(f"--{what}-file {file}: there is no such file")
    return text


def _bytes(text: str) -> bytes:
    try:
        secret = bytes.fromhex(text.strip())
    except ValueError:
        secret = b""
    if len(secret) < SHORTEST_SECRET:
        raise CommandFailed(
            f"the secret is not hexadecimal digits, {2 * SHORTEST_SECRET} or more: copy all of it "
            "from the file `secret` of the region",
            status=2,
        )
    return secret


if __name__ == "__main__":
    sys.exit(main())
