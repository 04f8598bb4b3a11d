"""`maasha drain`, `balance`, `pause`, `resume`, `acknowledge`, against a small region."""

from __future__ import annotations

import json
from contextlib import ExitStack

import pytest

from tests.integration.cli.conftest import DEADLINE, User
from tests.integration.cli.small_region import KEY, Reply, SmallRegion, running_region

ACTION = {
    "action": "move",
    "rack": "rack-1",
    "from": "region-1/0",
    "to": "region-2/0",
    "reason": "it is fuller",
}
PLAN = {"actions": [ACTION], "links": "it is even", "owners": "it is even"}
PLACEMENT = {"ratio": 1.5, "mean": 2, "links": 4, "regions": [], "plan": PLAN}
DRAIN = {
    "id": 5,
    "kind": "region",
    "name": "region-1",
    "system_id": "4a6kmn",
    "by": "user:admin",
    "expires": "16:00",
    "at_end": "undo",
    "remaining": 2,
}
GONE = Reply(404, "No Drain matches the given query.")


def left(remaining: int) -> Reply:
    """Say how many links are left."""
    return Reply(200, DRAIN | {"remaining": remaining})


def test_programs_get_json(admin: User, region: SmallRegion) -> None:
    """All of the placement, or of a dry run the plan."""
    region.will_answer("GET placement/", Reply(200, PLACEMENT))
    for words in ("balance", "balance maas --explain"):
        done = admin.maasha(words)
        assert (done.status, json.loads(done.out), done.err) == (0, PLACEMENT, "")
    assert json.loads(admin.maasha("balance --dry-run").out) == PLAN
    assert {seen.method for seen in region.seen} == {"GET"}


def test_people_get_tables(admin: User, region: SmallRegion) -> None:
    """With reasons where they ask for them."""
    region.will_answer("GET placement/", Reply(200, PLACEMENT))
    done = admin.on_a_terminal("balance")
    assert done.status == 0
    assert done.out.startswith("Evenness: the fullest worker has 1.5 times the mean")
    assert "it is fuller" not in done.out
    assert (
        "move    rack-1  region-1/0  region-2/0  it is"
        in admin.on_a_terminal("balance --explain").out
    )
    dry = admin.on_a_terminal("balance --dry-run").out
    assert dry.startswith("Planned: 1\nACTION  RACK    FROM        TO\n")


def test_pause_and_resume(admin: User, region: SmallRegion) -> None:
    """For a while or until somebody resumes; people read a sentence."""
    paused = {"pause": {"by": "user:admin", "until": None}}
    region.will_answer("POST placement/", Reply(200, paused))
    assert json.loads(admin.maasha("pause --for 2h").out) == paused
    assert "Paused by user:admin until somebody" in admin.on_a_terminal("pause maas").out
    assert admin.on_a_terminal("resume").out == "Automatic acts go on\n"
    assert [seen.fields for seen in region.seen] == [
        (("op", "pause"), ("seconds", "7200")),
        (("op", "pause"),),
        (("op", "resume"),),
    ]


def test_draining(admin: User, region: SmallRegion) -> None:
    """What is named goes as a form; what the region says of it is shown."""
    region.will_answer("POST drains/", Reply(200, DRAIN))
    done = admin.maasha("drain worker region-1/0 maas --for 90 --then alarm")
    assert (done.status, json.loads(done.out)) == (0, DRAIN)
    assert admin.on_a_terminal("drain region region-1").out == (
        "Drained: region region-1 by user:admin until 16:00, 2 links left\n"
    )
    assert [seen.fields for seen in region.seen] == [
        (("worker", "region-1/0"), ("seconds", "90"), ("at_end", "alarm")),
        (("region", "region-1"),),
    ]


def test_a_drain_that_is_refused(admin: User, region: SmallRegion) -> None:
    """The region's sentence is shown, and nothing is waited for."""
    region.will_answer("POST drains/", Reply(409, "region=region-1 cannot be drained: ..."))
    for words in ("drain region region-1", "drain region region-1 --wait"):
        done = admin.maasha(words)
        assert (done.status, done.out) == (2, "region=region-1 cannot be drained: ...\n")
    assert region.asked("GET") == []


def test_waiting(admin: User, region: SmallRegion) -> None:
    """It ends when no link is left; a log has a line for each change."""
    region.will_answer("POST drains/", left(2))
    region.will_answer("GET drains/5/", left(2), left(0))
    done = admin.maasha("drain region region-1 --wait")
    assert (done.status, done.out) == (0, "")
    assert done.err == "2 of 2 links left\nno link is left\n"


def test_waiting_for_a_rack(admin: User, region: SmallRegion) -> None:
    """Its VLANs are what goes; whoever gives up is told where to look."""
    rack = DRAIN | {"kind": "rack", "name": "rack-1"}
    served = [Reply(200, rack | {"remaining": count}) for count in (3, 1, 0)]
    region.will_answer("POST drains/", served[0])
    region.will_answer("GET drains/5/", *served)
    done = admin.maasha("drain rack rack-1 --wait")
    assert (done.status, done.out) == (0, "")
    assert done.err == "3 of 3 VLANs left\n1 of 3 VLANs left\nno VLAN is left\n"
    region.will_answer("GET drains/5/", served[1])
    done = admin.maasha("drain rack rack-1 --wait --timeout 1")
    assert done.status == 3
    assert "rack rack-1 is not empty after 1s: 1 of 3 VLANs left." in done.err
    assert "Why VLANs are left: maasha status\n" in done.err
    region.will_answer("GET drains/5/", GONE)
    assert "any more; 3 VLANs were left.\n" in admin.maasha("drain rack rack-1 --wait").err


def test_waiting_at_a_terminal(admin: User, region: SmallRegion) -> None:
    """There is one bar."""
    region.will_answer("POST drains/", left(2))
    region.will_answer("GET drains/5/", left(1), left(0))
    done = admin.on_a_terminal("drain region region-1 --wait")
    bars = [
        f"[{'.' * 30}] 2 of 2 links left",
        f"[{'#' * 15}{'.' * 15}] 1 of 2 links left",
        f"[{'#' * 30}] no link is left",
    ]
    assert (done.status, done.out) == (0, "".join(f"\r{bar}\x1b[K" for bar in bars) + "\n")


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        (GONE, 1, "region region-1 is not drained any more; 2 links were left.\n"),
        (Reply(500, "Oh."), 2, "The server answered 500"),
        (Reply(200, "Hello."), 1, "it does not say what remains"),
        (Reply(200, {"remaining": True}), 1, "it does not say what remains"),
    ],
)
def test_waiting_in_vain(
    admin: User, region: SmallRegion, answer: Reply, status: int, said: str
) -> None:
    """Whoever goes on after it only when it is done does not go on."""
    region.will_answer("POST drains/", left(2))
    region.will_answer("GET drains/5/", answer)
    done = admin.maasha("drain region region-1 --wait")
    assert (done.status, done.err.startswith("2 of 2 links left\n")) == (status, True)
    assert said in done.err


@pytest.mark.parametrize(
    ("silence", "why"),
    [
        (Reply(503, "Later.", {"Retry-After": "1"}), "it answered 503"),
        (Reply(502, "Bad gateway."), "it answered 502"),
        (Reply(0), "Remote end closed connection without response"),
    ],
)
def test_a_region_that_is_away_is_waited_for(
    admin: User, region: SmallRegion, silence: Reply, why: str
) -> None:
    """However often it was asked; a log says once that there is no answer, and why."""
    region.will_answer("POST drains/", left(2))
    region.will_answer("GET drains/5/", left(1), silence, silence, left(1), left(0))
    done = admin.maasha("drain region region-1 --wait")
    assert (done.status, done.out) == (0, "")
    assert done.err.splitlines() == [
        "2 of 2 links left",
        "1 of 2 links left",
        f"1 of 2 links left when last heard; no answer ({why}), trying again",
        "1 of 2 links left",
        "no link is left",
    ]


def test_a_region_that_restarts_is_waited_for(admin: User) -> None:
    """Nobody listens there meanwhile."""
    with ExitStack() as life:
        before = life.enter_context(running_region())
        assert admin.maasha(f"login again {before.url} {KEY}").status == 0
        before.will_answer("POST drains/", left(2))
        before.will_answer("GET drains/5/", left(2))
        with admin.begins("drain region region-1 again --wait") as process:
            remarks = process.stderr
            assert remarks is not None
            assert remarks.readline() == "2 of 2 links left\n"
            life.close()
            assert "no answer (Connection refused), trying again" in remarks.readline()
            with running_region(port=before.port) as after:
                after.will_answer("GET drains/5/", left(0))
                assert process.wait(DEADLINE) == 0
            assert remarks.read() == "no link is left\n"


@pytest.mark.parametrize("silence", [None, Reply(503, "Later.")])
def test_a_wait_has_an_end(admin: User, region: SmallRegion, silence: Reply | None) -> None:
    """With a status of its own, and what to do next; the drain goes on."""
    region.will_answer("POST drains/", left(2))
    region.will_answer("GET drains/5/", left(1), silence or left(1))
    done = admin.maasha("drain region region-1 --wait --timeout 2")
    assert done.status == 3
    told = done.err.split("\n", 1 + done.err.count("trying again") + 1)[-1]
    last = ", when last heard" if silence else ""
    why = "There is no answer: it answered 503.\n" if silence else ""
    assert told == (
        f"region region-1 is not empty after 2s: 1 of 2 links left{last}.\n{why}"
        "The drain goes on until 16:00.\n"
        "Why links are left: maasha balance --explain\n"
        "Wait on: maasha drain region region-1 --wait\n"
        "Undo it: maasha drain region region-1 --undo\n"
    )
    assert region.asked("DELETE") == []


def test_it_is_waited_as_long_as_the_drain_lasts(admin: User, region: SmallRegion) -> None:
    """Unless told otherwise."""
    region.will_answer("POST drains/", left(2))
    region.will_answer("GET drains/5/", left(2))
    done = admin.maasha("drain region region-1 --wait --for 1s")
    assert (done.status, "is not empty after 1s: 2 of 2 links left." in done.err) == (3, True)


def test_the_history(admin: User, region: SmallRegion) -> None:
    """As many notes as asked for: programs get the page, people a table."""
    noted = {"at": "2026-01-02T12:00:00+00:00", "ratio": 1.25, "links": 10, "workers": 4}
    page = {"count": 1, "history": [noted], "next_uri": "/MAAS/..."}
    region.will_answer("GET placement/", Reply(200, page))
    assert json.loads(admin.maasha("balance --history 1").out) == page
    shown = admin.on_a_terminal("balance maas --history").out
    assert shown.startswith("FROM                     FULLEST TO MEAN  LINKS  WORKERS\n")
    assert "placement history before=2026-01-02T12:00:00+00:00" in shown
    assert [seen.fields for seen in region.seen] == [
        (("op", "history"), ("limit", "1")),
        (("op", "history"), ("limit", "20")),
    ]


def test_acknowledging(admin: User, region: SmallRegion) -> None:
    """People read up to when racks are known to have vanished, or that none are missed."""
    known = {"acknowledged": {"by": "user:admin", "until": "2026-01-02T12:00:00+00:00"}}
    region.will_answer("POST placement/", Reply(200, known))
    assert json.loads(admin.maasha("acknowledge").out) == known
    assert admin.on_a_terminal("acknowledge --profile maas").out == (
        "Racks that vanished up to 2026-01-02 12:00:00 UTC are known; automatic acts go\n  on\n"
    )
    region.will_answer("POST placement/", Reply(200, {"acknowledged": None}))
    assert admin.on_a_terminal("acknowledge").out == (
        "There is no alarm of racks that vanished; nothing was changed\n"
    )
    assert {seen.fields for seen in region.seen} == {(("op", "acknowledge"),)}


def test_acknowledging_some(admin: User, region: SmallRegion) -> None:
    """Whoever names racks lets only those go; one that nobody knows is told."""
    known = {"acknowledged": {"by": "user:admin", "until": "2026-01-02T12:00:00+00:00"}}
    region.will_answer("POST placement/", Reply(200, known | {"racks": ["rack-1", "rack-2"]}))
    assert admin.on_a_terminal("acknowledge rack-2 rack-1").out == (
        "Known to have vanished, so they stop nothing any more: rack-1, rack-2\n"
    )
    (seen,) = region.asked("POST", "placement/")
    assert [value for name, value in seen.fields if name == "rack"] == ["rack-2", "rack-1"]
    region.will_answer("POST placement/", Reply(400, {"rack": ["'rack-9' is no rack's name"]}))
    done = admin.maasha("acknowledge rack-9")
    assert (done.status, "rack-9" in done.out) == (2, True)


def test_undoing(admin: User, region: SmallRegion) -> None:
    """A drain is found by what it drains, under its name or its id."""
    of_worker = DRAIN | {"id": 6, "kind": "worker", "name": "region-1/0"}
    region.will_answer("GET drains/", Reply(200, [DRAIN, of_worker]))
    for number in (5, 6):
        region.will_answer(f"DELETE drains/{number}/", Reply(204))
    for words in ("region region-1", "region 4a6kmn", "worker region-1/0", "worker 4a6kmn/0"):
        done = admin.maasha(f"drain {words} --undo")
        assert (done.status, done.out, done.err) == (0, "", "")
    assert [seen.path for seen in region.asked("DELETE")] == [
        "drains/5/",
        "drains/5/",
        "drains/6/",
        "drains/6/",
    ]
    done = admin.on_a_terminal("drain region region-1 --undo")
    assert (done.status, done.out) == (0, "region region-1 is open again\n")
    for words in ("rack region-1", "region region-2", "worker region-1/1"):
        done = admin.maasha(f"drain {words} --undo")
        assert (done.status, "is not drained; see: maasha status" in done.err) == (2, True)


def test_another_region_that_cannot(admin: User, region: SmallRegion) -> None:
    """An answer that is none is shown as it came."""
    old = Reply(404, "Unknown path.")
    for request in ("GET placement/", "GET drains/", "POST placement/"):
        region.will_answer(request, old)
    for words in (
        "balance",
        "balance --history",
        "drain region r --undo",
        "pause",
        "resume",
        "acknowledge",
    ):
        done = admin.maasha(words)
        assert (done.status, done.out) == (2, "Unknown path.\n")
