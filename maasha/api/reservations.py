"""reservedips/: addresses that DHCP gives to one client each.

The noun is the one by which clients of MAAS 3.x reserve an address for a MAC; a reservation can be
changed here, and has a host name, which MAAS takes from a machine.
"""

from __future__ import annotations

from attrs import evolve

from maasha.api.answers import GONE, Answer, JsonObject, ok
from maasha.api.changes import differences
from maasha.api.errors import FieldErrors
from maasha.api.forms import Absent, Nothing, either
from maasha.api.lookups import subnet_by_id, the_reservation
from maasha.api.picture import Picture, read_around, read_picture
from maasha.api.reservation_rules import ReservationSurroundings, check_reservation
from maasha.api.reservation_shapes import reservation_json, reservations_json
from maasha.api.routes import Crud, Noun, Operation, Role
from maasha.api.services import Call
from maasha.api.serving import dhcp_changed
from maasha.api.settling import answer_settled
from maasha.api.submissions import ReservationCreate, ReservationFilter, ReservationUpdate
from maasha.db.events import record
from maasha.db.ranges import ranges
from maasha.db.reservations import (
    PAGE,
    ReservationQuery,
    ReservationRow,
    add_reservation,
    remove_reservation,
    reservations,
    reserved_at,
    reserved_for,
    store_reservation,
)
from maasha.db.subnets import Address, SubnetRow, subnet_around, taken_addresses
from maasha.db.transaction import Transaction
from maasha.model.network import ReservationId, SubnetId

RESERVATIONS = Noun("ReservedIpsHandler", "reservedips/", "Addresses reserved for clients.")
RESERVATION = Noun("ReservedIpHandler", "reservedips/{id}/", "An address reserved for a client.")
UNNUMBERED = ReservationId(0)
"""Stands in a row that is not stored yet."""


async def list_reservations(call: Call, form: ReservationFilter) -> Answer:
    """List a page of reservations by address."""
    query = ReservationQuery(
        form.ip,
        form.mac_address,
        form.subnet,
        either(form.limit, PAGE),
        either(form.offset, 0),
    )

    async def work(tx: Transaction) -> list[JsonObject]:
        return reservations_json(await reservations(tx, query), await read_picture(tx))

    return ok(await call.read(work))


async def read_reservation(call: Call, _: Nothing) -> Answer:
    """Show one."""

    async def work(tx: Transaction) -> JsonObject:
        found = await the_reservation(tx, call.path)
        around = await read_around(tx, await subnet_by_id(tx, found.subnet))
        return reservation_json(found, around)

    return ok(await call.read(work))


async def create_reservation(call: Call, form: ReservationCreate) -> Answer:
    """Make one in the subnet named or in the one around its address; wait for the racks."""

    async def work(tx: Transaction) -> tuple[ReservationRow, bool, Picture]:
        subnet = await _subnet(tx, form.ip, form.subnet)
        hostname, comment = either(form.hostname, ""), either(form.comment, "")
        new = ReservationRow(UNNUMBERED, subnet.id, form.ip, form.mac_address, hostname, comment)
        await _check(tx, new, subnet)
        made = evolve(new, id=await add_reservation(tx, new))
        await record(tx, call.who, _subject(made), "reservedip.created", "info", str(made))
        return made, await dhcp_changed(tx, subnet.vlan), await read_around(tx, subnet)

    return await _answer(call, *await call.change(work))


async def update_reservation(call: Call, form: ReservationUpdate) -> Answer:
    """Change one; wait for the racks, if they have work from it."""

    async def work(tx: Transaction) -> tuple[ReservationRow, bool, Picture]:
        before = await the_reservation(tx, call.path)
        address = either(form.ip, before.address)
        moved = address != before.address
        subnet = await (_subnet(tx, address) if moved else subnet_by_id(tx, before.subnet))
        after = evolve(
            before,
            subnet=subnet.id,
            address=address,
            mac=either(form.mac_address, before.mac),
            hostname=either(form.hostname, before.hostname),
            comment=either(form.comment, before.comment),
        )
        await _check(tx, after, subnet)
        awaited = await _store(tx, call.who, before, after, subnet)
        return after, awaited, await read_around(tx, subnet)

    return await _answer(call, *await call.change(work))


async def delete_reservation(call: Call, _: Nothing) -> Answer:
    """Delete one."""

    async def work(tx: Transaction) -> None:
        found = await the_reservation(tx, call.path)
        await remove_reservation(tx, found.id)
        await record(tx, call.who, _subject(found), "reservedip.deleted", "info", str(found))
        await dhcp_changed(tx, (await subnet_by_id(tx, found.subnet)).vlan)

    await call.change(work)
    return GONE


async def _answer(call: Call, row: ReservationRow, awaited: bool, picture: Picture) -> Answer:
    def shape(seen: Picture) -> JsonObject:
        return reservation_json(row, seen)

    if not awaited:
        return ok(shape(picture))
    vlan = picture.networks.subnets[row.subnet].vlan
    return ok(await answer_settled(call, vlan, picture, shape))


async def _subnet(
    tx: Transaction, address: Address, named: int | Absent = Absent.ABSENT
) -> SubnetRow:
    if not isinstance(named, Absent):
        return await subnet_by_id(tx, SubnetId(named))
    found = await subnet_around(tx, address)
    if found is None:
        text = f"{address} is in no subnet; make the subnet first, or check the address."
        raise FieldErrors({"ip": (text,)})
    return found


async def _check(tx: Transaction, new: ReservationRow, subnet: SubnetRow) -> None:
    there = await reserved_at(tx, new.address)
    same = (*filter(None, (there,)), *await reserved_for(tx, new.mac, subnet.vlan))
    around = ReservationSurroundings(
        subnet,
        await ranges(tx, subnet.id),
        await taken_addresses(tx, subnet.id),
        tuple({other.id: other for other in same if other.id != new.id}.values()),
    )
    check_reservation(new, around)


async def _store(
    tx: Transaction, who: str, before: ReservationRow, after: ReservationRow, subnet: SubnetRow
) -> bool:
    """Write what changed; gives whether racks have work from it."""
    if before == after:
        return False
    await store_reservation(tx, after)
    detail = differences(before, after)
    await record(tx, who, _subject(after), "reservedip.changed", "info", detail)
    if evolve(before, comment=after.comment) == after:
        return False
    if before.subnet != after.subnet:
        left = await subnet_by_id(tx, before.subnet)
        if left.vlan != subnet.vlan:
            await dhcp_changed(tx, left.vlan)
    return await dhcp_changed(tx, subnet.vlan)


def _subject(row: ReservationRow) -> str:
    return f"reservedip:{row.id}"


OPERATIONS = (
    Operation(
        RESERVATIONS,
        Crud.READ,
        Role.USER,
        list_reservations,
        "List a page of reservations.",
        ReservationFilter,
    ),
    Operation(
        RESERVATIONS,
        Crud.CREATE,
        Role.ADMIN,
        create_reservation,
        "Reserve an address for a client.",
        ReservationCreate,
    ),
    Operation(RESERVATION, Crud.READ, Role.USER, read_reservation, "Read a reservation."),
    Operation(
        RESERVATION,
        Crud.UPDATE,
        Role.ADMIN,
        update_reservation,
        "Change a reservation.",
        ReservationUpdate,
    ),
    Operation(RESERVATION, Crud.DELETE, Role.ADMIN, delete_reservation, "Delete a reservation."),
)
