"""A peer that calls, clicks, and notes when each click comes back as picture and as sound."""

from __future__ import annotations

import asyncio
import contextlib
import fractions
from collections.abc import Callable
from typing import Any

import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
)
from aiortc.jitterbuffer import JitterBuffer, JitterFrame
from aiortc.mediastreams import MediaStreamError
from aiortc.rtp import RtpPacket
from av import AudioFrame, VideoFrame

from realtime.call.jitter import release_at_once
from realtime.call.session import mono
from realtime.call.timeline import RTP_RATE
from realtime.measure.clicks import clicks, is_marked, onset

Clock = Callable[[], float]
_PACKET = RTP_RATE // 50
_VIDEO_CAPACITY = 512


class ClickTrack(MediaStreamTrack):
    """Clicks in real time: each 20 ms are given when a microphone would have them."""

    kind = "audio"

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._count = 0
        self.began: float | None = None

    async def recv(self) -> AudioFrame:
        """int16 mono [960] at 48 kHz."""
        if self.began is None:
            self.began = self._clock()
        place = self._count * _PACKET
        self._count += 1
        due = self.began + (place + _PACKET) / RTP_RATE
        await asyncio.sleep(max(due - self._clock(), 0))
        frame = AudioFrame.from_ndarray(clicks(place, _PACKET)[None], "s16", "mono")
        frame.sample_rate = RTP_RATE
        frame.pts = place
        frame.time_base = fractions.Fraction(1, RTP_RATE)
        return frame


class WholeFrames(JitterBuffer):
    """Gives a picture when its last packet is there, as browsers do.

    aiortc's own buffer waits for the first packet of the next picture, 40 ms later, and gives one
    picture a packet, so that its delay never falls after a packet was sent again.
    """

    def add(self, packet: RtpPacket) -> tuple[bool, JitterFrame | None]:
        pli, frame = super().add(packet)
        return pli, frame or self.whole()

    def whole(self) -> JitterFrame | None:
        """The next picture, if all of it is there."""
        parts: list[bytes] = []
        timestamp = None
        for count in range(self._capacity):
            packet = self._packets[((self._origin or 0) + count) % self._capacity]
            if packet is None or timestamp not in (None, packet.timestamp):
                return None
            timestamp = packet.timestamp
            parts.append(getattr(packet, "_data", b""))
            if packet.marker:
                self.remove(count + 1)
                return JitterFrame(b"".join(parts), packet.timestamp)
        return None


def release_whole_frames(receiver: RTCRtpReceiver) -> None:
    """Replaces the buffer of a receiver of pictures, before its first packet."""
    inside = vars(receiver)
    prefix = "_RTCRtpReceiver__"
    buffer = WholeFrames(_VIDEO_CAPACITY, is_video=True)
    inside[f"{prefix}jitter_buffer"] = buffer
    handle: Any = receiver._handle_rtp_packet

    async def and_the_rest(packet: RtpPacket, arrival_time_ms: int) -> None:
        await handle(packet, arrival_time_ms=arrival_time_ms)
        codec = inside[f"{prefix}codecs"].get(packet.payload_type)
        codec = inside[f"{prefix}codecs"].get(codec.parameters.get("apt"), codec) if codec else None
        while codec is not None and (frame := buffer.whole()) is not None:
            frame.timestamp = inside[f"{prefix}timestamp_mapper"].map(frame.timestamp)
            inside[f"{prefix}decoder_queue"].put((codec, frame))

    receiver._handle_rtp_packet = and_the_rest  # type: ignore[method-assign]


class Peer:
    """Calls, and keeps the times, s, at which clicks were seen and heard."""

    def __init__(self, clock: Clock) -> None:
        configuration = RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        self.connection = RTCPeerConnection(configuration)
        self.voice = ClickTrack(clock)
        self.seen: list[float] = []
        self.heard: list[float] = []
        self.pictures: list[float] = []
        self._clock = clock
        self._tasks: list[asyncio.Task[None]] = []
        self.connection.addTrack(self.voice)
        self.connection.addTransceiver("video", direction="recvonly")
        self.connection.on("track", self._on_track)

    async def offer(self) -> str:
        """The SDP to send."""
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return str(self.connection.localDescription.sdp)

    async def close(self) -> None:
        """Hangs up."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.connection.close()

    def _on_track(self, track: MediaStreamTrack) -> None:
        receiver = self._receiver(track)
        if track.kind == "audio":
            release_at_once(receiver)
            work = self._listen(track)
        else:
            release_whole_frames(receiver)
            work = self._look(track)
        self._tasks.append(asyncio.create_task(work))

    def _receiver(self, track: MediaStreamTrack) -> RTCRtpReceiver:
        receivers = [each.receiver for each in self.connection.getTransceivers()]
        return next(each for each in receivers if each.track is track)

    async def _listen(self, track: MediaStreamTrack) -> None:
        quiet = 0
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                assert isinstance(frame, AudioFrame)
                place = onset(mono(frame))
                if place is not None and quiet > 3:
                    self.heard.append(self._clock() + place / RTP_RATE)
                quiet = quiet + 1 if place is None else 0

    async def _look(self, track: MediaStreamTrack) -> None:
        marked = False
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                assert isinstance(frame, VideoFrame)
                now = self._clock()
                self.pictures.append(now)
                before, marked = marked, is_marked(np.asarray(frame.to_ndarray(format="rgb24")))
                if marked and not before:
                    self.seen.append(now)
