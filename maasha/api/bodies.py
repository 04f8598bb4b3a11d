"""From a request's body to submitted fields: urlencoded, multipart, and plain JSON objects."""

from __future__ import annotations

import json
from io import BytesIO
from urllib.parse import parse_qsl

from werkzeug.exceptions import HTTPException
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from maasha.api.errors import BadRequest, BodyTooLarge
from maasha.api.forms import Submitted

MAX_BODY = 1 << 20
"""Bytes. The largest form here is a description; anything near this is a mistake or an attack."""
MAX_PARTS = 200
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
JSON = "application/json"


def read_body(content_type: str, body: bytes) -> Submitted:
    """Parse a body by its content type; an empty body has no fields whatever its type."""
    if len(body) > MAX_BODY:
        raise BodyTooLarge(MAX_BODY)
    if not body:
        return {}
    mimetype, options = parse_options_header(content_type)
    if mimetype == JSON:
        return _read_json(body)
    if mimetype == URLENCODED:
        return read_urlencoded(body)
    if mimetype == MULTIPART:
        return _read_multipart(options, body)
    raise BadRequest(
        f"A body of type {mimetype or 'none'!r} is not understood; send {MULTIPART}, {URLENCODED} "
        f"or {JSON}."
    )


def read_urlencoded(encoded: bytes) -> Submitted:
    """Parse `a=1&b=2`, of a body or a query; raises `BadRequest`."""
    fields: dict[str, list[str]] = {}
    try:
        text = encoded.decode()
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARTS)
    except ValueError as wrong:
        raise BadRequest(f"The urlencoded fields cannot be read: {wrong}.") from wrong
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


def _read_multipart(options: dict[str, str], body: bytes) -> Submitted:
    parser = FormDataParser(max_form_memory_size=MAX_BODY, max_form_parts=MAX_PARTS, silent=False)
    try:
        _, fields, files = parser.parse(BytesIO(body), MULTIPART, len(body), options)
        submitted = {name: list(texts) for name, texts in fields.lists()}
        # MAAS's own client sends each value as an attached file when it comes from one (k@=file)
        for name, file in files.items(multi=True):
            submitted.setdefault(name, []).append(file.stream.read().decode())
    except (ValueError, HTTPException) as wrong:
        raise BadRequest(f"The multipart body cannot be read: {wrong}.") from wrong
    return submitted


def _read_json(body: bytes) -> Submitted:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as wrong:
        raise BadRequest(f"The body is not JSON ({wrong}); encode it anew.") from wrong
    if not isinstance(found, dict):
        raise BadRequest("The JSON body is not an object; send one value for each field.")
    return {name: _texts(name, value) for name, value in found.items()}


def _texts(name: str, value: object) -> list[str]:
    if isinstance(value, list):
        return [_text(name, each) for each in value]
    return [_text(name, value)]


def _text(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise BadRequest(f"The JSON field {name!r} is nested; send plain values or a list of them.")
