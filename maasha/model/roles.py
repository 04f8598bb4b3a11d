"""Who serves a VLAN and who might: its two places, the racks on it, and what is known of them."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from maasha.model.cluster import RackKey
from maasha.model.network import VlanId


@frozen
class Evidence:
    """What is known of a rack on a VLAN, together with the VLAN's primary of now."""

    address: bool = False
    """It has an IPv4 address on the VLAN."""
    probed: datetime | None = None
    """When a probe frame last went over the VLAN both ways."""
    reached: datetime | None = None
    """When TCP 647 was last reached both ways."""
    clock_offset: float | None = None
    """Seconds from the primary's clock; None: not known."""


@frozen
class Candidate:
    """A rack that is on the VLAN, or has a part in it."""

    rack: RackKey
    hostname: str
    linked: bool = True
    """It has a link to a living worker."""
    lost: bool = False
    """Deleted, or declared lost for good by a person."""
    draining: bool = False
    evidence: Evidence = Evidence()


@frozen
class Place:
    """One of a VLAN's two places: who has it, and who decided that."""

    rack: RackKey | None = None
    by: str = ""
    """`user:admin`; empty: nobody, so it is automatic."""

    @property
    def kept_empty(self) -> bool:
        """Whether a person wants nobody here."""
        return self.rack is None and bool(self.by)

    @property
    def author(self) -> str:
        """Say for people who chose this."""
        return self.by or "automatic"


@frozen
class VlanRoles:
    """Everything about one VLAN's places, read at one moment."""

    vlan: VlanId
    primary: Place = Place()
    secondary: Place = Place()
    dhcp_on: bool = True
    ha_auto: bool = True
    candidates: tuple[Candidate, ...] = ()
    """Each rack once, also those that were lost and still have a place."""

    def candidate(self, rack: RackKey) -> Candidate:
        """Give a rack with a place; one that is not on the VLAN is neither linked nor lost here."""
        known = (one for one in self.candidates if one.rack == rack)
        return next(known, Candidate(rack, f"rack {rack}", linked=False))

    def lost(self, place: Place) -> bool:
        """Whether the rack in this place is lost for good."""
        return place.rack is not None and self.candidate(place.rack).lost
