"""Ask the dhcpd of this host for a failover peer's state: `python -m ... NAME BASE64_KEY`.

Prints the number of the state (dhcpd/failover.h: 2 is normal, 3 communications-interrupted); it
uses nothing of maasha, so that a test can trust it against maasha.
"""

from __future__ import annotations

import struct
import sys

from pypureomapi import Omapi, OmapiMessage


def main(name: str, key: str) -> None:
    """Print the local state of the failover peer `name`."""
    omapi = Omapi("127.0.0.1", 7911, b"omapi_key", key.encode())
    message = OmapiMessage.open(b"failover-state")
    message.obj.append((b"name", name.encode()))
    answer = omapi.query_server(message)
    (number,) = struct.unpack("!I", dict(answer.obj)[b"local-state"])
    print(number)


if __name__ == "__main__":
    main(*sys.argv[1:])
