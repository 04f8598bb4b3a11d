"""`maasha-region`: make the instance, administrators and API keys."""

from __future__ import annotations

import argparse
import os
import random
import secrets
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from twisted.internet.base import ReactorBase
from twisted.internet.defer import Deferred
from twisted.internet.task import react

from maasha.config import ConfigurationErrors, RegiondSettings, parse_regiond, with_keys
from maasha.db import accounts, instance
from maasha.db.accounts import NoSuchUser
from maasha.db.connector import Connector
from maasha.db.errors import DatabaseError
from maasha.db.instance import NoInstance
from maasha.db.migrate import LIMITS, check, migrate_database
from maasha.db.pool import open_pool
from maasha.db.transaction import Transaction
from maasha.host.daemons import CONFIGURATION_ERROR
from maasha.host.files import SECRET_MODE, write_atomic
from maasha.region.database import database_settings

T = TypeVar("T")

DEFAULT_CONFIG = "/etc/maasha/regiond.conf"
CONFIG_VARIABLE = "MAASHA_REGIOND_CONFIG"
DATABASE_OPTIONS = {
    "--database-host": "database_host",
    "--database-name": "database_name",
    "--database-user": "database_user",
    "--database-pass": "database_pass",
    "--database-pass-file": "database_pass_file",
}
"""Options of `init`, as the manual has them, and the keys of regiond.conf that they set."""


def config_path() -> Path:
    """Give the path of regiond.conf: MAASHA_REGIOND_CONFIG, else /etc/maasha/regiond.conf."""
    return Path(os.environ.get(CONFIG_VARIABLE, DEFAULT_CONFIG))


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line; ends the process with its status."""
    arguments = _parser().parse_args(argv)
    try:
        settings = _settings(arguments)
    except ConfigurationErrors as errors:
        print(errors.listing(f"{arguments.config}:"), file=sys.stderr)
        raise SystemExit(CONFIGURATION_ERROR) from errors
    except OSError as error:
        print(f"{arguments.config}: {error.strerror}; see conf/regiond.conf", file=sys.stderr)
        raise SystemExit(CONFIGURATION_ERROR) from error
    except UnicodeDecodeError as error:
        place = f"{error.reason} at byte {error.start}"
        print(f"{arguments.config}: not UTF-8 text ({place})", file=sys.stderr)
        raise SystemExit(CONFIGURATION_ERROR) from error
    react(_run, (arguments, settings))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="maasha-region", description=__doc__)
    parser.add_argument("--config", type=Path, default=config_path(), help="path of regiond.conf")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    init = commands.add_parser("init", help="make the database's tables, the instance, its secret")
    for option, key in DATABASE_OPTIONS.items():
        init.add_argument(option, dest=key, help=f"set {key} in regiond.conf first")
    init.set_defaults(command=_init)
    admin = commands.add_parser("createadmin", help="make an administrator")
    admin.add_argument("--username", required=True)
    admin.add_argument("--email", default="")
    admin.set_defaults(command=_create_admin)
    apikey = commands.add_parser(
        "apikey", help="print a user's API keys; make one if there is none"
    )
    apikey.add_argument("--username", required=True)
    apikey.add_argument("--generate", action="store_true", help="make one more")
    apikey.set_defaults(command=_api_key)
    return parser


def _settings(arguments: argparse.Namespace) -> RegiondSettings:
    """Read regiond.conf, after writing into it what the command line says of the database."""
    given = {
        key: value for key in DATABASE_OPTIONS.values() if (value := getattr(arguments, key, None))
    }
    if not given:
        return parse_regiond(arguments.config.read_text(encoding="utf-8"))
    text = arguments.config.read_text("utf-8") if arguments.config.exists() else ""
    changed = with_keys(text, given)
    settings = parse_regiond(changed)
    write_atomic(arguments.config, changed, SECRET_MODE)
    return settings


def _run(
    reactor: ReactorBase, arguments: argparse.Namespace, settings: RegiondSettings
) -> Deferred[None]:
    return Deferred.fromCoroutine(_guarded(reactor, arguments, settings))


async def _guarded(
    reactor: ReactorBase, arguments: argparse.Namespace, settings: RegiondSettings
) -> None:
    """Carry out a command; what can go wrong is said in one line."""
    try:
        print(await arguments.command(reactor, arguments, settings))
    except (DatabaseError, NoInstance, NoSuchUser, OSError) as error:
        print(f"maasha-region: {error}", file=sys.stderr)
        raise SystemExit(1) from error


async def _init(reactor: ReactorBase, _: argparse.Namespace, settings: RegiondSettings) -> str:
    """Do what is missing; again changes nothing."""
    where = database_settings(settings)
    applied = await migrate_database(Connector(reactor, where, LIMITS, program="maasha-region"))
    made = await _transaction(reactor, settings, instance.create_instance)
    write_atomic(settings.secret_file, made.secret + "\n", SECRET_MODE)
    return (
        f"instance {made.id}, {len(applied)} migrations applied\n"
        f"the racks' secret is in {settings.secret_file}"
    )


async def _create_admin(
    reactor: ReactorBase, arguments: argparse.Namespace, settings: RegiondSettings
) -> str:
    async def change(tx: Transaction) -> str:
        await check(tx)
        user = await accounts.create_admin(tx, arguments.username, arguments.email)
        return f"{user.username} is an administrator"

    return await _transaction(reactor, settings, change)


async def _api_key(
    reactor: ReactorBase, arguments: argparse.Namespace, settings: RegiondSettings
) -> str:
    async def change(tx: Transaction) -> str:
        await check(tx)
        keys = await accounts.api_keys(tx, arguments.username)
        if keys and not arguments.generate:
            return "\n".join(keys)
        return await accounts.create_api_key(tx, arguments.username, secrets.choice)

    return await _transaction(reactor, settings, change)


async def _transaction(
    reactor: ReactorBase, settings: RegiondSettings, change: Callable[[Transaction], Awaitable[T]]
) -> T:
    pool = open_pool(
        reactor, database_settings(settings), 1, jitter=random.random, program="maasha-region"
    )
    pool.start()
    try:
        return await pool.run(change)
    finally:
        await pool.stop()


if __name__ == "__main__":
    main()
