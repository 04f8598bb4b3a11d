"""A hand-written asyncio protocol with msgpack: `python -m benchmarks.msgpack_peer ROLE PORT`.

The wire is that of msgpack-rpc: [0, id, method, arguments] -> [1, id, error, result].
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import msgpack

from benchmarks import asyncio_loop
from benchmarks.contract import BLOB, NAME

packed = msgpack.Packer(autoreset=True).pack


def answer(method: str, given: dict[str, Any]) -> dict[str, Any]:
    """Do what is asked."""
    right = method == "lookup" or len(given["data"]) == len(BLOB)
    return {"ok": right, "count": given["id"] + 1}


class Peer(asyncio.Protocol):
    """Either end of a connection."""

    def __init__(self) -> None:
        self._unpacker = msgpack.Unpacker()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._count = 0
        self._transport: Any = None
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer requests, all of a chunk in one write, and hand over answers."""
        self._unpacker.feed(data)
        out = []
        for message in self._unpacker:
            if message[0] == 0:
                out.append(packed([1, message[1], None, answer(message[2], message[3])]))
            else:
                self._waiting.pop(message[1]).set_result(message[3])
        if out:
            self._transport.write(b"".join(out))

    def call(self, method: str, given: dict[str, Any]) -> asyncio.Future[Any]:
        """Ask the other end."""
        self._count += 1
        future = self._waiting[self._count] = self._loop.create_future()
        self._transport.write(packed([0, self._count, method, given]))
        return future


async def serve(port: int) -> None:
    """Listen for ever."""
    server = await asyncio.get_running_loop().create_server(Peer, "127.0.0.1", port)
    print("READY", flush=True)  # the runner waits for this line
    await server.serve_forever()


async def measure(port: int) -> None:
    """Connect and run all phases."""
    loop = asyncio.get_running_loop()
    _, peer = await loop.create_connection(Peer, "127.0.0.1", port)

    async def call(number: int, blob: bool) -> tuple[bool, int]:
        given = {"id": number, "name": NAME, **({"data": BLOB} if blob else {})}
        got = await peer.call("blob" if blob else "lookup", given)
        return got["ok"], got["count"]

    await asyncio_loop.run(call)


if __name__ == "__main__":
    asyncio.run((serve if sys.argv[1] == "server" else measure)(int(sys.argv[2])))
