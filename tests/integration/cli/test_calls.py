"""Commands made from an API's description: the real `maasha` against a small region."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.integration.cli.conftest import BIN, DEADLINE, User
from tests.integration.cli.small_region import KEY, Reply, SmallRegion
from tests.unit.cli.samples import RESOURCES, document, resource

VLAN = {"id": 7, "vid": 0, "dhcp_on": True, "dhcp_status": "running", "dhcp_problem": ""}


def test_reading(admin: User, region: SmallRegion) -> None:
    """A read prints the JSON that the region sent, with or without naming the only profile."""
    region.will_answer("GET subnets/", Reply(200, [{"name": "LAN é", "cidr": "10.0.0.0/24"}]))
    for words in ("maas subnets read", "subnets read"):
        done = admin.maasha(words)
        assert (done.status, done.err) == (0, "")
        assert done.out == (
            '[\n    {\n        "cidr": "10.0.0.0/24",\n        "name": "LAN é"\n    }\n]\n'
        )
    assert [seen.method for seen in region.seen] == ["GET", "GET"]


def test_two_profiles(admin: User, region: SmallRegion) -> None:
    """With two profiles one has to be named."""
    assert admin.maasha(f"login other {region.url} {KEY}").status == 0
    done = admin.maasha("subnets read")
    assert (done.status, done.err) == (
        2,
        "There is no profile 'subnets'; say one of: maas, other\n",
    )
    done = admin.maasha("status")
    assert (done.status, "say one of: maas, other" in done.err) == (2, True)


def test_changing(admin: User, region: SmallRegion) -> None:
    """An update sends its fields as a form, ids in the path, files as what is in them."""
    (admin.home / "note").write_bytes(b"two\r\nlines")
    (admin.home / "blob").write_bytes(b"\xff\x00")
    region.will_answer("PUT fabrics/1/vlans/0/", Reply(200, VLAN))
    done = admin.maasha("maas vlan update 1 0 primary_rack=rack-1 a= a=b c@=note d@=blob")
    assert (done.status, json.loads(done.out), done.err) == (0, VLAN, "")
    (seen,) = region.seen
    assert seen.fields == (
        ("primary_rack", "rack-1"),
        ("a", ""),
        ("a", "b"),
        ("c", "two\r\nlines"),
    )
    assert seen.files == ("d",)


def test_operations_and_deletions(admin: User, region: SmallRegion) -> None:
    """Other operations are named in the query; a deletion answers nothing."""
    region.will_answer("POST account/", Reply(200, {"name": "x"}))
    assert admin.maasha("maas account create-authorisation-token").status == 0
    region.will_answer("DELETE rackcontrollers/4a6/", Reply(204))
    done = admin.maasha("maas rack-controller delete 4a6 force=true")
    assert (done.status, done.out, done.err) == (0, "", "")
    assert [seen.fields for seen in region.seen] == [
        (("op", "create_authorisation_token"),),
        (("force", "true"),),
    ]


def test_dhcp_that_was_refused(admin: User, region: SmallRegion) -> None:
    """An update whose configuration a rack's dhcpd refused is no success."""
    failed = VLAN | {"dhcp_status": "failed: rack rack-1", "dhcp_problem": "  3: range 10\n     ^"}
    region.will_answer("PUT fabrics/1/vlans/0/", Reply(200, failed))
    done = admin.maasha("maas vlan update 1 0 dhcp_on=true")
    assert (done.status, json.loads(done.out)) == (2, failed)
    assert "DHCP: failed: rack rack-1\n  3: range 10\n     ^\n" in done.err


@pytest.mark.parametrize(
    ("reply", "printed", "advised"),
    [
        (Reply(400, {"start_ip": ["is outside"]}), '"is outside"', "start_ip: is outside\n"),
        (Reply(400, "No good."), "No good.\n", "Nothing was changed"),
        (Reply(401, "Invalid API key."), "Invalid API key.\n", "maasha login maas URL"),
        (Reply(403, "Forbidden."), "Forbidden.\n", "administrator"),
        (Reply(404, "No IPRange."), "No IPRange.\n", "with 'read' lists"),
        (Reply(409, "Busy."), "Busy.\n", "try again"),
        (Reply(500, "Oh."), "Oh.\n", "log"),
        (Reply(302, "", {"Location": "http://127.0.0.1:9/"}), "", "at http://127.0.0.1:9/ now"),
    ],
)
def test_refusals(
    admin: User, region: SmallRegion, reply: Reply, printed: str, advised: str
) -> None:
    """What the region says goes to standard output, what to do next to standard error."""
    region.will_answer("POST ipranges/", reply)
    done = admin.maasha("maas ipranges create type=dynamic start_ip=1.2.3.4 end_ip=1.2.3.5")
    assert (done.status, len(region.asked("POST"))) == (2, 1)
    assert printed in done.out
    assert advised in done.err


def test_a_region_without_its_database(admin: User, region: SmallRegion) -> None:
    """503 is tried again as the region asks, three times; then it is the answer."""
    away = Reply(503, "The database is away.", {"Retry-After": "0"})
    region.will_answer("GET subnets/", away, away, Reply(200, []))
    done = admin.maasha("maas subnets read")
    assert (done.status, done.out) == (0, "[]\n")
    assert "trying again in 0 s (2 of 3)" in done.err
    region.seen.clear()
    region.will_answer("POST ipranges/", away)
    done = admin.maasha("maas ipranges create type=reserved")
    assert (done.status, done.out) == (2, "The database is away.\n")
    assert [seen.fields for seen in region.seen] == [(("type", "reserved"),)] * 4


def test_unknown_words(admin: User, region: SmallRegion) -> None:
    """An unknown verb is answered with those there are, after asking the region once."""
    done = admin.maasha("maas vlan updat 1 0")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("vlan has no 'updat'\nDid you mean update?\n  vlan read FABRIC_ID")
    assert [seen.path for seen in region.seen] == ["describe/"]
    done = admin.maasha("maas subnts read")
    assert (done.status, "Did you mean subnets?" in done.err) == (2, True)
    done = admin.maasha("mas subnets read")
    assert done.err.startswith("There is no command 'mas'; the only profile is 'maas'\n")
    for words in ("maas", "maas subnets"):
        done = admin.maasha(words)
        assert (done.status, done.out) == (2, "")


def test_help(admin: User) -> None:
    """`--help` lists nouns, verbs, or says what a verb does, from what is known already."""
    assert "  vlan              What VlanHandler is." in admin.maasha("maas --help").out
    assert "subnet delete ID " in admin.maasha("maas subnet -h").out
    assert admin.maasha("subnet update --help").out == (
        "subnet update ID [NAME=VALUE ...]\n\nDoes update.\n:param x: an x\n"
    )
    assert "maasha [PROFILE] NOUN VERB" in admin.maasha("--help").out


def test_an_api_that_grows(admin: User, region: SmallRegion) -> None:
    """A command of a newer API is there as soon as any answer, or the command itself, shows it."""
    leases = resource("LeasesHandler", "leases/", "read")
    region.described[0] = document([*RESOURCES, leases], "h2")
    region.will_answer("GET leases/", Reply(200, []))
    assert admin.maasha("maas leases read").status == 0
    events = resource("EventsHandler", "events/", "read")
    region.described[0] = document([*RESOURCES, events], "h3")
    region.will_answer("GET subnets/", Reply(200, []))
    region.seen.clear()
    for words in ("maas subnets read", "maas subnets read"):
        assert admin.maasha(words).status == 0
    assert [seen.path for seen in region.seen] == ["subnets/", "describe/", "subnets/"]
    region.described[0] = document(hash_="h4")
    region.will_answer("GET describe/", Reply(500, "Oh."))
    done = admin.maasha("maas subnets read")
    assert (done.status, "could not be refreshed" in done.err) == (0, True)


def test_status(admin: User, region: SmallRegion) -> None:
    """`status` shows the cluster as tables, or the refusal."""
    region.will_answer("GET cluster/", Reply(200, {"regions": [], "racks": []}))
    for words in ("status", "status maas"):
        done = admin.maasha(words)
        assert (done.status, done.out.splitlines()[0]) == (0, "Regions: 0 of 0 running, 0 workers")
    region.will_answer("GET cluster/", Reply(403, "Forbidden."))
    done = admin.maasha("status")
    assert (done.status, done.out) == (2, "Forbidden.\n")


def test_a_netrc_does_not_take_the_keys_place(admin: User, region: SmallRegion) -> None:
    """A password for the same host in ~/.netrc is not sent."""
    (admin.home / ".netrc").write_text("machine localhost login me password hunter2\n")
    assert admin.maasha("maas users whoami").status == 0
    assert region.seen[0].authorization.startswith("OAuth ")
    assert admin.maasha("refresh").status == 0
    assert region.seen[1].authorization == ""


def test_a_reader_that_has_seen_enough(admin: User, region: SmallRegion) -> None:
    """A closed pipe ends the command without a traceback."""
    region.will_answer("GET subnets/", Reply(200, [{"name": "x" * 100}] * 10_000))
    done = admin.runs("bash", "-c", "maasha maas subnets read | head -n 1")
    assert (done.out, done.err) == ("[\n", "")


def test_an_interrupted_wait(admin: User, region: SmallRegion) -> None:
    """Control-C ends a command that waits for the region, quietly."""
    region.will_answer("GET subnets/", Reply(503, "Away.", {"Retry-After": "60"}))
    # a test run in the background of a shell hands an ignored SIGINT down
    process = subprocess.Popen(
        ["env", "--default-signal=INT", BIN / "maasha", "subnets", "read"],
        env=admin.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr is not None
        assert "trying again in 60 s (1 of 3)" in process.stderr.readline()
        process.send_signal(2)
        out, err = process.communicate(timeout=DEADLINE)
    assert (process.returncode, out, err) == (130, "", "")
