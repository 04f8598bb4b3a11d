"""Changing single keys of a file: the rest of it stays as the reader wrote it."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from maasha.config import ConfigurationErrors, parse_rackd, with_keys

BEFORE = """\
# my rack
maas_url:   # two regions
  - http://old-1/
  - http://old-2/

# more links
connections: 4
"""


def test_only_the_key_changes() -> None:
    """A list becomes a text where it stood; comments and other keys stay."""
    assert with_keys(BEFORE, {"maas_url": "http://new/MAAS/"}) == (
        "# my rack\nmaas_url: http://new/MAAS/\n\n# more links\nconnections: 4\n"
    )


def test_a_list_is_written_one_item_per_line() -> None:
    """Several URLs come out as the list that people write."""
    after = with_keys("maas_url: http://old/\nport: 1", {"maas_url": ("http://a/", "http://b/")})
    assert after == "maas_url:\n- http://a/\n- http://b/\nport: 1"


def test_an_absent_key_is_added_at_the_end() -> None:
    """A key that is not there yet is added, also to an empty file."""
    assert with_keys("", {"connections": 3}) == "connections: 3\n"
    assert with_keys("a: 1", {"b": 2.5}) == "a: 1\nb: 2.5\n"
    assert with_keys("# only this", {"b": 2}) == "# only this\nb: 2\n"


def test_several_keys() -> None:
    """Each key of the change is set."""
    after = with_keys(BEFORE, {"connections": 1, "data_dir": "/srv", "maas_url": "http://x/"})
    assert parse_rackd(after).connections == 1
    assert str(parse_rackd(after).data_dir) == "/srv"
    assert parse_rackd(after).maas_url == ("http://x/MAAS/",)


@pytest.mark.parametrize(
    "text",
    [
        "{maas_url: http://a/, connections: 2}\n",
        "{connections: 2}\n",
        "maas_url: &u http://a/\nother: *u\n",
        "a: 1\n...\n",
    ],
)
def test_forms_that_cannot_be_changed_by_lines(text: str) -> None:
    """A file whose text would come out wrong is refused with what to do by hand."""
    with pytest.raises(ConfigurationErrors, match="set maas_url there by hand"):
        with_keys(text, {"maas_url": "http://b/"})


def test_an_alias_may_be_replaced() -> None:
    """The key that uses an anchor can be changed, the anchor stays."""
    assert with_keys("a: &u 1\nb: *u\n", {"b": 2}) == "a: &u 1\nb: 2\n"


def test_keys_on_one_line_are_not_lost() -> None:
    """A change that would take another key with it is refused."""
    with pytest.raises(ConfigurationErrors, match="line 1: a: stands where"):
        with_keys("{a: 1, b: {c: 2}}\n", {"a": 2})
    assert with_keys("b: {c: 2}\na: 1\n", {"a": 2}) == "b: {c: 2}\na: 2\n"


settings = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])),
    st.integers(0, 10**6),
    st.lists(st.text("ab:#'\" -", max_size=5), min_size=1).map(tuple),
)


@given(
    st.dictionaries(st.sampled_from("abcdef"), settings),
    st.sampled_from("abcdef"),
    settings,
    st.booleans(),
)
def test_what_is_written_is_read_back(
    before: dict[str, object], key: str, setting: str | int | tuple[str, ...], flow: bool
) -> None:
    """After a change the key has the new value and every other key its old one."""
    plain = {k: list(v) if isinstance(v, tuple) else v for k, v in before.items()}
    text = "".join(
        "# remark\n" + yaml.safe_dump({k: v}, default_flow_style=flow and isinstance(v, list))
        for k, v in plain.items()
        if not flow or isinstance(v, list)
    )
    if "{" in text:
        return
    expected = yaml.safe_load(text) or {}
    after = with_keys(text, {key: setting})
    expected[key] = list(setting) if isinstance(setting, tuple) else setting
    assert yaml.safe_load(after) == expected
    assert after.count("# remark") >= text.count("# remark")
