"""events/: the history, page by page."""

from __future__ import annotations

from urllib.parse import urlencode

from maasha.api.answers import Answer, JsonObject, ok
from maasha.api.forms import Absent, either
from maasha.api.routes import Crud, Noun, Operation, Role
from maasha.api.services import Call
from maasha.api.shapes import uri
from maasha.api.submissions import EventPage
from maasha.db.events import PAGE, history
from maasha.db.transaction import Transaction
from maasha.model.event import Event, EventId

EVENTS = Noun("EventsHandler", "events/", "What happened, the newest first.")


async def list_events(call: Call, form: EventPage) -> Answer:
    """List a page of events."""
    before = None if isinstance(form.before, Absent) else EventId(form.before)
    subject = either(form.subject, None)
    limit = either(form.limit, PAGE)

    async def work(tx: Transaction) -> tuple[Event, ...]:
        return await history(tx, before=before, subject=subject, limit=limit)

    return ok(page_json(await call.read(work), limit, subject))


def page_json(found: tuple[Event, ...], limit: int, subject: str | None) -> JsonObject:
    """Show a page as MAAS does; `next_uri` leads to older events, null when there are none."""
    further = None
    if len(found) == limit:
        query: dict[str, object] = {"limit": limit, "before": found[-1].id}
        query.update({"subject": subject} if subject else {})
        further = f"{uri('events')}?{urlencode(query)}"
    return {
        "count": len(found),
        "events": [event_json(event) for event in found],
        "next_uri": further,
    }


def event_json(event: Event) -> JsonObject:
    """Show an event with MAAS's names for who, kind and severity; `clears` names an alarm."""
    return {
        "id": event.id,
        "created": event.at.isoformat(),
        "username": event.who,
        "subject": event.subject,
        "type": event.kind,
        "level": event.severity.upper(),
        "description": event.detail,
        "clears": event.clears,
    }


OPERATIONS = (
    Operation(EVENTS, Crud.READ, Role.USER, list_events, "List a page of events.", EventPage),
)
