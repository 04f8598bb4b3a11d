"""From Twisted's request to plain values; nothing else here knows Twisted's bytes."""

from __future__ import annotations

from urllib.parse import unquote

from attrs import frozen
from twisted.web.server import Request

from maasha.api.bodies import MAX_BODY, read_body, read_urlencoded
from maasha.api.errors import BadRequest, BodyTooLarge
from maasha.api.forms import Submitted


@frozen
class Asked:
    """A request: decoded path segments below /MAAS/, method, query, body and the caller's proof."""

    method: str
    segments: tuple[str, ...]
    query: Submitted
    authorization: str | None
    origin: str
    content_type: str
    body: bytes

    def submitted(self) -> Submitted:
        """Parse the body's fields; raises `BadRequest` and `BodyTooLarge`."""
        return read_body(self.content_type, self.body)


def read_request(request: Request) -> Asked:
    """Take a request apart; raises `BadRequest` for bytes that are no text."""
    path, _, query = request.uri.partition(b"?")
    return Asked(
        method=_method(request),
        segments=_segments(_text(path)),
        query=read_urlencoded(query),
        authorization=_header(request, "authorization"),
        origin=_origin(request),
        content_type=_header(request, "content-type") or "",
        body=_body(request),
    )


def _segments(path: str) -> tuple[str, ...]:
    """Decode what stands between the slashes behind /MAAS/."""
    try:
        return tuple(unquote(part, errors="strict") for part in path.split("/")[2:])
    except UnicodeDecodeError:
        raise BadRequest(f"The path {path} is not UTF-8; encode it anew.") from None


def _method(request: Request) -> str:
    """Name the method; Twisted itself keeps the body of an answer to HEAD."""
    method = _text(request.method)
    return "GET" if method == "HEAD" else method


def _origin(request: Request) -> str:
    scheme = "https" if request.isSecure() else "http"
    return f"{scheme}://{_header(request, 'host') or 'localhost'}"


def _header(request: Request, name: str) -> str | None:
    value = request.requestHeaders.getRawHeaders(name)
    return value[-1] if value else None


def _body(request: Request) -> bytes:
    content = request.content
    if content is None:
        return b""
    content.seek(0)
    body: bytes = content.read(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        raise BodyTooLarge(MAX_BODY)
    return body


def _text(raw: bytes) -> str:
    try:
        return raw.decode("ascii")
    except UnicodeDecodeError:
        raise BadRequest(
            "The request line has raw bytes beyond ASCII; percent-encode them."
        ) from None
