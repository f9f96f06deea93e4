"""Packets of sound in order, at once.

aiortc's own buffer holds sound for 80 ms and, after one lost packet, for 280 ms for ever. Opus has
one packet a frame, so nothing need be held but the one packet that stands behind a gap, for 20 ms.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from aiortc import RTCRtpReceiver
from aiortc.jitterbuffer import JitterBuffer, JitterFrame
from aiortc.rtp import RtpPacket

T = TypeVar("T")

# Packets that may wait behind a gap; one more, and the missing one counts as lost.
_WAITING = 1
# A jump further than this, either way, is a sender that started anew.
_FURTHEST = 100
_HALF, _MASK = 0x8000, 0xFFFF


class Reorder(Generic[T]):
    """Lets packets pass in the order of their 16-bit numbers; holds at most one, after a gap.

    What comes after its place was given up is dropped and counted in `late`.
    """

    def __init__(self) -> None:
        self._next: int | None = None
        self._held: dict[int, T] = {}
        self.late = 0
        self.lost = 0

    def push(self, number: int, packet: T) -> list[T]:
        """A packet and its number (0..65535) -> the packets that now may pass, in order."""
        if self._next is None or self._is_far(number):
            self._next = number
            self._held.clear()
        if self._ahead(number) >= _HALF:
            self.late += 1
            return []
        self._held[number] = packet
        ready = self._run()
        if len(self._held) > _WAITING:
            nearest = min(self._held, key=self._ahead)
            self.lost += self._ahead(nearest)
            self._next = nearest
            ready += self._run()
        return ready

    def _run(self) -> list[T]:
        ready = []
        while self._next in self._held:
            ready.append(self._held.pop(self._next))
            self._next = (self._next + 1) & _MASK
        return ready

    def _ahead(self, number: int) -> int:
        return (number - (self._next or 0)) & _MASK

    def _is_far(self, number: int) -> bool:
        ahead = self._ahead(number)
        return _FURTHEST < ahead < _MASK + 1 - _FURTHEST


class _AtOnce(JitterBuffer):
    """Hands every packet of sound to the decoder as it comes."""

    def add(self, packet: RtpPacket) -> tuple[bool, JitterFrame | None]:
        data: bytes = getattr(packet, "_data", b"")
        return False, JitterFrame(data, packet.timestamp) if data else None


def release_at_once(receiver: RTCRtpReceiver) -> Reorder[RtpPacket]:
    """Replaces the buffer of a receiver of sound, before its first packet.

    Raises RuntimeError if this aiortc is built differently from what is replaced here.
    """
    buffer = "_RTCRtpReceiver__jitter_buffer"
    if not isinstance(getattr(receiver, buffer, None), JitterBuffer):
        raise RuntimeError("this version of aiortc keeps its jitter buffer elsewhere")
    setattr(receiver, buffer, _AtOnce(capacity=1))
    reorder: Reorder[RtpPacket] = Reorder()
    handle: Any = receiver._handle_rtp_packet

    async def in_order(packet: RtpPacket, arrival_time_ms: int) -> None:
        for ready in reorder.push(packet.sequence_number, packet):
            await handle(ready, arrival_time_ms=arrival_time_ms)

    receiver._handle_rtp_packet = in_order  # type: ignore[method-assign]
    return reorder
