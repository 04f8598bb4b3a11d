"""From the words of regiond.conf to the database's settings."""

from __future__ import annotations

from maasha.config import RegiondSettings
from maasha.db.dsn import DatabaseSettings, Host
from maasha.host.files import read_text


def database_settings(settings: RegiondSettings) -> DatabaseSettings:
    """Give where the database is; the password's file is read now. Raises OSError for that."""
    return DatabaseSettings(
        hosts=tuple(Host(name, settings.database_port) for name in settings.database_host),
        name=settings.database_name,
        user=settings.database_user,
        password=_password(settings),
    )


def _password(settings: RegiondSettings) -> str:
    if settings.database_pass_file is None:
        return settings.database_pass
    text = read_text(settings.database_pass_file)
    if text is None:
        raise FileNotFoundError(f"database_pass_file: there is no {settings.database_pass_file}")
    return text
