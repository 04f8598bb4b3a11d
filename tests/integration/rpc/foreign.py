"""A rack written from docs/protocol.md alone: sockets, OpenSSL, hashlib, hmac, nothing of ours."""

import hashlib
import hmac
import json
import os
import socket
import struct

from OpenSSL import SSL

Box = dict[bytes, bytes]
TIMEOUT = 10
"""Seconds."""


def field(value: bytes) -> bytes:
    """Put four bytes of length before it."""
    return struct.pack(">I", len(value)) + value


def mac(secret: bytes, *parts: bytes) -> bytes:
    """Make an HMAC-SHA256."""
    return hmac.new(secret, b"".join(parts), hashlib.sha256).digest()


class Refused(Exception):
    """The region's error: its code and what its description says."""

    def __init__(self, box: Box) -> None:
        self.code = box[b"_error_code"].decode()
        self.fields = json.loads(box[b"_error_description"])
        super().__init__(self.code, self.fields)


class ForeignRack:
    """One connection; `key` is the rack's own once it has registered."""

    def __init__(self, port: int, *, tls: bool) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
        self.channel: socket.socket | SSL.Connection = self.socket
        self.binding = self.transcript = b""
        self.key: bytes | None = None
        if tls:
            self.secure()

    def secure(self) -> None:
        """Open TLS, and take its binding."""
        self.socket.settimeout(None)  # OpenSSL wants a socket that blocks; the kernel ends the wait
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", TIMEOUT, 0))
        self.channel = SSL.Connection(SSL.Context(SSL.TLS_METHOD), self.socket)
        self.channel.set_connect_state()
        self.channel.do_handshake()
        self.binding = self.channel.export_keying_material(b"EXPORTER-Channel-Binding", 32)

    def close(self) -> None:
        """Hang up."""
        self.socket.close()

    def call(self, command: bytes, **values: bytes) -> Box:
        """Ask, and wait for the answer; the region's own questions are answered emptily."""
        box = {key.encode(): value for key, value in values.items() if value}
        self.send({b"_ask": b"7", b"_command": command, **box})
        while True:
            answer = self.receive()
            if b"_command" in answer:
                self.send({b"_answer": answer[b"_ask"]})
            elif b"_error" in answer:
                raise Refused(answer)
            else:
                return answer

    def send(self, box: Box) -> None:
        """Write a box."""
        words = b"".join(
            struct.pack(">H", len(word)) + word for item in box.items() for word in item
        )
        self.channel.sendall(words + b"\0\0")

    def receive(self) -> Box:
        """Read a box."""
        box: Box = {}
        while key := self.word():
            box[key] = self.word()
        return box

    def word(self) -> bytes:
        """Read a length and what has it."""
        (length,) = struct.unpack(">H", self.read(2))
        return self.read(length)

    def read(self, count: int) -> bytes:
        """Read so many bytes; raises EOFError."""
        found = b""
        while len(found) < count:
            try:
                more = self.channel.recv(count - len(found))
            except SSL.ZeroReturnError:
                more = b""
            if not more:
                raise EOFError
            found += more
        return found

    def greet(self, credential: bytes, system_id: bytes = b"", token: bytes = b"") -> None:
        """Say Hello and note the transcript."""
        nonce = os.urandom(32)
        said = {
            "lowest": b"1",
            "highest": b"1",
            "version": b"foreign 1",
            "system_id": system_id,
            "credential": credential,
            "token": token,
            "nonce": nonce,
        }
        heard = self.call(b"Hello", **said)
        order = [b"maasha handshake 1", b"1", b"1", b"foreign 1", system_id, b"", credential, token]
        names = (b"protocol", b"lowest", b"highest", b"version", b"system_id", b"instance")
        order += [nonce, *(heard[name] for name in names), heard[b"nonce"], self.binding]
        self.transcript = b"".join(map(field, order))

    def prove(self, secret: bytes) -> None:
        """Prove, and check the region's proof."""
        answer = self.call(b"Prove", proof=mac(secret, field(b"rack"), self.transcript))
        assert answer[b"proof"] == mac(secret, field(b"region"), self.transcript)

    def register(self, secret: bytes, system_id: str | None = None) -> dict[str, object]:
        """Register; gives the welcome and keeps the key."""
        said = {"hostname": "foreign", "version": "foreign 1", "system_id": system_id}
        answer = self.call(b"Register", introduction=json.dumps(said).encode())
        if b"key" in answer:
            self.key = self.unsealed(secret, answer[b"key"])
        welcome: dict[str, object] = json.loads(answer[b"welcome"])
        return welcome

    def unsealed(self, secret: bytes, sealed: bytes) -> bytes:
        """Open the sealed key."""
        masked, tag = sealed[:32], sealed[32:]
        assert tag == mac(secret, field(b"maasha key tag 1"), field(masked), self.transcript)
        mask = mac(secret, field(b"maasha key seal 1"), self.transcript)
        return bytes(one ^ other for one, other in zip(masked, mask, strict=True))
