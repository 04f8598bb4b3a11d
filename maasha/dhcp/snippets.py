"""Pieces of dhcpd.conf(5) that people write themselves: refused by name where they would break us.

Only dhcpd knows its whole language, so what is well-formed here may still be refused by it; then
the snippet is found by the lines that dhcpd complains about (`blamed`) and left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from maasha.model.options import Snippet, SnippetId

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|#[^\n]*|[A-Za-z0-9_-]+|[^\sA-Za-z0-9_-]', re.DOTALL)
FORBIDDEN = {
    "on": "it would silence the lease log; leases are reported all the same",
    "execute": "a program would stop dhcpd for all clients while it runs",
    "log": "it would write into the lease log",
    "include": "files of a rack's host are no part of its configuration",
    "key": "OMAPI has the one key that there is",
    "omapi-port": "racks ask their dhcpd at OMAPI's port",
    "omapi-key": "racks ask their dhcpd with a key of their own",
    "failover": "pairs are made by primary_rack and secondary_rack of the VLAN",
    "shared-network": "make a VLAN instead",
    "subnet": "make it with subnets",
    "subnet6": "make it with subnets",
    "pool": "make it with ipranges",
    "pool6": "make it with ipranges",
    "range": "make it with ipranges",
    "range6": "make it with ipranges",
    "host": "fixed addresses are reservations",
    "group": "it would hold what is made otherwise",
    "fixed-address": "fixed addresses are reservations",
    "lease-file-name": "racks know where their dhcpd keeps its leases",
    "pid-file-name": "racks know their dhcpd without it",
    "db-time-format": "the leases file has one form",
    "log-facility": "the lease log has one place",
    "local-port": "clients know one port only",
    "local-address": "dhcpd listens on the rack's interfaces",
    "not": "maasha's servers are the ones that speak for their networks",
    "server-identifier": "each peer answers in its own name",
    "server-id-check": "a peer would confirm what its partner offered",
    "dhcp-cache-threshold": "a renewal must reach the other peer",
}
"""Statements that are refused, and why or what to do instead; dhcpd reads them in any case."""
MARK = re.compile(r"\s*# (snippet|end of snippet) (\d+)\b")
PLACE = re.compile(r"^line (\d+): ", re.MULTILINE)


def snippet_fault(text: str) -> str:
    """Say what keeps a text from being a snippet; empty: nothing that can be seen here."""
    faults = [*_faults([word for word in TOKEN.findall(text) if not word.startswith("#")])]
    return faults[0] if faults else ""


def snippet_lines(snippets: Sequence[Snippet]) -> Iterator[str]:
    """Give the lines of snippets, each between marks by which it is found again."""
    for snippet in snippets:
        yield f"# snippet {snippet.id}"
        yield from snippet.text.splitlines()
        yield f"# end of snippet {snippet.id}"


def blamed(listing: str, config: str) -> SnippetId | None:
    """Name the snippet that dhcpd's complaints about a configuration begin in; None: in none.

    `listing` is as `maasha.dhcp.listing` makes it. A statement without its end is found out in the
    line after it only.
    """
    first = PLACE.search(listing)
    if first is None:
        return None
    place, held = int(first[1]), None
    for number, line in enumerate(config.splitlines(), start=1):
        mark = MARK.match(line)
        if mark and mark[1] == "snippet":
            held = SnippetId(int(mark[2]))
        if number == place:
            return held
        if mark and mark[1] != "snippet":
            held = None
    return None


def _faults(words: Sequence[str]) -> Iterator[str]:
    if not words:
        yield "it says nothing; give statements of dhcpd.conf(5)"
        return
    if '"' in words:
        yield 'a quotation mark (") has no partner'
    if any(word.startswith('"') and "\n" in word for word in words):
        yield "a text in quotation marks goes over several lines; write \\n in it"
    yield from _braces(words)
    if words[-1] not in (";", "}"):
        yield f"it ends with {words[-1]!r}; end the last statement with a semicolon"
    for before, word, after in zip([";", *words], words, [*words[1:], ""], strict=False):
        yield from _forbidden(before, word.lower(), after)


def _braces(words: Sequence[str]) -> Iterator[str]:
    depth = 0
    for word in words:
        depth += (word == "{") - (word == "}")
        if depth < 0:
            yield "a closing brace } has no opening one"
            return
    if depth:
        yield "an opening brace { has no closing one"


def _forbidden(before: str, word: str, after: str) -> Iterator[str]:
    begins = before in (";", "{", "}", ":")
    if word in FORBIDDEN and (begins or word == "execute"):
        yield f"{word} is refused: {FORBIDDEN[word]}"
    if word == "server" and after == ".":
        yield "options of the space 'server' are refused: they are dhcpd's own settings"
