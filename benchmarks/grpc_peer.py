"""gRPC on asyncio with protobuf messages: `python -m benchmarks.grpc_peer ROLE PORT`."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import grpc
import grpc.aio
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from benchmarks import asyncio_loop
from benchmarks.contract import BLOB, NAME

SERVICE, METHOD = "benchmark.Rack", "Lookup"
PATH = f"/{SERVICE}/{METHOD}"
INT, TEXT, BYTES, BOOL = 3, 9, 12, 8
"""Types of fields in a protobuf descriptor."""


def messages() -> tuple[Any, Any]:
    """Make the classes of request and answer, as protoc would from a .proto file."""
    file = descriptor_pb2.FileDescriptorProto(name="b.proto", package="benchmark", syntax="proto3")
    for name, fields in (
        ("Request", {"id": INT, "name": TEXT, "data": BYTES}),
        ("Answer", {"ok": BOOL, "count": INT}),
    ):
        message = file.message_type.add(name=name)
        for number, (field, kind) in enumerate(fields.items(), 1):
            message.field.add(name=field, number=number, type=kind, label=1)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    made = [
        message_factory.GetMessageClass(pool.FindMessageTypeByName(f"benchmark.{name}"))
        for name in ("Request", "Answer")
    ]
    return made[0], made[1]


Request, Answer = messages()


async def lookup(request: Any, _: object) -> Any:
    """Do what is asked."""
    right = not request.data or len(request.data) == len(BLOB)
    return Answer(ok=right, count=request.id + 1)


async def serve(port: int) -> None:
    """Listen for ever."""
    method = grpc.unary_unary_rpc_method_handler(
        lookup,
        request_deserializer=Request.FromString,
        response_serializer=Answer.SerializeToString,
    )
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(SERVICE, {METHOD: method}),)
    )
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    print("READY", flush=True)  # the runner waits for this line
    await server.wait_for_termination()


async def measure(port: int) -> None:
    """Connect and run all phases."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        ask = channel.unary_unary(
            PATH,
            request_serializer=Request.SerializeToString,
            response_deserializer=Answer.FromString,
        )

        async def call(number: int, blob: bool) -> tuple[bool, int]:
            got = await ask(Request(id=number, name=NAME, data=BLOB if blob else b""))
            return got.ok, got.count

        await asyncio_loop.run(call)


if __name__ == "__main__":
    asyncio.run((serve if sys.argv[1] == "server" else measure)(int(sys.argv[2])))
