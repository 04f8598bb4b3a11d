"""A plugin: racks say which thermometers they have, regions read them. See docs/library.md."""

from os import environ
from pathlib import Path

from attrs import frozen
from twisted.logger import Logger

from maasha.rpc.extension import Call, Extension, Number, Peer, RpcError, Side, Text, declared

FOLDER, LOG = Path(environ.get("THERMOMETERS", "/sys/class/thermal")), Logger()


@frozen
class NoSensor(RpcError):
    sensor: str


class ReadSensor(Call):
    """Region to rack: tell how warm it is, in thousandths of a degree."""

    arguments = [(b"sensor", Text())]
    response = [(b"warmth", Number())]
    errors = declared(NoSensor)


class OfferSensor(Call):
    """Rack to region: this one may be read."""

    arguments = [(b"sensor", Text())]


async def read_sensor(rack: Peer, sensor: str, deadline: float = 2.0) -> int:
    return int((await rack.call(ReadSensor, deadline, sensor=sensor))["warmth"])


async def offer_sensor(region: Peer, sensor: str) -> None:
    await region.call(OfferSensor, sensor=sensor)


class AtRack(Side):
    async def live(self) -> None:
        for file in FOLDER.glob("*/temp"):
            await offer_sensor(self.peer, file.parent.name)

    @ReadSensor.responder
    async def read(self, sensor: str) -> dict[str, object]:
        if sensor not in [file.parent.name for file in FOLDER.glob("*/temp")]:
            raise NoSensor(sensor)
        return {"warmth": int((FOLDER / sensor / "temp").read_text())}


class AtRegion(Side):
    @OfferSensor.responder
    async def take(self, sensor: str) -> dict[str, object]:
        LOG.info("{id}: {m} mC", id=self.peer.system_id, m=await read_sensor(self.peer, sensor))
        return {}


THERMOMETER = Extension("thermometer", rack=AtRack, region=AtRegion)
