"""The command that both sides answer from the proof on."""

from __future__ import annotations

from twisted.protocols import amp

from maasha.rpc.commands import Ping


class Alive(amp.CommandLocator):
    """Answers the heartbeat, and nothing else."""

    @Ping.responder
    def ping(self) -> dict[str, object]:
        """Say so."""
        return {}
