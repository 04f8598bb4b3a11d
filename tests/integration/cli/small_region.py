"""A small HTTP server that answers as a region does and remembers what it was asked."""

from __future__ import annotations

import json
import ssl
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from attrs import field, frozen
from werkzeug.formparser import parse_form_data

from tests.unit.cli.samples import ROOT, document

KEY = "consumer:token:s3cret&"
"""An API key with a character in its secret that must be escaped."""
SIGNATURE = "%26s3cret%2526"


@frozen
class Reply:
    """What is answered once to a request; JSON unless the body is a text.

    With the status 0 it hangs up.
    """

    status: int = 200
    body: object = ""
    headers: Mapping[str, str] = field(factory=dict)


@frozen
class Seen:
    """A request that came; `fields` are those of its query or its form."""

    method: str
    path: str
    fields: tuple[tuple[str, str], ...]
    files: tuple[str, ...]
    authorization: str


@frozen
class SmallRegion:
    """Answers `replies` in turn, the last one for ever; without one, what a healthy region has."""

    port: int
    scheme: str = "http"
    seen: list[Seen] = field(factory=list)
    replies: defaultdict[str, deque[Reply]] = field(factory=lambda: defaultdict(deque))
    described: list[dict[str, object]] = field(factory=lambda: [document()])

    @property
    def url(self) -> str:
        """Where it is, as a user writes it."""
        return f"{self.scheme}://localhost:{self.port}/MAAS/"

    def will_answer(self, request: str, *replies: Reply) -> None:
        """Set what comes back for `METHOD path`, the path below the API's root."""
        self.replies[request] = deque(replies)

    def asked(self, method: str = "", path: str = "") -> list[Seen]:
        """Give the requests that came, of one method and path if named."""
        return [
            seen
            for seen in self.seen
            if (not method or seen.method == method) and (not path or seen.path == path)
        ]

    def answer(self, seen: Seen) -> Reply:
        """Remember a request and answer it."""
        self.seen.append(seen)
        replies = self.replies[f"{seen.method} {seen.path}"]
        if replies:
            return replies[0] if len(replies) == 1 else replies.popleft()
        if seen.path == "describe/":
            return Reply(200, self.described[0])
        if f'oauth_signature="{SIGNATURE}"' not in seen.authorization:
            return Reply(401, "Authorization Error: Invalid API key.")
        if ("op", "whoami") in seen.fields:
            return Reply(200, {"username": "admin", "is_superuser": True})
        return Reply(404, "No such thing.")


@contextmanager
def running_region(tls: ssl.SSLContext | None = None, port: int = 0) -> Iterator[SmallRegion]:
    """Run a small region on a port of this host, a free one unless told otherwise."""
    server = _Server(("127.0.0.1", port), _Conversation)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    server.region = SmallRegion(server.server_port, "https" if tls else "http")
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.region
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


class _Server(ThreadingHTTPServer):
    region: SmallRegion
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up: some tests make them do so."""


class _Conversation(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 10

    def answer(self) -> None:
        seen = self._seen()
        reply = self.server.region.answer(seen)
        if not reply.status:
            self.close_connection = True
            return
        is_text = isinstance(reply.body, str)
        body = reply.body.encode() if isinstance(reply.body, str) else _dumped(reply.body)
        self.send_response(reply.status)
        self.send_header("Content-Type", "text/plain" if is_text else "application/json")
        self.send_header("Content-Length", str(len(body)))
        headers = {"X-MAAS-API-Hash": str(self.server.region.described[0]["hash"])}
        for name, value in (headers | dict(reply.headers)).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = answer  # http.server's names

    def _seen(self) -> Seen:
        url = urlsplit(self.path)
        query = parse_qsl(url.query, keep_blank_values=True)
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        environ = {
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": BytesIO(body),
        }
        _, form, files = parse_form_data(environ)
        return Seen(
            self.command,
            url.path.removeprefix(ROOT),
            (*query, *form.items(multi=True)),
            tuple(files),
            self.headers.get("Authorization", ""),
        )

    def log_message(self, format: str, *args: object) -> None:
        """Keep the tests' output quiet."""


def _dumped(body: object) -> bytes:
    return json.dumps(body).encode()
