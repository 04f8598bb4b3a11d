"""The folder of profiles: whole or not at all, for its owner alone."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from maasha.cli.failures import NoSuchProfile, ProfilesUnreadable
from maasha.cli.profile import ApiKey, Profile
from maasha.cli.store import Store
from tests.unit.cli.samples import document

URL = "http://region:5240/MAAS/api/2.0/"


def profile(name: str) -> Profile:
    """Make a profile."""
    return Profile(name, URL, ApiKey("c", "t", name))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Give a folder that is not there yet, under a loose umask."""
    before = os.umask(0)
    yield tmp_path / "store"
    os.umask(before)


@pytest.fixture
def store(folder: Path) -> Store:
    """Open the folder."""
    return Store(folder)


def test_an_empty_store(store: Store, folder: Path) -> None:
    """Reading makes nothing, and nothing is found."""
    assert store.profiles() == {}
    assert store.description("maas").resources == ()
    with pytest.raises(NoSuchProfile, match="no profile yet; make one: maasha login"):
        store.profile("")
    assert not folder.exists()


def test_profiles_come_back(store: Store) -> None:
    """Profiles are found by name, and the only one without."""
    store.save(profile("a"), None, document())
    assert store.profile("") == store.profile("a") == profile("a")
    store.save(profile("b"), b"PEM", document(hash_="h2"))
    assert list(store.profiles()) == ["a", "b"]
    assert store.cacerts("b").read_bytes() == b"PEM"
    assert store.description("b").hash == "h2"
    with pytest.raises(NoSuchProfile, match="not clear which profile is meant; say one of: a, b"):
        store.profile("")
    with pytest.raises(NoSuchProfile, match="no profile 'c'; say one of: a, b"):
        store.profile("c")


def test_a_profile_is_forgotten_whole(store: Store, folder: Path) -> None:
    """Logging out leaves nothing of a profile behind."""
    store.save(profile("a"), b"PEM", document())
    store.remove("a")
    assert store.profiles() == {}
    assert sorted(path.name for path in folder.iterdir()) == ["lock", "profiles.json"]
    with pytest.raises(NoSuchProfile):
        store.remove("a")


def test_only_the_owner_can_read(store: Store, folder: Path) -> None:
    """Keys are kept from other users whatever the umask is."""
    store.save(profile("a"), b"PEM", document())
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert (stat.S_IMODE(folder.stat().st_mode), modes) == (0o700, {0o600})


def test_a_description_can_be_renewed(store: Store, folder: Path) -> None:
    """A newer description takes the place of the old one; a broken one is as none."""
    store.save(profile("a"), None, document())
    store.save_description("a", document(hash_="h2"))
    assert store.description("a").hash == "h2"
    (folder / "a.api.json").write_text("{")
    assert store.description("a").hash == ""


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "\ud800", '{"format": 2}', '{"format": 1, "profiles": {"a": {"url": "x"}}}'],
)
def test_a_file_of_another_form(store: Store, folder: Path, content: str) -> None:
    """A file that this version did not write is refused and left alone."""
    folder.mkdir()
    before = content.encode("utf-8", "surrogatepass")
    (folder / "profiles.json").write_bytes(before)
    with pytest.raises(ProfilesUnreadable, match="move it away and log in again"):
        store.save(profile("b"), None, document())
    assert (folder / "profiles.json").read_bytes() == before


def test_what_a_crash_left_is_overwritten(store: Store, folder: Path) -> None:
    """A half-written file of a killed command is never read."""
    store.save(profile("a"), None, document())
    (folder / "profiles.json.new").write_text('{"form')
    assert list(store.profiles()) == ["a"]
    store.save(profile("b"), None, document())
    assert json.loads((folder / "profiles.json").read_text())["profiles"].keys() == {"a", "b"}


def test_commands_at_the_same_time_lose_nothing(folder: Path) -> None:
    """Each of many commands at once finds its profile stored."""
    names = [f"p{n}" for n in range(8)]
    threads = [
        Thread(target=Store(folder).save, args=(profile(name), None, document())) for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert list(Store(folder).profiles()) == names
