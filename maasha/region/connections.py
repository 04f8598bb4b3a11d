"""The racks that are linked to this worker now."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define

from maasha.model.cluster import LinkId, RackKey, SystemId, WorkerId
from maasha.rpc.remote import RemoteRack


@define(eq=False)
class RackLink:
    """A registered link; `id` is its row, `remote` calls the rack.

    `Connections.renumber` gives it another row after a relink.
    """

    id: LinkId
    worker: WorkerId
    rack: RackKey
    system_id: SystemId
    hostname: str
    remote: RemoteRack


class Connections:
    """Links by rack; where a rack comes back before its old link is known dead, the newest acts."""

    def __init__(self) -> None:
        self._links: dict[RackKey, list[RackLink]] = {}
        self._by_id: dict[LinkId, RackLink] = {}

    def __iter__(self) -> Iterator[RackLink]:
        return iter([link for links in self._links.values() for link in links])

    def __len__(self) -> int:
        return sum(len(links) for links in self._links.values())

    def add(self, link: RackLink) -> None:
        """Take in a link that has just registered."""
        self._links.setdefault(link.rack, []).append(link)
        self._by_id[link.id] = link

    def remove(self, link: RackLink) -> None:
        """Forget a link that is gone."""
        links = self._links.get(link.rack, [])
        if link in links:
            links.remove(link)
            self._forget_row(link)
        if not links:
            self._links.pop(link.rack, None)

    def renumber(self, link: RackLink, row: LinkId) -> None:
        """Note that a link has another row now; one that has ended only learns it."""
        self._forget_row(link)
        link.id = row
        if link in self._links.get(link.rack, ()):
            self._by_id[row] = link

    def by_id(self, link: LinkId) -> RackLink | None:
        """Give the link of that row, None where it has ended."""
        return self._by_id.get(link)

    def of(self, rack: RackKey) -> RackLink | None:
        """Give the rack's newest link here, None where it has none."""
        links = self._links.get(rack)
        return links[-1] if links else None

    def _forget_row(self, link: RackLink) -> None:
        """Find it by its row no more; in a new database the row may be another link's already."""
        if self._by_id.get(link.id) is link:
            del self._by_id[link.id]
