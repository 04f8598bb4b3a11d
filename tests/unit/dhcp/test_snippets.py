"""What people may add to dhcpd.conf, and how a snippet that dhcpd refuses is found."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from maasha.dhcp.listing import listing
from maasha.dhcp.render import render
from maasha.dhcp.snippets import FORBIDDEN, blamed, snippet_fault
from maasha.model.dhcp import SOLO
from maasha.model.network import IPRange, RangeType
from maasha.model.options import Snippet, SnippetId
from tests.unit.dhcp.networks import PLAIN, rack

GLOBAL = Snippet(SnippetId(4), "all", "min-lease-time 10;\nmax-lease-time 20;")
OF_SUBNET = Snippet(SnippetId(5), "net", 'option domain-name "a;}";')
OF_RANGE = Snippet(SnippetId(6), "pool", "allow unknown-clients;")


@pytest.mark.parametrize(
    "text",
    [
        GLOBAL.text,
        OF_SUBNET.text,
        'class "x" { match if substring(option vendor-class-identifier, 0, 2) = "on"; }',
        "option space PXE; # on commit {",
        'if exists user-class { filename "execute"; } else { filename "b"; }',
        "option on-demand code 222 = text;",
    ],
)
def test_what_may_be_added(text: str) -> None:
    """Words in texts, comments and the middle of statements break nothing."""
    assert snippet_fault(text) == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it says nothing"),
        ("# only words", "it says nothing"),
        ('option domain-name "a;', "has no partner"),
        ('option domain-name "a\n}\nb";', "goes over several lines; write \\n in it"),
        ("class x { ", "{ has no closing one"),
        ("} subnet", "} has no opening one"),
        ("min-lease-time 10", "end the last statement with a semicolon"),
        ("ON Commit { set a = 1; }", "on is refused: it would silence the lease log"),
        ("if known { execute(x); }", "execute is refused"),
        ("if execute(x) = 1 { min-lease-time 1; }", "execute is refused"),
        ("min-lease-time 1; include x;", "include is refused"),
        ("option server.omapi-port 1;", "options of the space 'server' are refused"),
        ("option server . omapi-port 1;", "options of the space 'server' are refused"),
        ("supersede server.omapi-port 1;", "options of the space 'server' are refused"),
        ("switch (x) { default: on commit { a 1; } }", "on is refused"),
        ("not authoritative;", "not is refused"),
    ],
)
def test_what_is_refused(text: str, words: str) -> None:
    """By name, with the reason."""
    assert words in snippet_fault(text)


@given(
    st.sampled_from(sorted(FORBIDDEN)), st.sampled_from(["", "min-lease-time 1; ", "if known { "])
)
def test_every_forbidden_statement(word: str, before: str) -> None:
    """Wherever it begins."""
    after = " }" if "{" in before else ""
    assert snippet_fault(f"{before}{word.upper()} x;{after}").startswith(f"{word} is refused")


def test_each_stands_where_it_belongs() -> None:
    """Those for all before the networks, the others in their subnet and in each of their pools."""
    config = written()
    everywhere, rest = config.split("shared-network")
    assert "# snippet 4\nmin-lease-time 10;\nmax-lease-time 20;\n# end of snippet 4\n" in (
        everywhere
    )
    pools = rest.split("pool {")
    assert 'option domain-name "a;}";' in pools[0]
    assert len(pools) == 3
    assert all("allow unknown-clients;" in pool for pool in pools[1:])


def written() -> str:
    """Give a configuration with a snippet in each place; a rack's address parts the pool in two."""
    (subnet,) = PLAIN.subnets
    own = IPRange(RangeType.DYNAMIC, subnet.cidr[1], subnet.cidr[9], (OF_RANGE,))
    net = evolve(subnet, ranges=(own,), snippets=(OF_SUBNET,), gateway=subnet.cidr[5])
    facts = evolve(rack(evolve(PLAIN, subnets=(net,))), snippets=(GLOBAL,))
    return render(facts, {PLAIN.vlan: SOLO}).plan.config


def line_of(config: str, text: str) -> int:
    """Give the number of the first line with a text."""
    return next(n for n, line in enumerate(config.splitlines(), start=1) if text in line)


def test_the_snippet_that_dhcpd_complains_about() -> None:
    """It is the one around the first line that is named, its end included."""
    config = written()
    for snippet in (GLOBAL, OF_SUBNET, OF_RANGE):
        for text in (snippet.text.splitlines()[0], f"# end of snippet {snippet.id}"):
            said = f"dhcpd.conf line {line_of(config, text)}: semicolon expected."
            assert blamed(listing(said, config), config) == snippet.id


def test_no_snippet_is_to_blame() -> None:
    """The line is elsewhere, or there is none."""
    config = written()
    said = f"dhcpd.conf line {line_of(config, 'subnet 10.0.0.0')}: no."
    assert blamed(listing(said, config), config) is None
    assert blamed("Address range 10.0.0.1 to 10.0.0.9 not on net", config) is None
    assert blamed("line 9999: beyond the end", config) is None
