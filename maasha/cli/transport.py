"""Sends requests to an API over HTTP, signed with a profile's key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import requests
from attrs import frozen
from oauthlib.oauth1 import SIGNATURE_PLAINTEXT, Client
from requests.auth import AuthBase
from urllib3 import disable_warnings
from urllib3.exceptions import InsecureRequestWarning

from maasha import __version__
from maasha.cli.answer import Answer, wait_before_retry
from maasha.cli.failures import Unreachable
from maasha.cli.profile import ApiKey
from maasha.cli.request import Field, Request

CONNECT_TIMEOUT = 10.0
"""Seconds; a region on the way to its restart is back sooner."""
ANSWER_TIMEOUT = 90.0
"""Seconds of silence; the longest call waits 10 s for racks, HAProxy gives up after 90."""

Wait = Callable[[float, int], None]
"""Called with seconds to wait and how often it was tried before a request is sent again."""


@frozen
class Trust:
    """Which certificates an https server may have: the system's CAs unless told otherwise."""

    cacerts: Path | None = None
    insecure: bool = False

    @property
    def verify(self) -> bool | str:
        """What requests calls `verify`."""
        return not self.insecure and (str(self.cacerts) if self.cacerts else True)


class _Signed(AuthBase):
    """Adds the OAuth 1.0 PLAINTEXT header (RFC 5849, 3.4.4); an entry in ~/.netrc cannot."""

    def __init__(self, key: ApiKey | None) -> None:
        self._key = key

    def __call__(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._key is not None:
            client = Client(
                self._key.consumer,
                resource_owner_key=self._key.token,
                resource_owner_secret=self._key.secret,
                signature_method=SIGNATURE_PLAINTEXT,
            )
            _, headers, _ = client.sign(str(prepared.url))
            prepared.headers.update(headers)
        return prepared


def send(request: Request, key: ApiKey | None, trust: Trust, wait: Wait) -> Answer:
    """Send a request and give the answer, after up to three more tries while it is 503.

    Raises `Unreachable` when there is no answer in time.
    """
    tries = 1
    while True:
        answer = send_once(request, key, trust, ANSWER_TIMEOUT)
        pause = wait_before_retry(answer, tries)
        if pause is None:
            return answer
        wait(pause, tries)
        tries += 1


def send_once(request: Request, key: ApiKey | None, trust: Trust, timeout: float) -> Answer:
    """Send a request and give the answer, whatever it is, within about `timeout` seconds.

    Raises `Unreachable` when there is none.
    """
    if trust.insecure:
        disable_warnings(InsecureRequestWarning)
    try:
        response = requests.request(
            request.method,
            request.url,
            files=[_part(field) for field in request.fields],
            auth=_Signed(key),
            headers={"Accept": "application/json, */*", "User-Agent": f"maasha/{__version__}"},
            verify=trust.verify,
            allow_redirects=False,
            timeout=(min(CONNECT_TIMEOUT, timeout), timeout),
        )
    except (requests.RequestException, OSError) as error:
        raise Unreachable(request.url.partition("?")[0], _reason(error)) from None
    headers = response.headers
    return Answer(
        response.status_code,
        response.content,
        headers.get("Content-Type", ""),
        headers.get("Retry-After", ""),
        headers.get("X-MAAS-API-Hash", ""),
        headers.get("Location", "") if response.is_redirect else "",
    )


def _part(field: Field) -> tuple[str, tuple[str | None, bytes]]:
    """Give a part of a multipart form; only bytes that are no text are sent as a file."""
    try:
        field.value.decode()
    except UnicodeDecodeError:
        return field.name, (field.name, field.value)
    return field.name, (None, field.value)


def _reason(error: Exception) -> str:
    """Give the innermost cause, without the layers that requests puts around it."""
    cause: BaseException = error
    while inner := cause.__cause__ or cause.__context__:
        cause = inner
    return str(getattr(cause, "strerror", None) or cause)
