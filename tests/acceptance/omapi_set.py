"""Set a failover peer's state on this host's dhcpd: `python -m ... NAME BASE64_KEY NUMBER`.

It is what manuals tell people to type into omshell, without a word of maasha.
"""

from __future__ import annotations

import struct
import sys

from pypureomapi import Omapi, OmapiMessage


def main(name: str, key: str, number: str) -> None:
    """Set the local state of the failover peer `name`."""
    omapi = Omapi("127.0.0.1", 7911, b"omapi_key", key.encode())
    message = OmapiMessage.open(b"failover-state")
    message.obj.append((b"name", name.encode()))
    update = OmapiMessage.update(omapi.query_server(message).handle)
    update.update_object({b"local-state": struct.pack("!I", int(number))})
    omapi.query_server(update)


if __name__ == "__main__":
    main(*sys.argv[1:])
