"""`maasha dhcp roles`: how it is written; the other topics of `dhcp` have modules of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import frozen

from maasha.cli import standing_words
from maasha.cli.failures import Misused
from maasha.cli.placement_words import Verbs, seconds
from maasha.cli.standing_words import Standing, TakeOver

DEADLINE = 300
"""Seconds that one pair may take to change places and be normal again. A minute is usual: each rack
restarts once, and a peer that starts looks for its partner for 15 s."""


@frozen
class Roles:
    """Show who serves which VLAN, or the plan that would even the primaries, or carry that out."""

    profile: str = ""
    plan: bool = False
    apply: bool = False
    deadline: int = DEADLINE


def dhcp(*, topic: str, **options: object) -> Roles | Standing | TakeOver:
    """Give the command; raises `Misused` for options that contradict each other."""
    if topic in standing_words.MADE:
        return standing_words.MADE[topic](**options)
    wanted = Roles(**options)  # type: ignore[arg-type]  # argparse's
    if wanted.apply and not wanted.plan:
        mend = f"look at it first: maasha dhcp {topic} --plan, and then: --plan --apply"
        raise Misused("--apply carries a plan out", mend)
    return wanted


MADE: Mapping[str, Callable[..., Roles | Standing | TakeOver]] = {"dhcp": dhcp}


def add_to(verbs: Verbs) -> None:
    """Teach argparse how it is written."""
    parser = verbs.add_parser(
        "dhcp", help="who serves each VLAN, by whose choice, and how it stands"
    )
    topics = parser.add_subparsers(dest="topic", required=True, metavar="TOPIC")
    standing_words.add_to(topics)
    roles = topics.add_parser("roles", help="primary and secondary of each VLAN, and why")
    roles.add_argument("profile", metavar="PROFILE", nargs="?", default="")
    roles.add_argument(
        "--plan",
        action="store_true",
        help="show which pairs would change places so that racks are primaries of about as many "
        "VLANs each",
    )
    roles.add_argument(
        "--apply",
        action="store_true",
        help="with --plan: carry it out, one VLAN at a time, each normal before the next",
    )
    roles.add_argument(
        "--deadline",
        metavar="TIME",
        type=seconds,
        default=DEADLINE,
        help="how long one VLAN may take: 90, 90s, 10m; 5m if left out",
    )
