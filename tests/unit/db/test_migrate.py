"""Which migrations are missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maasha.db.migrate import (
    Applied,
    Migration,
    SchemaChanged,
    SchemaOld,
    SchemaTooNew,
    known,
    pending,
    read_folder,
)

MIGRATIONS = tuple(Migration(number, f"m{number}", f"select {number}") for number in range(1, 6))


def done(*migrations: Migration) -> list[Applied]:
    """Give what the database records of migrations."""
    return [Applied(one.number, one.name, one.sha256) for one in migrations]


@given(st.integers(0, 5))
def test_pending(count: int) -> None:
    """After any number of migrations the others are pending, in order."""
    assert pending(MIGRATIONS, done(*MIGRATIONS[:count])) == MIGRATIONS[count:]


def test_too_new() -> None:
    """A database that knows a later number is refused."""
    with pytest.raises(SchemaTooNew) as caught:
        pending(MIGRATIONS[:3], done(*MIGRATIONS))
    assert (caught.value.database, caught.value.known) == (5, 3)


def test_changed() -> None:
    """A migration that differs from the applied one, or is missing here, is refused."""
    with pytest.raises(SchemaChanged, match="002-m2"):
        pending(MIGRATIONS, [*done(*MIGRATIONS[:1]), Applied(2, "m2", "other")])
    with pytest.raises(SchemaChanged, match="002-m2"):
        pending((MIGRATIONS[0], MIGRATIONS[2]), done(*MIGRATIONS[:3]))


def test_nothing_known() -> None:
    """Without any migration nothing is pending."""
    assert pending((), ()) == ()
    with pytest.raises(SchemaTooNew):
        pending((), done(MIGRATIONS[0]))


def test_read_folder(tmp_path: Path) -> None:
    """Numbered files are read in order; others are no migrations."""
    for name in ("002-b.sql", "001-a-1.sql", "README", "3-c.sql", "003-C.sql"):
        (tmp_path / name).write_text(name)
    assert read_folder(tmp_path) == (
        Migration(1, "a-1", "001-a-1.sql"),
        Migration(2, "b", "002-b.sql"),
    )


def test_known() -> None:
    """Our own migrations are numbered from 1 without a gap."""
    ours = known()
    assert [one.number for one in ours] == list(range(1, len(ours) + 1))


def test_old_message() -> None:
    """An old schema names the command that helps."""
    assert "maasha-region init" in str(SchemaOld(0, 2))
