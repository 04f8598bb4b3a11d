"""The tables of the protocol page are those of the code."""

from __future__ import annotations

from maasha.rpc.commands import BOTH_WAYS, HANDSHAKE, RACK_TO_REGION, REGION_TO_RACK
from maasha.rpc.errors import TRAVELLING
from maasha.rpc.reference import BEGIN, END, refreshed, tables


def test_every_command_and_error_is_in_the_tables() -> None:
    """Nothing on the wire is undocumented."""
    text = tables()
    for command in (*HANDSHAKE, *BOTH_WAYS, *REGION_TO_RACK, *RACK_TO_REGION):
        assert f"| `{command.__name__}`: " in text
        assert set(command.errors) <= set(TRAVELLING)
    for error in TRAVELLING:
        assert f"| `{error.__name__}` | " in text


def test_every_record_is_spelled_out() -> None:
    """Records are found in arguments, in each other and in the errors."""
    text = tables()
    for line in (
        '- **Duty**: "off" or "solo" or "primary" or "secondary"',
        "- **Stamp**: `incarnation` number, `counter` number",
        "- **Trouble**: `kind` TroubleKind, `detail` text",
        "- **Versions**: `lowest` number, `highest` number",
    ):
        assert f"\n{line}\n" in f"{text}\n"


def test_only_the_marked_part_of_a_page_changes() -> None:
    """The words around the tables stay."""
    page = refreshed(f"before {BEGIN} old {END} after")
    assert page.startswith(f"before {BEGIN}\n")
    assert page.endswith(f"\n{END} after")
    assert " old " not in page
    assert refreshed(page) == page
