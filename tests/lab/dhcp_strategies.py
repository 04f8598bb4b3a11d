"""DHCP messages and addresses for Hypothesis."""

from ipaddress import IPv4Address

from hypothesis import strategies as st

from lab.dhcp_wire import MAC, Kind, Message, Option, mac

MACS: st.SearchStrategy[MAC] = st.integers(0, 2**48 - 1).map(mac)

ADDRESSES = st.ip_addresses(v=4).map(lambda address: IPv4Address(int(address)))

CODES = st.integers(1, 254).filter(lambda code: code != Option.MESSAGE_TYPE)

OPTIONS = st.dictionaries(CODES, st.binary(max_size=600), max_size=6)
"""Up to 600 bytes: longer than one option can be, RFC 3396."""


def names(longest: int) -> st.SearchStrategy[bytes]:
    """Return text of a fixed field: ends at its first zero."""
    return st.binary(max_size=longest).map(lambda raw: raw.partition(b"\0")[0])


MESSAGES = st.builds(
    Message,
    kind=st.sampled_from(Kind),
    xid=st.integers(0, 2**32 - 1),
    chaddr=MACS,
    secs=st.integers(0, 0xFFFF),
    broadcast=st.booleans(),
    ciaddr=ADDRESSES,
    yiaddr=ADDRESSES,
    siaddr=ADDRESSES,
    giaddr=ADDRESSES,
    sname=names(64),
    file=names(128),
    options=OPTIONS.map(lambda options: tuple(options.items())),
)
