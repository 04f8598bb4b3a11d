"""Calls the API one call after the other: `python -m benchmarks.dhcp_caller URL KEY`.

Reads lines of JSON, {"method": "POST", "path": "reservedips/", "fields": {...}}, and answers each
with {"began": ..., "ended": ..., "status": ..., "body": ...}; instants are CLOCK_MONOTONIC's.
"""

from __future__ import annotations

import json
import sys
import time
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.acceptance.storm_caller import proof

PATIENCE = 30.0
"""Seconds for one call."""


def call(connection: HTTPConnection, root: str, key: str, wish: dict[str, Any]) -> dict[str, Any]:
    """Make one call and read its answer."""
    headers = {
        "Authorization": proof(key),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    began = time.monotonic()
    connection.request(wish["method"], root + wish["path"], urlencode(wish["fields"]), headers)
    answer = connection.getresponse()
    body = answer.read().decode()
    return {"began": began, "ended": time.monotonic(), "status": answer.status, "body": body}


def main(url: str, key: str) -> None:
    """Call until stdin ends."""
    where = urlsplit(url)
    connection = HTTPConnection(where.hostname or "", where.port, timeout=PATIENCE)
    for line in sys.stdin:
        answer = call(connection, f"{where.path}api/2.0/", key, json.loads(line))
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
