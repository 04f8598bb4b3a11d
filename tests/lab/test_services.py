"""A host's runner with real processes: restarts, stops, and its own death."""

import signal
from pathlib import Path

import pytest

from lab import (
    Host,
    Lab,
    Postgres,
    RunnerControl,
    RunnerError,
    Service,
    ServiceStatus,
    State,
    until,
)

pytestmark = pytest.mark.root

STUBBORN = "trap '' TERM; echo up; while :; do sleep 0.05; done"


def sleeper(host: Host, name: str = "sleeper") -> Service:
    """Describe a service that does nothing."""
    return Service(name, ["sleep", "1000"], host.directory / f"{name}.log")


def launched(host: Host, *services: Service) -> RunnerControl:
    """Start a host's runner."""
    control = RunnerControl.prepare(host, services)
    control.launch()
    return control


def restarted(control: RunnerControl, name: str, starts: int) -> ServiceStatus:
    """Wait until a service runs for the `starts`-th time."""

    def found() -> ServiceStatus | None:
        status = control.status()[name]
        return status if status.starts >= starts and status.pid else None

    return until(found, f"start {starts} of {name}", timeout=10.0)


def test_a_killed_service_comes_back(lab: Lab) -> None:
    """SIGKILL of a service is followed by a new process."""
    host = lab.host("one")
    control = launched(host, sleeper(host))
    first = control.status()["sleeper"]
    host.signal("sleep 1000", signal.SIGKILL)
    second = restarted(control, "sleeper", 2)
    assert second.state is State.UP
    assert second.pid != first.pid


def test_a_stopped_service_stays_down_until_started(lab: Lab) -> None:
    """Stop and start wait until it is so."""
    host = lab.host("one")
    control = launched(host, sleeper(host))
    control.stop("sleeper")
    assert host.processes("sleep 1000") == ()
    assert control.status()["sleeper"].state is State.DOWN
    control.start("sleeper")
    assert len(host.processes("sleep 1000")) == 1


def test_a_service_that_ignores_sigterm_is_killed_with_its_children(lab: Lab) -> None:
    """After its grace the whole process group is gone."""
    host = lab.host("one")
    log = host.directory / "stubborn.log"
    control = launched(host, Service("stubborn", ["sh", "-c", STUBBORN], log, grace=0.2))
    until(lambda: log.exists() and log.read_text() == "up\n", "the service", timeout=5.0)
    control.stop("stubborn")
    until(lambda: not host.processes("sleep"), "the children's end", timeout=5.0)


def test_services_outlive_their_runner_and_are_adopted(lab: Lab) -> None:
    """The runner that comes after SIGKILL of one finds its processes, and keeps them up."""
    host = lab.host("one")
    control = launched(host, sleeper(host), sleeper(host, "other"))
    control.stop("other")
    before = control.status()["sleeper"].pid
    assert control.process().id.signal(signal.SIGKILL)
    until(lambda: not host.processes("lab.runner"), "the runner's end", timeout=5.0)
    assert len(host.processes("sleep 1000")) == 1

    control.launch()
    status = control.status()
    assert (status["sleeper"].pid, status["sleeper"].starts) == (before, 0)
    assert status["other"].state is State.DOWN
    host.signal("sleep 1000", signal.SIGKILL)
    assert restarted(control, "sleeper", 1).pid != before


def test_an_adopted_service_can_be_stopped(lab: Lab) -> None:
    """By SIGTERM, though it is no child."""
    host = lab.host("one")
    control = launched(host, sleeper(host))
    control.process().id.signal(signal.SIGKILL)
    until(lambda: not host.processes("lab.runner"), "the runner's end", timeout=5.0)
    control.launch()
    control.stop("sleeper")
    assert host.processes("sleep 1000") == ()


def test_sigterm_of_the_runner_ends_everything(lab: Lab) -> None:
    """As at a shutdown of the host."""
    host = lab.host("one")
    control = launched(host, sleeper(host))
    control.process().id.signal(signal.SIGTERM)
    until(lambda: not host.processes(), "an empty host", timeout=5.0)


def test_a_service_runs_as_its_user_with_its_environment(lab: Lab) -> None:
    """In its folder, its words in its log."""
    host = lab.host("one")
    log = host.directory / "who.log"
    script = "id -un; pwd; echo $COLOUR; exec sleep 1000"
    who = Service("who", ["sh", "-c", script], log, Path("/tmp"), {"COLOUR": "red"}, "nobody")
    launched(host, who)
    until(lambda: log.exists() and log.read_text().count("\n") == 3, "its words", timeout=5.0)
    assert log.read_text() == "nobody\n/tmp\nred\n"


def test_a_program_that_is_missing_is_tried_again(lab: Lab) -> None:
    """It backs off; the others are not disturbed, and its log says why."""
    host = lab.host("one")
    log = host.directory / "missing.log"
    control = launched(host, sleeper(host), Service("missing", ["no-such-program"], log))
    restarted_often = until(
        lambda: control.status()["missing"].starts >= 2, "2 starts", timeout=5.0
    )
    assert restarted_often
    assert control.status()["sleeper"].starts == 1
    assert "no-such-program" in log.read_text()


def test_an_unknown_service_is_an_error(lab: Lab) -> None:
    """Nothing waits in vain."""
    host = lab.host("one")
    with pytest.raises(RunnerError, match="nobody"):
        launched(host, sleeper(host)).stop("nobody")


def test_postgresql_serves_another_host(lab: Lab) -> None:
    """Over TCP with a password; after SIGKILL its runner brings it back with its data."""
    mgmt = lab.network("mgmt", "10.1.0.0/24")
    database = Postgres(lab.host("db", {mgmt: "10.1.0.5"}))
    client = lab.host("client", {mgmt: "10.1.0.6"})
    database.initialise()
    launched(database.host, database.service)
    database.wait_ready()
    database.create("maasha", "it's", "lab")
    psql = [str(database.programs / "psql"), "-h", "10.1.0.5", "-U", "maasha", "lab", "-Atc"]

    def ask(statement: str) -> str:
        return client.run([*psql, statement], env={"PGPASSWORD": "it's"}).stdout.strip()

    ask("CREATE TABLE t AS SELECT 1 AS one, NULL AS nothing")
    assert ask("SHOW max_connections") == "200"
    (postmaster,) = database.host.processes("postgres -D")
    postmaster.id.signal(signal.SIGKILL)
    until(lambda: not postmaster.id.alive(), "its end", timeout=5.0)
    database.wait_ready()
    assert database.execute("SELECT * FROM t", "lab") == (("1", ""),)
    assert database.execute("SELECT nothing FROM t", "lab") == (("",),)
    assert database.execute("SELECT * FROM (VALUES (''), ('x'), ('')) v") == (("",), ("x",), ("",))
    assert database.execute("SELECT * FROM t WHERE one = 2", "lab") == ()
    wrong = client.run([*psql, "SELECT 1"], env={"PGPASSWORD": "no"}, check=False)
    assert "password authentication failed" in wrong.stderr
