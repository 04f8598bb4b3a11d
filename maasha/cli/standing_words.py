"""`maasha dhcp status` and `maasha dhcp takeover`: how they are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from attrs import frozen

from maasha.cli.failures import Misused
from maasha.cli.placement_words import Verbs


@frozen
class Standing:
    """Show how VLANs are served; `vlan` is an id, empty for all."""

    vlan: str = ""
    profile: str = ""


@frozen
class TakeOver:
    """Have the peer of the rack `off` serve a VLAN alone; `off` vouches that its host is off."""

    vlan: str
    off: str
    profile: str = ""
    force: bool = False


class Made(Protocol):
    """Makes a command of what argparse read."""

    def __call__(self, **options: object) -> Standing | TakeOver:
        """Make it; raises `Misused`."""


def standing(vlan: str = "", profile: str = "") -> Standing:
    """Give the command; a first word that is no number is the profile."""
    if vlan and not vlan.isdecimal():
        if profile:
            raise Misused(f"{vlan!r} is no id of a VLAN", "ids are numbers: maasha vlans read")
        return Standing("", vlan)
    return Standing(vlan, profile)


def take_over(
    vlan: str, off: str | None = None, profile: str = "", *, force: bool = False
) -> TakeOver:
    """Give the command; nobody takes over whose peer's host nobody vouches for."""
    if not vlan.isdecimal():
        raise Misused(f"{vlan!r} is no id of a VLAN", "ids are numbers: maasha dhcp status")
    if not off:
        raise Misused(
            "two racks that both think they are alone give one address to two clients",
            f"make sure that the other host is off, and say so: maasha dhcp takeover {vlan} "
            "--off RACK",
        )
    return TakeOver(vlan, off, profile, force)


MADE: Mapping[str, Callable[..., Standing | TakeOver]] = {
    "status": standing,
    "takeover": take_over,
}
"""By their topic."""


def add_to(topics: Verbs) -> None:
    """Teach argparse how they are written."""
    status = topics.add_parser(
        "status", help="failover states, addresses left and for how long, and what that means"
    )
    status.add_argument("vlan", metavar="VLAN", nargs="?", default="", help="its id; all if none")
    status.add_argument("profile", metavar="PROFILE", nargs="?", default="")
    taking = topics.add_parser(
        "takeover", help="have the peer of a rack whose host is off serve with all addresses"
    )
    taking.add_argument("vlan", metavar="VLAN", help="its id")
    taking.add_argument("profile", metavar="PROFILE", nargs="?", default="")
    taking.add_argument(
        "--off",
        metavar="RACK",
        help="the rack whose host is off, and stays off until it may come back; you vouch for it",
    )
    taking.add_argument(
        "--force",
        action="store_true",
        help="also where the other rack may lack leases, so that addresses can get two holders",
    )
