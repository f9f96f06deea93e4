"""A bad line on this machine: two peers' packets pass through, and some are lost or late."""

from __future__ import annotations

import asyncio
import random
import re
from typing import cast

Address = tuple[str, int]


class _Side(asyncio.DatagramProtocol):
    """The socket that one peer takes for the other."""

    def __init__(self, relay: UdpRelay, peer: Address) -> None:
        self.relay = relay
        self.peer = peer
        self.other: _Side | None = None
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, _: Address) -> None:
        other = self.other
        if other is not None and self.relay.passes():
            loop = asyncio.get_running_loop()
            loop.call_later(self.relay.delay(), other.send, data, self.peer)

    def send(self, data: bytes, to: Address) -> None:
        """From this side's socket, which `to` takes for the other peer."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.sendto(data, to)


class UdpRelay:
    """Stands between two peers by rewriting their SDP. Losses are drawn from a seed.

    `loss` is a share of packets, `jitter_s` the most that one is late.
    """

    def __init__(self, *, seed: int = 0) -> None:
        self.loss = 0.0
        self.jitter_s = 0.0
        self._random = random.Random(seed)
        self._first: _Side | None = None
        self._sides: list[_Side] = []

    async def offer(self, sdp: str) -> str:
        """The first peer's SDP, its candidates now leading here."""
        self._first = await self._open(candidate(sdp))
        return self._rewritten(sdp, self._first)

    async def answer(self, sdp: str) -> str:
        """The second peer's SDP, likewise; raises ValueError before `offer`."""
        if self._first is None:
            raise ValueError("expected the offer first")
        second = await self._open(candidate(sdp))
        self._first.other, second.other = second, self._first
        return self._rewritten(sdp, second)

    def passes(self) -> bool:
        """Whether the next packet is not lost."""
        return self._random.random() >= self.loss

    def delay(self) -> float:
        """How late the next packet is, s."""
        return self._random.random() * self.jitter_s

    def close(self) -> None:
        """Closes both sockets."""
        for side in self._sides:
            if side.transport is not None:
                side.transport.close()

    async def _open(self, peer: Address) -> _Side:
        loop = asyncio.get_running_loop()
        _, side = await loop.create_datagram_endpoint(
            lambda: _Side(self, peer), local_addr=(peer[0], 0)
        )
        self._sides.append(side)
        return side

    def _rewritten(self, sdp: str, side: _Side) -> str:
        assert side.transport is not None
        host, port = side.transport.get_extra_info("sockname")[:2]
        line = f"a=candidate:1 1 udp 2130706431 {host} {port} typ host"
        # One for each medium, in place of all that its section has.
        return re.sub(r"(a=candidate:[^\r\n]*\r\n)+", f"{line}\r\n", sdp)


def candidate(sdp: str) -> Address:
    """The first IPv4 host candidate of an SDP; raises ValueError if there is none."""
    found = re.search(r"a=candidate:\S+ 1 udp \d+ (\d+\.\d+\.\d+\.\d+) (\d+) typ host", sdp)
    if found is None:
        raise ValueError("expected an IPv4 candidate, found none")
    return found[1], int(found[2])
