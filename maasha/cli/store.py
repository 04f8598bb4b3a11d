"""Keeps profiles and what their APIs offer in the user's home, readable by the user alone."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from maasha.cli.description import Description, parse_description
from maasha.cli.failures import Misused, NoSuchProfile, ProfilesUnreadable
from maasha.cli.profile import Profile, from_record, to_record
from maasha.cli.shape import record

FORMAT = 1
"""Of profiles.json; a higher one is refused."""


class Store:
    """The folder `~/.maasha`: `profiles.json`, and for each profile its API and its CAs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "profiles.json"

    def profiles(self) -> dict[str, Profile]:
        """Give all profiles by name. Raises `ProfilesUnreadable`."""
        try:
            content = json.loads(self._file.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise ProfilesUnreadable(self._file, f"cannot be read ({error})") from None
        if record(content).get("format") != FORMAT:
            raise ProfilesUnreadable(self._file, "was written by another version")
        stored = record(record(content).get("profiles"))
        try:
            return {name: from_record(name, stored[name]) for name in sorted(stored)}
        except Misused:
            raise ProfilesUnreadable(self._file, "has a profile without an API key") from None

    def profile(self, name: str) -> Profile:
        """Find a profile; an empty name finds the only one. Raises `NoSuchProfile`."""
        known = self.profiles()
        if not name and len(known) == 1:
            return next(iter(known.values()))
        if name not in known:
            raise NoSuchProfile(name, tuple(known))
        return known[name]

    def save(self, profile: Profile, cacerts: bytes | None, document: object) -> None:
        """Add or replace a profile with its CAs and its describe/ document."""
        with self._locked():
            if cacerts is not None:
                self._write(self.cacerts(profile.name), cacerts)
            self._write(self._description(profile.name), _dumped(document))
            self._write_profiles(self.profiles() | {profile.name: profile})

    def remove(self, name: str) -> None:
        """Forget a profile. Raises `NoSuchProfile`."""
        with self._locked():
            known = self.profiles()
            if name not in known:
                raise NoSuchProfile(name, tuple(known))
            self._write_profiles({other: known[other] for other in known if other != name})
            self._description(name).unlink(missing_ok=True)
            self.cacerts(name).unlink(missing_ok=True)

    def description(self, name: str) -> Description:
        """Give what a profile's API offered when it was last asked; nothing if that is lost."""
        with suppress(OSError, ValueError):
            return parse_description(json.loads(self._description(name).read_bytes()))
        return Description("", ())

    def save_description(self, name: str, document: object) -> None:
        """Store a newer describe/ document of a profile."""
        with self._locked():
            self._write(self._description(name), _dumped(document))

    def cacerts(self, name: str) -> Path:
        """Say where a profile's CAs are."""
        return self._folder / f"{name}.cacerts.pem"

    def _description(self, name: str) -> Path:
        return self._folder / f"{name}.api.json"

    def _write_profiles(self, profiles: Mapping[str, Profile]) -> None:
        stored = {name: to_record(profile) for name, profile in profiles.items()}
        self._write(self._file, _dumped({"format": FORMAT, "profiles": stored}))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep out other commands that change the folder; a rename alone would lose theirs."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        with _opened(self._folder / "lock") as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield

    def _write(self, path: Path, content: bytes) -> None:
        """Replace a file as a whole; the lock is held, so the new file's name is free."""
        new = path.with_name(path.name + ".new")
        new.unlink(missing_ok=True)
        with _opened(new) as descriptor, open(descriptor, "wb", closefd=False) as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        new.replace(path)


def _dumped(content: object) -> bytes:
    return json.dumps(content, indent=1).encode()


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
