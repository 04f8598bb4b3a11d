"""`maasha-rack`: register a rack controller with an instance, and say what it remembers."""

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
from maasha.host.daemons import CONFIGURATION_ERROR
from maasha.host.files import PLAIN_MODE, read_text, require_writable, write_atomic
from maasha.rack.memory import Memory
from maasha.rpc.handshake import SHORTEST_SECRET

DEFAULT_CONFIG = Path("/etc/maasha/rackd.conf")
CONFIG_VARIABLE = "MAASHA_RACKD_CONFIG"


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
    """Run the command line; gives the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except ConfigurationErrors as errors:
        print(errors.listing(f"{arguments.config}:"), file=sys.stderr)
        return CONFIGURATION_ERROR
    except CommandFailed as failed:
        print(f"maasha-rack: {failed}", file=sys.stderr)
        return failed.status
    except OSError as error:
        print(f"maasha-rack: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="maasha-rack", description=__doc__)
    parser.add_argument("--config", type=Path, default=config_path(), help="path of rackd.conf")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    register = commands.add_parser(
        "register", help="join an instance; what the rack was before is forgotten"
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
    register.set_defaults(run=_register)
    show = commands.add_parser("show", help="print whom the rack belongs to")
    show.set_defaults(run=_show)
    return parser


def _register(arguments: argparse.Namespace) -> None:
    """Change rackd.conf and the data folder; a running rackd notices and begins anew."""
    urls = tuple(_url(text) for text in arguments.url)
    secret = _secret(arguments.secret, arguments.secret_file)
    text = _config_text(arguments.config)
    changed = with_keys(text, {"maas_url": urls[0] if len(urls) == 1 else urls})
    settings = parse_rackd(changed)
    _require_writable(arguments.config, settings)
    Memory(settings.data_dir, settings.secret_file).register(secret, str(uuid4()))
    write_atomic(arguments.config, changed, PLAIN_MODE)  # last: until then the rack was elsewhere
    print(f"registered with {', '.join(urls)}; maasha-rackd connects as soon as it runs")


def _show(arguments: argparse.Namespace) -> None:
    settings = parse_rackd(_config_text(arguments.config))
    memory = Memory(settings.data_dir, settings.secret_file)
    print(f"system_id: {memory.system_id or 'none yet'}")
    print(f"instance:  {memory.instance or 'none yet'}")
    print(f"regions:   {', '.join(settings.maas_url)}")
    print(f"epoch:     {memory.epoch}")
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


def _secret(given: str | None, file: Path | None) -> bytes:
    """Take the secret from where it was given, else ask for it; raises CommandFailed."""
    if file is not None:
        text = _secret_text(file)
    elif given == "-":
        text = sys.stdin.readline()
    elif given is not None:
        print(
            "warning: every user of this host can read a secret from the command line; "
            "--secret-file FILE, `--secret -` and the prompt keep it",
            file=sys.stderr,
        )
        text = given
    else:
        text = getpass.getpass("shared secret (hexadecimal digits): ")
    return _bytes(text.strip())


def _secret_text(file: Path) -> str:
    try:
        text = read_text(file)
    except OSError as error:
        raise _barred(f"--secret-file {file}: cannot be read", error) from error
    except UnicodeDecodeError:
        text = ""  # no digits either
    if text is None:
        raise CommandFailed(f"--secret-file {file}: there is no such file")
    return text


def _bytes(text: str) -> bytes:
    try:
        secret = bytes.fromhex(text)
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
