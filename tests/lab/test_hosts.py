"""Hosts: what is their own, what they share, and that nothing of them stays behind."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import attrs
import pytest

from lab import CommandFailed, Host, Lab, NoSuchProcess, ProcessId, until
from lab.host import PROJECT, environment

pytestmark = pytest.mark.root

CREATOR = """
import json, sys
from pathlib import Path
from lab import Lab
lab = Lab("doomed", Path(sys.argv[1]), detached=len(sys.argv) > 2)
lan = lab.network("lan", "10.0.0.0/24")
host = lab.host("one", {lan: "10.0.0.1"})
host.popen(["sleep", "1000"], log=host.directory / "sleep.log")
hosts = (host, lan.switch)
print(json.dumps([[h.anchor.pid, h.anchor.started] for h in hosts]), flush=True)
sys.stdin.read()
"""


@attrs.frozen
class Creator:
    """Another process that has made a lab, and the anchors of it."""

    process: subprocess.Popen[str]
    anchors: tuple[ProcessId, ...]

    @classmethod
    def start(cls, directory: Path, *options: str) -> "Creator":
        """Start it and wait for its lab."""
        process = subprocess.Popen(
            [sys.executable, "-c", CREATOR, str(directory), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
            cwd=PROJECT,
        )
        assert process.stdout is not None
        anchors = json.loads(process.stdout.readline())
        return cls(process, tuple(ProcessId(*anchor) for anchor in anchors))

    def kill(self) -> None:
        """End it by SIGKILL: it can clean up nothing."""
        self.process.kill()
        self.process.communicate(timeout=10)

    def alive(self) -> bool:
        """Tell whether any of its hosts lives."""
        return any(anchor.alive() for anchor in self.anchors)


def test_a_host_has_its_own_name_processes_and_interfaces(lab: Lab) -> None:
    """`hostname`, /proc and /sys inside are those of the host."""
    lan = lab.network("lan", "10.0.0.0/24")
    one, two = lab.host("one", {lan: "10.0.0.1"}), lab.host("two", {lan: None})
    assert [host.run(["hostname"]).stdout for host in (one, two)] == ["one\n", "two\n"]
    assert Path("/proc/sys/kernel/hostname").read_text() not in ("one\n", "two\n")
    assert one.run(["sh", "-c", "echo /proc/[0-9]*"]).stdout.split()[0] == "/proc/1"
    assert one.run(["ls", "/sys/class/net"]).stdout.split() == ["eth0", "lo"]
    assert "10.0.0.1/24" in one.run(["ip", "-br", "addr"]).stdout


def test_the_machine_keeps_its_interfaces_to_itself(lab: Lab) -> None:
    """Neither ports nor named namespaces appear outside."""
    before = (set(Path("/sys/class/net").iterdir()), named_namespaces())
    lan = lab.network("lan", "10.0.0.0/24")
    lab.host("one", {lan: "10.0.0.1"})
    assert (set(Path("/sys/class/net").iterdir()), named_namespaces()) == before


def named_namespaces() -> bytes:
    """Return what `ip netns` knows."""
    return subprocess.run(["ip", "netns"], capture_output=True, check=True).stdout


def test_run_returns_what_a_program_says(lab: Lab) -> None:
    """Input, environment and folder reach it; nothing of the caller's environment does."""
    host = lab.host("one")
    done = host.run(["sh", "-c", "cat; echo $COLOUR; pwd"], text="hi\n", env={"COLOUR": "red"})
    assert done.stdout == f"hi\nred\n{host.directory}\n"
    assert "PYTEST_CURRENT_TEST" not in host.run(["env"]).stdout


def test_a_failed_command_says_why(lab: Lab) -> None:
    """The error has status and words; with check off there is none."""
    host = lab.host("one")
    with pytest.raises(CommandFailed, match="one: sh -c echo no >&2; exit 3 -> 3\nno"):
        host.run(["sh", "-c", "echo no >&2; exit 3"])
    assert host.run(["false"], check=False).returncode == 1


def test_a_command_that_takes_too_long_is_killed(lab: Lab) -> None:
    """Nothing of it runs on."""
    host = lab.host("one")
    with pytest.raises(subprocess.TimeoutExpired):
        host.run(["sleep", "1000"], timeout=0.2)
    until(lambda: not host.processes("sleep"), "the end of sleep", timeout=5.0)


def test_a_host_runs_programs_as_other_users(lab: Lab) -> None:
    """They may enter the host's state, wherever the lab's directory is."""
    host = lab.host("one")
    done = host.run(["sh", "-c", "id -un; ls /run/lab"], user="nobody")
    assert done.stdout.split() == ["nobody", "anchor.log"]


def test_processes_are_listed_and_signalled(lab: Lab) -> None:
    """Only those of the host, by the machine's numbers; what is not there is an error."""
    one, two = lab.host("one"), lab.host("two")
    sleeper = one.popen(["sleep", "1000"], log=one.directory / "log")
    identity = sleeper.id
    assert identity is not None
    assert [process.id for process in one.processes("sleep")] == [identity]
    assert two.processes("sleep") == ()
    with pytest.raises(NoSuchProcess, match="two has no process that matches 'sleep'"):
        two.signal("sleep", signal.SIGKILL)
    assert [process.id for process in one.signal(identity.pid, signal.SIGKILL)] == [identity]
    assert sleeper.wait(5.0) == -signal.SIGKILL
    assert not identity.signal(signal.SIGKILL)


def test_a_stopped_process_can_go_on(lab: Lab) -> None:
    """SIGSTOP and SIGCONT reach the program itself."""
    host = lab.host("one")
    sleeper = host.popen(["sleep", "1000"], log=host.directory / "log")
    assert sleeper.id is not None
    state = Path(f"/proc/{sleeper.id.pid}/stat")
    host.signal("sleep", signal.SIGSTOP)
    until(lambda: ") T " in state.read_text(), "a stop", timeout=5.0)
    host.signal("sleep", signal.SIGCONT)
    until(lambda: ") S " in state.read_text(), "going on", timeout=5.0)
    host.signal("sleep", signal.SIGSTOP)
    host.signal("sleep", signal.SIGKILL)
    assert sleeper.wait(5.0) == -signal.SIGKILL


def test_orphans_are_reaped(lab: Lab) -> None:
    """A process whose parent is gone leaves no zombie."""
    host = lab.host("one")
    host.run(["sh", "-c", "(sleep 0.05 &) "])
    until(lambda: not host.processes(), "an empty host", timeout=5.0)
    children = Path(f"/proc/{host.anchor.pid}/task/{host.anchor.pid}/children")
    until(lambda: children.read_text() == "", "no zombies", timeout=5.0)


def test_the_end_of_a_lab_is_the_end_of_all(tmp_path: Path) -> None:
    """Everything that ran on a host is gone when the block ends; its files stay."""
    with Lab("short", tmp_path) as lab:
        host = lab.host("one")
        sleeper = host.popen(["sleep", "1000"], log=host.directory / "log").id
        assert sleeper is not None
        assert sleeper.alive()
    assert not sleeper.alive()
    assert not host.anchor.alive()
    assert host.directory.exists()


def test_nothing_survives_the_sigkill_of_a_labs_creator(tmp_path: Path) -> None:
    """Hosts, switches and programs end with the process that made them."""
    creator = Creator.start(tmp_path)
    assert creator.alive()
    creator.kill()
    until(lambda: not creator.alive(), "the end of every host", timeout=10.0)


def test_a_detached_lab_is_found_and_ended_by_another_process(tmp_path: Path) -> None:
    """It survives its creator; who adopts it can use it and end it."""
    creator = Creator.start(tmp_path, "detached")
    creator.kill()
    assert creator.alive()
    adopted = Lab.adopt(tmp_path)
    assert adopted is not None
    assert adopted.hosts["one"].run(["hostname"]).stdout == "one\n"
    adopted.networks["lan"].cable("one").cut()
    adopted.close()
    assert not creator.alive()
    assert Lab.adopt(tmp_path) is None


def test_a_reused_process_number_is_not_adopted(tmp_path: Path) -> None:
    """The start time tells a stranger from a host."""
    stranger = {"name": "one", "pid": 1, "started": 12345678901}
    state = {"name": "old", "hosts": [stranger], "networks": []}
    (tmp_path / "lab.json").write_text(json.dumps(state))
    adopted = Lab.adopt(tmp_path)
    assert adopted is not None
    assert adopted.hosts == {}
    adopted.close()


def test_two_labs_run_side_by_side(tmp_path: Path) -> None:
    """The same names, addresses and ports in both; each hears only its own."""
    listen = (
        "import socket; s = socket.create_server(('', 5000)); print('up', flush=True); s.accept()"
    )
    call = ["python", "-c", "import socket; socket.create_connection(('10.0.0.1', 5000), 2)"]
    with Lab("a", tmp_path / "a") as a, Lab("b", tmp_path / "b") as b:
        servers = []
        callers = []
        for lab in (a, b):
            lan = lab.network("lan", "10.0.0.0/24")
            host = lab.host("one", {lan: "10.0.0.1"})
            servers.append(host.converse(["python", "-c", listen], log=host.directory / "log"))
            callers.append(lab.host("two", {lan: "10.0.0.2"}))
        assert [server.stdout.readline() for server in servers] == ["up\n", "up\n"]
        callers[0].run(call)
        assert servers[0].wait(5.0) == 0
        assert servers[1].running()


def test_a_lab_of_six_hosts_is_up_in_seconds(tmp_path: Path) -> None:
    """With two networks; about one second where the machine has nothing else to do."""
    began = time.monotonic()
    with Lab("six", tmp_path) as lab:
        lan, mgmt = lab.network("lan", "10.0.0.0/24"), lab.network("mgmt", "10.1.0.0/24")
        for n in range(1, 7):
            lab.host(f"host-{n}", {lan: f"10.0.0.{n}", mgmt: f"10.1.0.{n}"})
        assert time.monotonic() - began < 10.0


@pytest.mark.parametrize("name", ["", "Big", "sixteen-letters-", "two words", "-dash"])
def test_names_that_no_interface_could_have_are_refused(lab: Lab, name: str) -> None:
    """A host's name is its port's."""
    with pytest.raises(ValueError, match="no name for a host"):
        lab.host(name)


def test_a_second_host_of_one_name_is_refused(lab: Lab) -> None:
    """The first one stays."""
    first = lab.host("one")
    with pytest.raises(ValueError, match="already has a host one"):
        lab.host("one")
    assert first.anchor.alive()


def test_a_host_that_cannot_start_says_why(tmp_path: Path) -> None:
    """The anchor's own complaint is in the error, and nothing is left running."""
    with pytest.raises(CommandFailed, match=r"sethostname.*\n.*Invalid argument"):
        Host.create("n" * 65, tmp_path)
