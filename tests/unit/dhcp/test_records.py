"""The records of a leases file."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from maasha.dhcp.records import Record, prune, split
from tests.unit.dhcp.test_leases import FILE

TEXT = FILE.decode()


def test_a_file_is_split_into_its_records() -> None:
    """Each record says what it is about."""
    records = [part for part in split(TEXT.splitlines()) if isinstance(part, Record)]
    assert [str(record.address) for record in records] == [
        *("None", "10.0.0.50", "None", "10.0.0.51", "10.0.0.52")
    ]
    assert [record.peer for record in records] == ["failover-vlan-1-1", "", "", "", ""]
    assert [record.host for record in records] == [False, False, True, False, False]
    assert not any(record.cut for record in records)


def test_pruning_nothing_changes_nothing() -> None:
    """What is wanted stays as dhcpd wrote it."""
    assert prune(TEXT, lambda _: False) == TEXT
    assert prune("", lambda _: True) == ""


def test_the_text_of_a_record_is_what_was_read() -> None:
    """A record cut short has no closing brace to give back."""
    (whole,) = split(["lease 10.0.0.1 {", "  ends never;", "}"])
    (cut,) = split(["lease 10.0.0.1 {", "  ends never;"])
    assert isinstance(whole, Record)
    assert isinstance(cut, Record)
    assert whole.text == "lease 10.0.0.1 {\n  ends never;\n}\n"
    assert cut.text == "lease 10.0.0.1 {\n  ends never;\n"


@given(st.text(alphabet="lease ho{}\n 10.", max_size=200))
def test_pruning_is_done_in_one_go(text: str) -> None:
    """A pruned file has nothing left to prune, whatever it was."""
    once = prune(text, lambda record: record.host)
    assert prune(once, lambda record: record.host) == once
