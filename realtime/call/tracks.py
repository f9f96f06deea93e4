"""The two tracks that a peer is sent, on one clock, released together."""

from __future__ import annotations

import asyncio
import fractions
from collections.abc import Callable

import numpy as np
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, VideoFrame

from kernels.rgb_to_i420 import rgb_to_i420
from realtime.call.queues import PictureSlot, SoundQueue
from realtime.call.timeline import RTP_FRAME, RTP_RATE
from realtime.clock import FRAME_RATE, Sound
from realtime.frame import Picture

Clock = Callable[[], float]

# What encoding is taken to need until it has been measured, and at most, s.
_FIRST_ENCODE_S, _LONGEST_ENCODE_S = 0.01, 0.08
_SMOOTHING = 0.9


class SoundTrack(MediaStreamTrack):
    """20 ms of sound at a time, each not before it is due.

    `sent`: the last frame of which sound has left, and when it began to, s.
    """

    kind = "audio"

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.queue = SoundQueue()
        self.sent = (-1, 0.0)
        self._clock = clock
        self._more = asyncio.Event()

    def put(self, index: int, sound: Sound, due: float) -> None:
        """The sound of frame `index`, int16 [1920] at 48 kHz, due at this time, s."""
        self.queue.put(index, sound, due)
        self._more.set()

    async def recv(self) -> AudioFrame:
        """int16 mono [960] at 48 kHz; raises MediaStreamError when the track has ended."""
        _demand_live(self)
        while (packet := self.queue.pop()) is None:
            self._more.clear()
            await self._more.wait()
        await asyncio.sleep(max(packet.due - self._clock(), 0))
        if packet.place % RTP_FRAME == 0:
            self.sent = (packet.place // RTP_FRAME, self._clock())
        samples = np.ascontiguousarray(packet.samples)[None]
        frame = AudioFrame.from_ndarray(samples, "s16", "mono")
        frame.sample_rate = RTP_RATE
        frame.pts = packet.place
        frame.time_base = fractions.Fraction(1, RTP_RATE)
        return frame


class PictureTrack(MediaStreamTrack):
    """The newest picture not yet sent. Times how long its sender takes to encode and send one.

    `sent`: the last frame whose picture has left, and when, s.
    """

    kind = "video"

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.slot = PictureSlot()
        self.encode_s = _FIRST_ENCODE_S
        self.sent = (-1, 0.0)
        self._clock = clock
        self._handed: tuple[int, float] | None = None
        self._more = asyncio.Event()

    def put(self, index: int, image: Picture) -> None:
        """Frame `index`, RGB uint8 [H, W, 3]."""
        self.slot.put(index, image)
        self._more.set()

    async def recv(self) -> VideoFrame:
        """The next picture; raises MediaStreamError when the track has ended."""
        _demand_live(self)
        self._time_sender()
        while (waiting := self.slot.pop()) is None:
            self._more.clear()
            await self._more.wait()
        index, image = waiting
        frame = VideoFrame.from_ndarray(rgb_to_i420(image), format="yuv420p")
        frame.pts = index
        frame.time_base = fractions.Fraction(1, FRAME_RATE)
        self._handed = (index, self._clock())
        return frame

    def _time_sender(self) -> None:
        """A sender asks for the next picture when it has sent the last one."""
        if self._handed is None:
            return
        (index, began), now = self._handed, self._clock()
        taken = min(now - began, _LONGEST_ENCODE_S)
        self.encode_s = _SMOOTHING * self.encode_s + (1 - _SMOOTHING) * taken
        self.sent, self._handed = (index, now), None


class Outlet:
    """Both tracks of one peer.

    RTCP tells a browser when a packet was sent, not when its frame was due, so the time that the
    picture needs for encoding would make the voice early by as much: the sound waits for it.
    """

    def __init__(self, clock: Clock) -> None:
        self.sound = SoundTrack(clock)
        self.picture = PictureTrack(clock)
        self._clock = clock

    @property
    def skew_s(self) -> float | None:
        """How much sooner than its picture the sound of the last frame left; None if one has not.

        This is what RTCP tells a browser, and what it plays by.
        """
        (seen, seen_at), (heard, heard_at) = self.picture.sent, self.sound.sent
        return seen_at - heard_at if seen == heard >= 0 else None

    def release(self, index: int, image: Picture | None, sound: Sound) -> None:
        """Frame `index`: RGB uint8 [H, W, 3], or None where the one before goes on being shown,
        and its sound, int16 [1920] at 48 kHz."""
        if image is not None:
            self.picture.put(index, image)
        self.sound.put(index, sound, self._clock() + self.picture.encode_s)

    def stop(self) -> None:
        """Ends both tracks."""
        self.sound.stop()
        self.picture.stop()


def _demand_live(track: MediaStreamTrack) -> None:
    if track.readyState != "live":
        raise MediaStreamError
