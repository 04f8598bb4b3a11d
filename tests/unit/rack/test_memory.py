"""What a rack remembers outlives it; registering forgets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from maasha.model.cluster import Endpoint, EventLoop, InstanceId, SystemId
from maasha.model.stamp import NEVER, Stamp
from maasha.model.token import JoinToken
from maasha.rack.memory import (
    Identity,
    Memory,
    RegisteredAnew,
    SecretMalformed,
    SecretMissing,
)
from maasha.rpc.credentials import OWN_KEY, SHARED, Credential, Kind

INSTANCE = InstanceId(UUID(int=7))
KEY = bytes(range(32))
TOKEN = JoinToken("k3f8", bytes(16))
LOOPS = (EventLoop("region:pid=1", (Endpoint("10.0.0.9", 5250),)),)


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    """Give a registered rack's memory."""
    fresh = Memory(tmp_path, tmp_path / "secret")
    fresh.register(bytes.fromhex("c0ffee"), "first")
    return fresh


def again(memory: Memory) -> Memory:
    """Give what the next process reads."""
    return Memory(memory.folder, memory.folder / "secret")


def test_a_new_rack_knows_nothing(memory: Memory) -> None:
    """Before its first link a rack has no name, instance, owner or regions."""
    assert (memory.system_id, memory.instance, memory.epoch) == (None, None, NEVER)
    assert memory.regions == ()
    assert not memory.retired


def test_the_next_process_knows_all(memory: Memory) -> None:
    """Name, instance, epoch and regions are on disk when they are set."""
    memory.belong(SystemId("abc346"), INSTANCE)
    memory.obey(Stamp(2, 40))
    memory.meet(LOOPS)
    memory.retire()
    memory.serve(INSTANCE)
    later = again(memory)
    assert later.system_id == "abc346"
    assert later.served == INSTANCE
    assert later.instance == INSTANCE
    assert later.epoch == Stamp(2, 40)
    assert later.regions == LOOPS
    assert later.retired
    assert later.identity == Identity(SHARED, bytes.fromhex("c0ffee"))


def test_registering_forgets_who_the_rack_was(memory: Memory) -> None:
    """A rack that moves starts with the new secret and nothing else."""
    memory.belong(SystemId("abc346"), INSTANCE)
    memory.obey(Stamp(2, 40))
    memory.retire()
    memory.register(b"\x01", "second")
    later = again(memory)
    assert (later.system_id, later.instance, later.epoch) == (None, None, NEVER)
    assert not later.retired
    assert later.identity == Identity(SHARED, b"\x01")
    assert later.registration == "second"


def test_a_process_of_the_rack_that_was_writes_nothing_any_more(memory: Memory) -> None:
    """Nothing of the old rack clings to the new one, not even that it was deleted."""
    old = again(memory)
    memory.register(b"\x01", "second")
    writings: tuple[Callable[[], object], ...] = (
        lambda: old.belong(SystemId("abc346"), INSTANCE, KEY),
        lambda: old.obey(Stamp(2, 40)),
        lambda: old.meet(LOOPS),
        lambda: old.serve(INSTANCE),
        old.retire,
        lambda: old.identity,
    )
    for write in writings:
        with pytest.raises(RegisteredAnew, match="registered anew"):
            write()
    later = again(memory)
    assert (later.system_id, later.epoch, later.regions, later.retired) == (None, NEVER, (), False)
    assert later.identity == Identity(SHARED, b"\x01")


def test_the_secret_is_not_for_every_user(memory: Memory) -> None:
    """The file's mode is 0640."""
    assert (memory.folder / "secret").stat().st_mode & 0o777 == 0o640


def test_what_is_already_known_is_not_written_again(memory: Memory) -> None:
    """Unchanged files keep their inode."""
    memory.belong(SystemId("abc346"), INSTANCE)
    memory.meet(LOOPS)
    inodes = [path.stat().st_ino for path in sorted(memory.folder.iterdir())]
    memory.belong(SystemId("abc346"), INSTANCE)
    memory.meet(LOOPS)
    assert [path.stat().st_ino for path in sorted(memory.folder.iterdir())] == inodes


def test_a_rack_without_a_secret_says_how_to_get_one(tmp_path: Path) -> None:
    """The error names the file and the command."""
    with pytest.raises(SecretMissing, match="maasha-rack register"):
        Memory(tmp_path, tmp_path / "secret").identity  # noqa: B018  reading it is the test


@pytest.mark.parametrize("name", ["secret", "token", "key"])
def test_a_damaged_secret_is_not_repeated(memory: Memory, name: str) -> None:
    """The error names the file, never its text."""
    memory.belong(SystemId("abc346"), INSTANCE)
    (memory.folder / name).write_text("hunter2")
    with pytest.raises(SecretMalformed, match=name) as caught:
        memory.identity  # noqa: B018  reading it is the test
    assert "hunter2" not in str(caught.value)


def test_the_own_key_takes_the_place_of_what_let_the_rack_in(memory: Memory) -> None:
    """Secret and token are forgotten; the key is for the rack alone."""
    memory.belong(SystemId("abc346"), INSTANCE, KEY)
    assert again(memory).identity == Identity(OWN_KEY, KEY)
    assert not (memory.folder / "secret").exists()
    assert (memory.folder / "key").stat().st_mode & 0o777 == 0o600
    memory.register(TOKEN, "second")
    memory.belong(SystemId("abc346"), INSTANCE, KEY)
    assert not (memory.folder / "token").exists()


def test_a_token_is_kept_until_there_is_a_key(memory: Memory) -> None:
    """It stands in for the secret, and only the rack's group can read it."""
    memory.belong(SystemId("abc346"), INSTANCE, KEY)
    memory.register(TOKEN, "second")
    assert again(memory).identity == Identity(Credential(Kind.TOKEN, "k3f8"), TOKEN.secret)
    assert (memory.folder / "token").stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in memory.folder.iterdir()) == [
        "lock",
        "registration",
        "token",
    ]


def test_a_key_without_a_name_does_not_count(memory: Memory) -> None:
    """A rack that died between writing the two still has what let it in."""
    (memory.folder / "key").write_text(KEY.hex())
    assert again(memory).identity.credential == SHARED


def test_a_secret_put_beside_a_key_is_not_used(memory: Memory) -> None:
    """A rack that has a key proves nothing else: only registering begins anew."""
    memory.belong(SystemId("abc346"), INSTANCE, KEY)
    (memory.folder / "secret").write_text("c0ffee\n")
    assert again(memory).identity.credential == OWN_KEY


def test_no_secret_is_shown(memory: Memory) -> None:
    """What an identity looks like in a log holds no secret."""
    memory.belong(SystemId("abc346"), INSTANCE, KEY)
    assert repr(KEY) not in repr(memory.identity)


def test_damaged_regions_are_no_regions(memory: Memory) -> None:
    """A file that was cut short costs only the shortcut it holds."""
    (memory.folder / "regions.json").write_text('{"eventl')
    assert memory.regions == ()
