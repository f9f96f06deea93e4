"""A bad line on this machine: two peers' packets pass through, and some are lost or late."""

from __future__ import annotations

import asyncio
import random
import re
from typing import Self, cast

Address = tuple[str, int]
# One for each medium, in place of all that its section has.
_CANDIDATES = re.compile(r"(a=candidate:[^\r\n]*\r\n)+")


class _Side(asyncio.DatagramProtocol):
    """The socket that one peer takes for the other. Who first sends to it is that peer."""

    def __init__(self, relay: UdpRelay) -> None:
        self._relay = relay
        self._peer: Address | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self.other: _Side | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, sender: Address) -> None:
        self._peer = self._peer or sender
        if self.other is not None and self._relay.passes():
            loop = asyncio.get_running_loop()
            loop.call_later(self._relay.delay(), self.other.send, data)

    def send(self, data: bytes) -> None:
        """To this side's peer, if it has been heard of."""
        if self._peer and self._transport and not self._transport.is_closing():
            self._transport.sendto(data, self._peer)

    @property
    def candidate(self) -> str:
        """This socket as a line of SDP."""
        assert self._transport is not None
        host, port = self._transport.get_extra_info("sockname")[:2]
        return f"a=candidate:1 1 udp 2130706431 {host} {port} typ host\r\n"

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class UdpRelay:
    """Stands between two peers whose SDP names its sockets. Losses are drawn from a seed.

    `loss` is a share of packets, `jitter_s` the most that one is late; `cut` lets none pass.
    """

    def __init__(self, seed: int = 0) -> None:
        self.loss = 0.0
        self.jitter_s = 0.0
        self.cut = False
        self._random = random.Random(seed)
        self._sides = _Side(self), _Side(self)
        self._sides[0].other, self._sides[1].other = reversed(self._sides)

    @classmethod
    async def opened(cls, host: str = "127.0.0.1", seed: int = 0) -> Self:
        """A relay that listens at an address of this machine."""
        relay = cls(seed)
        loop = asyncio.get_running_loop()
        for side in relay._sides:
            await loop.create_datagram_endpoint(lambda side=side: side, (host, 0))  # type: ignore[misc]
        return relay

    @property
    def candidates(self) -> tuple[str, str]:
        """The line of SDP that takes the place of an offer's candidates, and of an answer's."""
        return self._sides[0].candidate, self._sides[1].candidate

    def offer(self, sdp: str) -> str:
        """The caller's SDP, its candidates now leading here."""
        return _CANDIDATES.sub(self.candidates[0], sdp)

    def answer(self, sdp: str) -> str:
        """The other peer's SDP, likewise."""
        return _CANDIDATES.sub(self.candidates[1], sdp)

    def passes(self) -> bool:
        """Whether the next packet is not lost."""
        return not self.cut and self._random.random() >= self.loss

    def delay(self) -> float:
        """How late the next packet is, s."""
        return self._random.random() * self.jitter_s

    async def close(self) -> None:
        """Closes both sockets."""
        for side in self._sides:
            side.close()
