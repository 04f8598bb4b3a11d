"""A profile: which API a name stands for and with which key it is called."""

from __future__ import annotations

import re

from attrs import field, frozen

from maasha.cli.failures import Misused
from maasha.cli.shape import Record, flag, record, text


@frozen
class ApiKey:
    """An OAuth token; `str()` gives the form in which people pass it on."""

    consumer: str
    token: str
    secret: str = field(repr=False)

    def __str__(self) -> str:
        return f"{self.consumer}:{self.token}:{self.secret}"


@frozen
class Profile:
    """`url` ends in `/api/2.0/`; `cacerts` says that a file of CAs was copied for it."""

    name: str
    url: str
    key: ApiKey
    cacerts: bool = False
    insecure: bool = False


def parse_key(words: str) -> ApiKey:
    """Read `consumer:token:secret`. Raises `Misused`, without the words."""
    parts = words.strip().split(":")
    if len(parts) != 3 or not all(re.fullmatch("[!-~]+", part) for part in parts):
        mend = "it has the form CONSUMER:TOKEN:SECRET, see: maasha-region apikey --username NAME"
        raise Misused("This is no API key", mend)
    return ApiKey(*parts)


def to_record(profile: Profile) -> dict[str, object]:
    """Give what is stored of a profile beside its name."""
    return {
        "url": profile.url,
        "key": str(profile.key),
        "cacerts": profile.cacerts,
        "insecure": profile.insecure,
    }


def from_record(name: str, stored: object) -> Profile:
    """Read what was stored. Raises `Misused` when there is no key in it."""
    found: Record = record(stored)
    return Profile(
        name,
        text(found.get("url")),
        parse_key(text(found.get("key"))),
        flag(found.get("cacerts")),
        flag(found.get("insecure")),
    )
