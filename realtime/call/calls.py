"""What signalling needs of whoever holds the calls: this process, or workers elsewhere."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from realtime.call.engines import EngineRequest


class Answered(NamedTuple):
    """A connection begun: the name it is asked for by, and the SDP answer to its offer."""

    name: str
    sdp: str


class Calls(Protocol):
    """Calls and their watchers by name. Everything raises RefusalError: 404 where there is none."""

    async def open(self, request: EngineRequest, offer: str) -> Answered:
        """Begins a call; raises RefusalError (503) if all places are taken."""

    async def watch(self, call: str, offer: str) -> Answered:
        """Another peer sees and hears a call."""

    async def trickle(self, call: str, watcher: str | None, fragment: str) -> None:
        """More candidates of the caller, or of a watcher."""

    async def hang_up(self, call: str) -> None:
        """The caller ends the call."""

    async def unwatch(self, call: str, watcher: str) -> None:
        """A watcher leaves."""
