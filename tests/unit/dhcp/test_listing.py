"""dhcpd's refusals, readable."""

from __future__ import annotations

from pathlib import Path

from maasha.dhcp.listing import MAX_LINES, listing

CONFIG = "\n".join(f"line {n} of the file;" for n in range(1, 11)) + '\n    secret "c2VjcmV0";\n'
SAID = """\
Internet Systems Consortium DHCP Server 4.4.3-P1
Copyright 2004-2022 Internet Systems Consortium.
All rights reserved.
For info, please visit https://www.isc.org/software/dhcp/
/var/lib/x/dhcpd.conf.draft line 4: unknown option dhcp.routerz
     option routerz 1.
             ^
/var/lib/x/dhcpd.conf.draft line 9: semicolon expected.
     secret "c2VjcmV0";
          ^
Configuration file errors encountered -- exiting

If you think you have received this message due to a bug rather
than a configuration issue please read the section on submitting
bugs on either our web page at www.isc.org or in the README file
before submitting a bug.  These pages explain the proper
process and the information we find helpful for debugging.

exiting.
"""

SHOWN = """\
line 4: unknown option dhcp.routerz
     option routerz 1.
             ^
line 9: semicolon expected.
     secret "***";
          ^
     2 line 2 of the file;
     3 line 3 of the file;
>    4 line 4 of the file;
     5 line 5 of the file;
     6 line 6 of the file;
     7 line 7 of the file;
     8 line 8 of the file;
>    9 line 9 of the file;
    10 line 10 of the file;
    11     secret "***";"""


def test_the_offending_lines_are_shown_with_their_neighbours() -> None:
    """What dhcpd always says is left out, and so are paths of drafts and secrets."""
    assert listing(SAID, CONFIG) == SHOWN


def test_a_complaint_without_a_line_stands_alone() -> None:
    """An error of meaning names no place."""
    assert listing("bad range, address 10.0.1.5 not in subnet\n\nexiting.\n", CONFIG) == (
        "bad range, address 10.0.1.5 not in subnet"
    )


def test_a_listing_ends() -> None:
    """The first errors are the ones that matter."""
    said = "".join(f"x line {n}: wrong\n" for n in range(1, 1000))
    assert len(listing(said, CONFIG).splitlines()) == MAX_LINES


def test_complaints_about_the_hosts_are_not_lines_of_the_configuration() -> None:
    """They name the file that they are about, so nothing else is shown or blamed for them."""
    hosts = Path("/var/lib/x/hosts.conf")
    said = f"{hosts} line 4: semicolon expected.\n host x {{\n/x/c line 9: {hosts}: bad parse.\n"
    shown = listing(said, CONFIG, hosts).splitlines()
    assert shown[:3] == [
        "the file of hosts line 4: semicolon expected.",
        " host x {",
        "line 9: the file of hosts: bad parse.",
    ]
    assert [line for line in shown if line.startswith(">")] == [">    9 line 9 of the file;"]
