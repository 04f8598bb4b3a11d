"""Join as a rack: `guest.py HOST PORT FILE`. FILE has a join token, later the guest's own key."""

import json
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from thermometer import ReadSensor, offer_sensor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.task import react

from maasha.host.clock import steady
from maasha.host.files import write_atomic
from maasha.model.cluster import InstanceId, Introduction
from maasha.model.token import parse_token
from maasha.rpc.credentials import OWN_KEY, Credential, Kind
from maasha.rpc.extension import Extension, Side
from maasha.rpc.ground import Ground
from maasha.rpc.handshake import RackFacts
from maasha.rpc.idle import IdleRack
from maasha.rpc.rack_side import join


class Body(Side):
    async def live(self) -> None:
        await offer_sensor(self.peer, "body")

    @ReadSensor.responder
    def read(self, sensor: str) -> dict[str, object]:
        return {"warmth": {"body": 36_600}[sensor]}


def credential_in(text: str) -> RackFacts:
    if not text.startswith("{"):
        token = parse_token(text)
        return RackFacts("1", token.secret, credential=Credential(Kind.TOKEN, token.id))
    own = json.loads(text)
    key, instance = bytes.fromhex(own["key"]), InstanceId(UUID(own["instance"]))
    return RackFacts("1", key, own["system_id"], instance, credential=OWN_KEY)


async def main(reactor: Any, host: str, port: str, path: str) -> None:
    steady(reactor)
    facts = credential_in(Path(path).read_text().strip())
    me = Introduction("guest", "1", facts.system_id, serving=False)
    where = HostnameEndpoint(reactor, host, int(port))
    guest = [Extension("guest", rack=Body)]
    session = await join(Ground(reactor), where, facts, lambda: me, IdleRack(), extensions=guest)
    name, instance = session.welcome.system_id, session.welcome.instance
    if session.key is not None:
        own = {"system_id": name, "instance": str(instance), "key": session.key.hex()}
        write_atomic(Path(path), json.dumps(own), 0o600)
    print("joined as", name, flush=True)
    print("the link ended:", await session.closed)


react(lambda *words: Deferred.fromCoroutine(main(*words)), sys.argv[1:])
