"""Users and their API keys (`consumer:token:secret`)."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable

from attrs import field, frozen

from maasha.db.transaction import Row, Transaction

KEY_LENGTHS = (18, 18, 32)
"""Characters of consumer key, token key and token secret, as MAAS has them."""
KEY_ALPHABET = string.ascii_letters + string.digits

Choose = Callable[[str], str]
"""Picks one character of a text; `secrets.choice` outside of tests."""


@frozen
class User:
    """Who calls."""

    id: int
    username: str
    email: str
    is_superuser: bool


@frozen
class StoredKey:
    """An API key's secret and whose it is."""

    user: User
    token_secret: str = field(repr=False)


@frozen
class NoSuchUser(Exception):
    """No user has this name."""

    username: str

    def __str__(self) -> str:
        return f"No user is named {self.username!r}; make one with maasha-region createadmin."


USERS = "select id, username, email, is_superuser from user_account"


async def users(tx: Transaction) -> tuple[User, ...]:
    """List the users by name."""
    rows = await tx.rows(f"{USERS} order by username")
    return tuple(_user(row) for row in rows)


async def create_admin(tx: Transaction, username: str, email: str = "") -> User:
    """Make an administrator; one that exists is made administrator and keeps its keys."""
    row = await tx.one(
        "insert into user_account (username, email, is_superuser) values (%s, %s, true) "
        "on conflict (username) do update set is_superuser = true, "
        "email = coalesce(nullif(excluded.email, ''), user_account.email) "
        "returning id, username, email, is_superuser",
        username,
        email,
    )
    assert row is not None  # noqa: S101 -- "insert ... on conflict update" gives the row or raises
    return _user(row)


async def create_api_key(
    tx: Transaction, username: str, choose: Choose = secrets.choice, name: str = "maasha"
) -> str:
    """Make a key for a user and give its text; raises `NoSuchUser`."""
    consumer, token, secret = (
        "".join(choose(KEY_ALPHABET) for _ in range(length)) for length in KEY_LENGTHS
    )
    made = await tx.execute(
        "insert into api_key (user_id, name, consumer_key, token_key, token_secret) "
        "select id, %s, %s, %s, %s from user_account where username = %s",
        name,
        consumer,
        token,
        secret,
        username,
    )
    if not made:
        raise NoSuchUser(username)
    return f"{consumer}:{token}:{secret}"


async def api_keys(tx: Transaction, username: str) -> tuple[str, ...]:
    """List a user's keys, the oldest first."""
    rows = await tx.rows(
        "select consumer_key, token_key, token_secret from api_key "
        "join user_account on user_account.id = user_id where username = %s order by api_key.id",
        username,
    )
    return tuple(f"{row.consumer_key}:{row.token_key}:{row.token_secret}" for row in rows)


async def find_key(tx: Transaction, consumer_key: str, token_key: str) -> StoredKey | None:
    """Find a key by its two public parts."""
    row = await tx.one(
        "select user_account.id, username, email, is_superuser, token_secret "
        "from api_key join user_account on user_account.id = user_id "
        "where consumer_key = %s and token_key = %s",
        consumer_key,
        token_key,
    )
    return StoredKey(_user(row), row.token_secret) if row else None


def _user(row: Row) -> User:
    return User(row.id, row.username, row.email, row.is_superuser)
