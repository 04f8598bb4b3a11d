"""The resource under /MAAS/: finds the operation, the caller and the fields, and answers."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from maasha.api.answers import Answer, broken, database_failed, ok, plain, refused
from maasha.api.describe import describe, digest
from maasha.api.discovery import event_loops_json
from maasha.api.errors import (
    Forbidden,
    MethodNotAllowed,
    RequestRefused,
    Unauthorized,
    UnknownPath,
)
from maasha.api.forms import Submitted, read_form
from maasha.api.oauth import read_proof, without_proof
from maasha.api.registry import make_registry
from maasha.api.requests import Asked, read_request
from maasha.api.routes import ROOT, Registry, Role, Route
from maasha.api.services import ApiServices, Call
from maasha.api.shared import Shared
from maasha.db.accounts import StoredKey, User, find_key
from maasha.db.errors import DatabaseError
from maasha.db.regions import event_loops
from maasha.db.transaction import Transaction

API = ("api", "2.0")
BAD_KEY = "Invalid API key."
LISTING_FRESH = 0.5
"""Seconds for which the workers' addresses may be told again: a thousand racks ask in one second,
and a worker that is gone is published much longer than that."""


class MaasResource(Resource):
    """Everything under /MAAS/; reads the whole path, so it is mounted as the child `MAAS`."""

    isLeaf = True
    log = Logger()

    def __init__(self, services: ApiServices, registry: Registry) -> None:
        super().__init__()
        self._services = services
        self._registry = registry
        self._digest = digest(registry)
        self._event_loops = Shared(services.clock, self._find_event_loops, LISTING_FRESH)

    def render(self, request: Request) -> int:
        """Begin to answer; a client that went away meanwhile stops nothing that was begun."""
        gone: list[object] = []
        request.notifyFinish().addErrback(gone.append)
        answering = Deferred.fromCoroutine(self._answer(request))

        def write(answer: Answer) -> None:
            if not gone:
                _write(request, answer, self._digest)

        answering.addCallback(write)
        answering.addErrback(lambda failure: self.log.failure("writing failed", failure))
        return NOT_DONE_YET

    async def _answer(self, request: Request) -> Answer:
        try:
            return await self._respond(read_request(request))
        except RequestRefused as refusal:
            return refused(refusal)
        except DatabaseError as error:
            return database_failed(error) or self._broken(request)
        except Exception:
            return self._broken(request)

    def _broken(self, request: Request) -> Answer:
        number = f"{self._services.clock.seconds():.6f}"
        self.log.failure(
            "request {number} failed: {method} {path}",
            number=number,
            method=request.method,
            path=request.path,
        )
        return broken(number)

    async def _respond(self, asked: Asked) -> Answer:
        if asked.segments[:2] == API and len(asked.segments) > 2:
            return await self._operate(asked, asked.segments[2:])
        if asked.segments == ("rpc", ""):
            _require_get(asked)
            return await self._event_loops.get()
        if asked.segments in ((), ("",)):
            return plain(200, f"maasha {self._services.version}: the API is under {ROOT}\n")
        raise UnknownPath("/MAAS/" + "/".join(asked.segments))

    async def _find_event_loops(self) -> Answer:
        found = await self._services.pool.run(event_loops, read_only=True)
        return ok(event_loops_json(found))

    async def _operate(self, asked: Asked, segments: tuple[str, ...]) -> Answer:
        if segments == ("describe", ""):
            _require_get(asked)
            return ok(describe(self._registry, asked.origin))
        route = self._registry.find(segments, asked.method, _op(asked.query))
        user = await self._caller(asked, route)
        call = Call(self._services, user, route.path)
        form = read_form(route.operation.form, _fields(asked, route))
        return await route.operation.perform(call, form)

    async def _caller(self, asked: Asked, route: Route) -> User | None:
        role = route.operation.role
        if role is Role.ANYONE:
            return None
        user = await self._authenticated(asked)
        if role is Role.ADMIN and not user.is_superuser:
            raise Forbidden(user.username, f"{route.operation.name} {route.operation.noun.path}")
        return user

    async def _authenticated(self, asked: Asked) -> User:
        proof = read_proof(asked.authorization, asked.query)

        async def work(tx: Transaction) -> StoredKey | None:
            return await find_key(tx, proof.consumer_key, proof.token_key)

        stored = await self._services.pool.run(work, read_only=True)
        if stored is None or not proof.matches(stored.token_secret):
            raise Unauthorized(BAD_KEY)
        return stored.user


def make_resource(services: ApiServices) -> MaasResource:
    """Make the resource for the child `MAAS` of the site's root.

    The site is made with `parsePOSTFormSubmission=False`: forms are parsed here, and what cannot be
    parsed is answered with words.
    """
    return MaasResource(services, make_registry())


def _require_get(asked: Asked) -> None:
    if asked.method != "GET":
        raise MethodNotAllowed(asked.method, ("GET",))


def _op(query: Submitted) -> str | None:
    return query["op"][-1] if "op" in query else None


def _fields(asked: Asked, route: Route) -> Submitted:
    """Gather the fields: a body's where there is one to have, and always the query's."""
    query = {name: texts for name, texts in without_proof(asked.query).items() if name != "op"}
    if not route.operation.has_body:
        return query
    fields = {name: list(texts) for name, texts in asked.submitted().items()}
    for name, texts in query.items():
        fields.setdefault(name, []).extend(texts)
    return fields


def _write(request: Request, answer: Answer, api_hash: str) -> None:
    request.setResponseCode(answer.status)
    if answer.status != 204:
        request.setHeader("Content-Type", answer.content_type)
        request.setHeader("Content-Length", str(len(answer.body)))
    request.setHeader("X-MAAS-API-Hash", api_hash)
    request.setHeader("Cache-Control", "no-store")
    for name, value in answer.headers.items():
        request.setHeader(name, value)
    request.write(answer.body)
    request.finish()
