"""Why a request is refused: one type for each answer that is not a success."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

WHOLE_REQUEST = "__all__"
"""The field name of a message that no single field is to blame for (as MAAS has it)."""


class RequestRefused(Exception):
    """A request that is answered with an error; each subclass has its HTTP status."""


@frozen
class FieldErrors(RequestRefused):
    """400: what is wrong with each field; every message names the value and the mend."""

    fields: Mapping[str, tuple[str, ...]]

    def __str__(self) -> str:
        return "; ".join(f"{name}: {' '.join(texts)}" for name, texts in self.fields.items())


@frozen
class BadRequest(RequestRefused):
    """400: the request as a whole cannot be understood or done."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@frozen
class Unauthorized(RequestRefused):
    """401: no API key, or not one of this instance."""

    reason: str

    def __str__(self) -> str:
        return f"Authorization Error: {self.reason}"


@frozen
class Forbidden(RequestRefused):
    """403: the user is known and may not do this."""

    username: str
    wanted: str

    def __str__(self) -> str:
        return f"{self.username} may not {self.wanted}; ask an administrator."


@frozen
class NotFound(RequestRefused):
    """404: nothing of this kind answers to that name."""

    kind: str

    def __str__(self) -> str:
        return f"No {self.kind} matches the given query."


@frozen
class UnknownPath(RequestRefused):
    """404: the path is none of the API's."""

    path: str

    def __str__(self) -> str:
        if not self.path.endswith("/"):
            return f"Unknown path {self.path}: paths end with a slash, try {self.path}/"
        return f"Unknown path {self.path}; GET /MAAS/api/2.0/describe/ lists what there is."


@frozen
class MethodNotAllowed(RequestRefused):
    """405: the resource exists and has no such method."""

    method: str
    allowed: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.method} is not allowed here; use {' or '.join(self.allowed)}."


@frozen
class Conflict(RequestRefused):
    """409: what exists stands in the way."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@frozen
class BodyTooLarge(RequestRefused):
    """413: the body is larger than any form of this API."""

    limit: int
    """Bytes."""

    def __str__(self) -> str:
        return f"The body is larger than {self.limit} bytes; no form of this API is."
