"""The two daemons as twistd plugins."""

from twisted.application.service import ServiceMaker

regiond = ServiceMaker(
    "maasha-regiond", "maasha.daemon.regiond", "maasha's region controller", "maasha-regiond"
)
rackd = ServiceMaker(
    "maasha-rackd", "maasha.daemon.rackd", "maasha's rack controller", "maasha-rackd"
)
