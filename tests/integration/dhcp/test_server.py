"""The rack's DHCP server with real dhcpd, on a link of its own."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from attrs import evolve, frozen
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.python.threadpool import ThreadPool

from maasha.dhcp.errors import PlanRefused
from maasha.dhcp.plan import EMPTY
from maasha.dhcp.proc import command_line, find, start_time
from maasha.dhcp.server import DhcpServer, make_server
from maasha.model.dhcp import SOLO, DhcpReport, Duty, PeerState
from tests.integration.dhcp.conftest import HERE, THERE, Link, paired, plan_for, subnet
from tests.unit.dhcp.real import asynchronous, reactor

pytestmark = pytest.mark.root
