"""Lets dhcpd itself read a configuration before it replaces the one that runs."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen
from twisted.internet.defer import TimeoutError

from maasha.dhcp.family import IPV4, Family
from maasha.dhcp.folder import with_hosts
from maasha.dhcp.hosts import BadHosts, stanzas
from maasha.dhcp.listing import listing
from maasha.dhcp.process import spawn
from maasha.dhcp.reactor import IReactorDhcp
from maasha.host.files import SECRET_MODE, remove, write_atomic

DEADLINE = 30.0
"""Seconds; 100,000 hosts take half a second."""


@frozen
class Accepted:
    """dhcpd can read the text."""


@frozen
class Refused:
    """dhcpd cannot; `listing` has its complaints and the lines they are about."""

    listing: str


async def check(
    reactor: IReactorDhcp,
    program: Path,
    config: str,
    draft: Path,
    hosts: str = "",
    family: Family = IPV4,
) -> Accepted | Refused:
    """Run `dhcpd -t` on `config` with `hosts`, written to `draft` and another file beside it.

    Never with -q, which hides the complaints. One check at a time per `draft`.
    """
    said = draft.with_name(f"{draft.name}.said")
    declared = draft.with_name(f"{draft.name}.hosts")
    remove(said)
    try:
        write_atomic(declared, stanzas(hosts), SECRET_MODE)
        write_atomic(draft, with_hosts(config, declared), SECRET_MODE)
        passed = await _run(reactor, program, draft, said, family)
        words = said.read_text(encoding="utf-8", errors="replace")
        return Accepted() if passed else Refused(listing(words, config, declared))
    except OSError as error:
        return Refused(f"{program} cannot check the text: {error}")
    except BadHosts as error:
        return Refused(str(error))
    finally:
        remove(draft)
        remove(declared)
        remove(said)


async def _run(
    reactor: IReactorDhcp, program: Path, draft: Path, said: Path, family: Family
) -> bool:
    leases = draft.with_name("no.leases")
    argv = [str(program), family.flag, "-t", "-cf", str(draft), "-lf", str(leases)]
    process = spawn(reactor, argv, said)
    try:
        await process.ended().addTimeout(DEADLINE, reactor)
    except TimeoutError:
        await process.stop()
        said.write_text(f"dhcpd -t did not end within {DEADLINE} s", encoding="utf-8")
    return process.status == 0
