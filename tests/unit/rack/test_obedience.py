"""A rack obeys the highest epoch it has ever seen."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maasha.model.cluster import Ownership, WorkerId
from maasha.model.stamp import Stamp
from maasha.rack.memory import Memory
from maasha.rack.obedience import Obedience
from maasha.rpc.errors import StaleEpoch

stamps = st.builds(Stamp, st.integers(1, 3), st.integers(1, 5))


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    """Give an empty memory."""
    return Memory(tmp_path, tmp_path / "secret")


def test_an_older_owner_is_refused(memory: Memory) -> None:
    """It is told which epoch the rack obeys."""
    obedience = Obedience(memory)
    obedience.accept(WorkerId(1), Stamp(2, 5))
    with pytest.raises(StaleEpoch) as caught:
        obedience.accept(WorkerId(2), Stamp(1, 9))
    assert caught.value.known == Stamp(2, 5)


def test_one_epoch_has_one_owner(memory: Memory) -> None:
    """A second worker that claims the same epoch is refused; the first may repeat itself."""
    obedience = Obedience(memory)
    obedience.accept(WorkerId(1), Stamp(1, 5))
    obedience.accept(WorkerId(1), Stamp(1, 5))
    with pytest.raises(StaleEpoch):
        obedience.accept(WorkerId(2), Stamp(1, 5))


def test_obedience_survives_a_restart(memory: Memory) -> None:
    """The next process refuses what this one would have."""
    Obedience(memory).accept(WorkerId(1), Stamp(1, 5))
    with pytest.raises(StaleEpoch):
        Obedience(memory).accept(WorkerId(1), Stamp(1, 4))


def test_only_the_owner_can_be_lost(memory: Memory) -> None:
    """The end of another worker's link changes nothing."""
    obedience = Obedience(memory)
    obedience.accept(WorkerId(1), Stamp(1, 5))
    assert obedience.lose(WorkerId(2)) is None
    assert obedience.lose(WorkerId(1)) == Ownership(WorkerId(1), Stamp(1, 5))
    assert obedience.lose(WorkerId(1)) is None
    assert obedience.epoch == Stamp(1, 5)


@given(st.lists(st.tuples(st.integers(1, 3), stamps), max_size=12))
def test_what_is_obeyed_only_grows(
    tmp_path_factory: pytest.TempPathFactory, orders: list[tuple[int, Stamp]]
) -> None:
    """Whatever comes in whatever order."""
    folder = tmp_path_factory.mktemp("rack")
    obedience = Obedience(Memory(folder, folder / "secret"))
    for worker, epoch in orders:
        before = obedience.epoch
        try:
            obedience.accept(WorkerId(worker), epoch)
        except StaleEpoch:
            assert epoch <= before
        assert obedience.epoch == max(before, epoch)
