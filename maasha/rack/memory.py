"""What a rack controller remembers across its own restarts, as small files in its data folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from attrs import field, frozen

from maasha.host.files import (
    PRIVATE_MODE,
    SECRET_MODE,
    alone,
    read_text,
    remove,
    write_atomic,
)
from maasha.model.cluster import EventLoop, InstanceId, SystemId
from maasha.model.stamp import NEVER, Stamp
from maasha.model.token import JoinToken, parse_token
from maasha.rack.discovery import BadAnswer, parse
from maasha.rpc.credentials import OWN_KEY, SHARED, Credential, Kind


class SecretMissing(Exception):
    """The rack has never been registered."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(
            f"no shared secret in {path}, no join token and no key: run `maasha-rack register "
            "--url URL` with the secret or with a token that `maasha-region token` printed"
        )


class SecretMalformed(Exception):
    """The file of a secret holds something else; its text is not repeated."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"{path} does not hold what it is to hold: register the rack again")


class RegisteredAnew(Exception):
    """`maasha-rack register` has made another rack of this host since this process began."""

    def __init__(self) -> None:
        super().__init__("the rack was registered anew: this process ends, the next one joins")


@frozen
class Identity:
    """What the rack proves itself with now; `secret` is the secret of `credential`."""

    credential: Credential
    secret: bytes = field(repr=False)


class Memory:
    """Reads and writes the folder; every value is written whole or not at all.

    What is written belongs to the registration with which this process began: after another one
    writing raises RegisteredAnew, so that nothing of the old rack clings to the new one.
    """

    def __init__(self, folder: Path, secret_file: Path) -> None:
        self.folder = folder
        self._secret = secret_file
        self._token = folder / "token"
        self._key = folder / "key"
        self._system_id = folder / "system_id"
        self._instance = folder / "instance"
        self._epoch = folder / "epoch"
        self._retired = folder / "retired"
        self._regions = folder / "regions.json"
        self._served = folder / "served_instance"
        self._registration = folder / "registration"
        self._lock = folder / "lock"
        self._begun = self.registration

    @property
    def identity(self) -> Identity:
        """Its own key, else a join token, else the shared secret.

        Raises SecretMissing, SecretMalformed and RegisteredAnew.
        """
        self._require_same()
        key, token = read_text(self._key), read_text(self._token)
        if key is not None and self.system_id is not None:
            return Identity(OWN_KEY, _hexadecimal(key, self._key))
        if token is not None:
            return self._with_token(token)
        secret = read_text(self._secret)
        if secret is None:
            raise SecretMissing(self._secret)
        return Identity(SHARED, _hexadecimal(secret, self._secret))

    def _with_token(self, text: str) -> Identity:
        try:
            token = parse_token(text)
        except ValueError:
            raise SecretMalformed(self._token) from None
        return Identity(Credential(Kind.TOKEN, token.id), token.secret)

    def register(self, given: bytes | JoinToken, registration: str) -> None:
        """Begin anew with the shared secret or a token: who the rack was is forgotten.

        `registration` names this act; a running rackd sees that it changed and begins anew.
        """
        own = (self._system_id, self._instance, self._epoch, self._retired, self._regions)
        with alone(self._lock):
            for path in (*own, self._key, self._token):
                remove(path)
            if isinstance(given, JoinToken):
                write_atomic(self._token, f"{given}\n", SECRET_MODE)
                remove(self._secret)
            else:
                write_atomic(self._secret, given.hex() + "\n", SECRET_MODE)
            write_atomic(self._registration, registration + "\n")
        self._begun = registration

    @property
    def registration(self) -> str | None:
        """Names the last registration; None before the first."""
        return read_text(self._registration)

    @property
    def system_id(self) -> SystemId | None:
        """The name that the region gave."""
        text = read_text(self._system_id)
        return SystemId(text) if text else None

    @property
    def instance(self) -> InstanceId | None:
        """The installation that the rack belongs to."""
        text = read_text(self._instance)
        return InstanceId(UUID(text)) if text else None

    def belong(self, system_id: SystemId, instance: InstanceId, key: bytes | None = None) -> None:
        """Pin the instance and the name at the first success; keep the rack's own key.

        The key counts only with the name, so it is written first: whatever dies in between, the
        rack still has something to prove itself with. Then what let it in is forgotten. Raises
        RegisteredAnew and OSError.
        """
        with self._of_this_registration():
            if key is not None:
                write_atomic(self._key, key.hex() + "\n", PRIVATE_MODE)
            if system_id != self.system_id:
                write_atomic(self._system_id, system_id + "\n")
            if instance != self.instance:
                write_atomic(self._instance, f"{instance}\n")
            if key is not None:
                remove(self._token)
                remove(self._secret)

    @property
    def served(self) -> InstanceId | None:
        """The instance whose DHCP plan the rack has."""
        text = read_text(self._served)
        return InstanceId(UUID(text)) if text else None

    def serve(self, instance: InstanceId) -> None:
        """Remember whose DHCP plan the rack has from now on."""
        if instance != self.served:
            self._keep(self._served, f"{instance}\n")

    @property
    def epoch(self) -> Stamp:
        """The highest epoch of ownership that the rack obeyed."""
        text = read_text(self._epoch)
        if not text:
            return NEVER
        incarnation, _, counter = text.partition(".")
        return Stamp(int(incarnation), int(counter))

    def obey(self, epoch: Stamp) -> None:
        """Remember an epoch, so that no older owner is obeyed after a restart."""
        self._keep(self._epoch, f"{epoch}\n")

    @property
    def retired(self) -> bool:
        """Whether the instance deleted this rack; only registering ends it."""
        return read_text(self._retired) is not None

    def retire(self) -> None:
        """Remember that the instance deleted this rack."""
        self._keep(self._retired, "deleted from its instance\n")

    @property
    def regions(self) -> tuple[EventLoop, ...]:
        """The workers that were published last; none where the file is missing or damaged."""
        text = read_text(self._regions)
        try:
            return parse(str(self._regions), text.encode()) if text else ()
        except BadAnswer:
            return ()

    def meet(self, loops: tuple[EventLoop, ...]) -> None:
        """Remember the published workers, for a start with no configured region in reach."""
        if loops == self.regions:
            return
        listing = {loop.name: [[e.host, e.port] for e in loop.endpoints] for loop in loops}
        self._keep(self._regions, json.dumps({"eventloops": listing}) + "\n")

    def _keep(self, path: Path, text: str) -> None:
        with self._of_this_registration():
            write_atomic(path, text)

    @contextmanager
    def _of_this_registration(self) -> Iterator[None]:
        """Write while nobody registers; raises RegisteredAnew if somebody has."""
        with alone(self._lock):
            self._require_same()
            yield

    def _require_same(self) -> None:
        if self.registration != self._begun:
            raise RegisteredAnew


def _hexadecimal(text: str, path: Path) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise SecretMalformed(path) from None
