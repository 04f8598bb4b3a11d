"""Hosts and networks simulated on one machine.

    from lab import DHCPClients, Lab, Postgres, RunnerControl, Service, Sniffer, mac

    with Lab("example", directory) as lab:
        lan = lab.network("lan", "10.0.0.0/24")
        mgmt = lab.network("mgmt", "10.1.0.0/24")
        rack = lab.host("rack-1", {lan: "10.0.0.1", mgmt: "10.1.0.1"})  # eth0, eth1
        laptops = lab.host("clients", {lan: None})  # no address: DHCP shall give it

        database = Postgres(lab.host("db", {mgmt: "10.1.0.5"}))
        database.initialise()
        RunnerControl.prepare(database.host, [database.service]).launch()
        database.wait_ready()
        database.create("maasha", "password", "maasha")

        rack.run(["hostname"]).stdout            # 'rack-1\\n'
        rack.popen(["dhcpd", …, "eth0"], log=rack.directory / "dhcpd.log")
        with Sniffer(lan) as sniffer, DHCPClients(laptops) as clients:
            lease = clients.acquire(mac(0x020000000001))
            lan.cable(rack).cut()                # and restore(), drop("from_host"), heal()
            rack.signal("dhcpd", signal.SIGKILL)
        assert sniffer.conflicts() == ()

A host is a set of namespaces (network, names, mounts, processes) around one anchor process: when
the anchor is killed everything on the host is gone.  Files are the machine's, but /run and /dev/shm
are the host's own; its state is in `host.directory`, also at /run/lab inside.  A lab ends with the
thread that made it, even when that is killed; `Lab(…, detached=True)` stays until somebody calls
`Lab.adopt(directory).close()`.

A cable is as short as can be; `with Detour(lan.cable(rack), delay=0.13, loss=0.01):` makes what
passes it take 130 ms more in each direction, and loses one frame in a hundred.

Every wait has a deadline: `until(condition, what, timeout=…)` raises `DeadlineExceeded`.  Programs
of a host that must come back after a crash are services of its runner (`RunnerControl`).  Simulated
clients answer ARP and ping for their addresses; for the real one there is `Dhclient`.
"""

from lab.control import RunnerControl, RunnerError, ServiceStatus
from lab.deadline import DeadlineExceeded, until
from lab.detour import Detour
from lab.dhclient import ClientEvent, Dhclient
from lab.dhcp_client import DHCPClients, Ticket
from lab.dhcp_wire import MAC, Kind, Option, mac
from lab.heard import Heard
from lab.host import CommandFailed, Host, HostProcess, NoSuchProcess
from lab.judge import Conflict, Holding, judge
from lab.lab import Lab
from lab.lease import Errand, Lease, NoLease, Patience, Wish
from lab.network import Cable, Network
from lab.postgres import Postgres, password
from lab.process import Process, ProcessId
from lab.service import Service
from lab.sniffer import Sniffer
from lab.supervision import State

__all__ = [
    "MAC",
    "Cable",
    "ClientEvent",
    "CommandFailed",
    "Conflict",
    "DHCPClients",
    "DeadlineExceeded",
    "Detour",
    "Dhclient",
    "Errand",
    "Heard",
    "Holding",
    "Host",
    "HostProcess",
    "Kind",
    "Lab",
    "Lease",
    "Network",
    "NoLease",
    "NoSuchProcess",
    "Option",
    "Patience",
    "Postgres",
    "Process",
    "ProcessId",
    "RunnerControl",
    "RunnerError",
    "Service",
    "ServiceStatus",
    "Sniffer",
    "State",
    "Ticket",
    "Wish",
    "judge",
    "mac",
    "password",
    "until",
]
