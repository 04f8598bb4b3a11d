"""Reading JSON of others: wrong types become empty values."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from maasha.cli.shape import flag, record, records, text, texts

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(json_values)
def test_anything_is_read(value: object) -> None:
    """No JSON value makes reading fail, and what is read has the promised type."""
    assert isinstance(record(value), dict)
    assert all(isinstance(item, dict) for item in records(value))
    assert isinstance(text(value), str)
    assert all(isinstance(item, str) for item in texts(value))
    assert flag(value) is (value is True)


def test_right_types_are_kept() -> None:
    """What has the right type comes out as it is; numbers are texts too."""
    assert record({"a": 1}) == {"a": 1}
    assert records([{"a": 1}, 2, {}]) == ({"a": 1}, {})
    assert (text("a"), text(5), text(1.5), text(True), text(None)) == ("a", "5", "1.5", "", "")
    assert texts(["a", 1, "b"]) == ("a", "b")
