"""The files of a rack's dhcpd."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from maasha.dhcp.folder import Folder, Identity
from maasha.dhcp.hosts import BadHosts, select, stanzas, touched
from maasha.dhcp.joining import Past
from maasha.dhcp.render import render
from tests.unit.dhcp.networks import PLAIN, PRIMARY, rack

PLAN = render(rack(PLAIN), {PLAIN.vlan: PRIMARY}).plan
LEASE = "lease 10.0.0.50 {\n  binding state active;\n}\n"


def ids() -> Callable[[], str]:
    """Give a maker of names: store-1, store-2 ..."""
    numbers = count(1)
    return lambda: f"store-{next(numbers)}"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Give an empty folder."""
    return Folder(tmp_path / "dhcp", ids())


def test_a_plan_survives(folder: Folder) -> None:
    """The last good plan comes back as it was; a new folder has none."""
    assert folder.plan() is None
    folder.keep_plan(PLAN)
    assert folder.plan() == PLAN


def test_a_damaged_record_is_none(folder: Folder) -> None:
    """What cannot be read was never there."""
    folder.keep_plan(PLAN)
    (folder.config.parent / "plan.json").write_text('{"generation": 1}')
    assert folder.plan() is None


def test_our_dhcpd_is_remembered_until_it_is_stopped(folder: Folder) -> None:
    """Its identity comes back, or none."""
    identity = Identity(12, 3456, "abc")
    folder.keep_identity(identity)
    assert folder.identity() == identity
    folder.keep_identity(None)
    assert folder.identity() is None


def test_an_empty_leases_file_has_a_new_name(folder: Folder) -> None:
    """Whenever the leases are lost the store is another one."""
    assert folder.lease_store() == ""
    folder.ensure_leases()
    assert (folder.lease_store(), folder.leases.read_text()) == ("store-1", "")
    folder.leases.write_text(LEASE)
    folder.ensure_leases()
    assert (folder.lease_store(), folder.leases.read_text()) == ("store-1", LEASE)
    folder.leases.unlink()
    folder.ensure_leases()
    assert (folder.lease_store(), folder.leases.read_text()) == ("store-2", "")


def test_leases_that_came_without_a_name_get_one(folder: Folder) -> None:
    """Leases of an earlier installation are kept."""
    folder.leases.parent.mkdir()
    folder.leases.write_text(LEASE)
    folder.ensure_leases()
    assert (folder.lease_store(), folder.leases.read_text()) == ("store-1", LEASE)


def test_a_start_finds_its_files_in_place(folder: Folder) -> None:
    """The configuration is there, readable by root alone, and the past is gone."""
    folder.ensure_leases()
    folder.leases.write_text(LEASE + "host x {\n  deleted;\n}\n")
    folder.prepare(PLAN.config, Past())
    assert folder.config.read_text() == f'{PLAN.config}\ninclude "{folder.hosts}";\n'
    assert folder.hosts.read_text() == ""
    assert folder.config.stat().st_mode & 0o777 == 0o640
    assert folder.leases.read_text() == LEASE
    before = folder.leases.stat().st_ino
    folder.prepare(PLAN.config, Past())
    assert folder.leases.stat().st_ino == before


HOSTS = "02:00:00:00:00:01 10.0.0.5 web\n02:00:00:00:00:02 10.0.0.6 -\n"


def test_hosts_are_declared_in_a_file_of_their_own(folder: Folder) -> None:
    """It changes without the other one, and the next start has it as it is then."""
    folder.prepare(PLAN.config, Past(), HOSTS)
    assert folder.hosts.read_text() == stanzas(HOSTS)
    assert folder.hosts.stat().st_mode & 0o777 == 0o640
    before = folder.config.stat().st_ino
    changed = HOSTS.replace("10.0.0.5", "10.0.0.7")
    macs = touched(HOSTS, changed)
    folder.declare(macs, select(changed, macs))
    assert folder.hosts.read_text() == stanzas(changed)
    assert folder.config.stat().st_ino == before


def test_a_lost_file_of_hosts_is_begun_anew(folder: Folder) -> None:
    """What is declared then is at least what has changed."""
    folder.ensure_leases()
    macs = touched("", HOSTS)
    folder.declare(macs, select(HOSTS, macs))
    assert folder.hosts.read_text() == stanzas(HOSTS)


def test_a_text_that_is_none_of_hosts_is_not_put_in_place(folder: Folder) -> None:
    """Neither file is written."""
    with pytest.raises(BadHosts):
        folder.prepare(PLAN.config, Past(), "nonsense\n")
    assert not folder.config.exists()
    assert not folder.hosts.exists()


def test_what_is_unsure_is_remembered(folder: Folder) -> None:
    """Until nothing is."""
    folder.ensure_leases()
    assert folder.unsure() == frozenset()
    folder.keep_unsure({"02:00:00:00:00:01", "02:00:00:00:00:02"})
    assert folder.unsure() == {"02:00:00:00:00:01", "02:00:00:00:00:02"}
    folder.keep_unsure(frozenset())
    folder.keep_unsure(frozenset())
    assert folder.unsure() == frozenset()


def test_a_configuration_is_withdrawn(folder: Folder) -> None:
    """A rack that is to serve nothing has none."""
    folder.prepare(PLAN.config, Past())
    folder.withdraw()
    assert not folder.config.exists()
