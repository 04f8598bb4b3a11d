"""Tables for the terminal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from maasha.cli.tables import table


def test_columns_stand_under_each_other() -> None:
    """Columns are as wide as their widest cell; empty cells show, line ends have no blanks."""
    assert table(("RACK", "ON"), [("rack-1", "yes"), ("r2", "")]) == (
        "RACK    ON\nrack-1  yes\nr2      -"
    )


def test_a_table_without_rows_is_its_heads() -> None:
    """The heads say what there is none of."""
    assert table(("A", "B"), []) == "A  B"


@given(st.lists(st.tuples(st.text(), st.text())))
def test_a_row_is_a_line(rows: list[tuple[str, str]]) -> None:
    """Line ends inside a cell never break the table."""
    assert len(table(("A", "B"), rows).split("\n")) == len(rows) + 1
