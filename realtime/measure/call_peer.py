"""A caller in this process: an aiortc peer over WHIP, as any other client."""

from __future__ import annotations

import asyncio
import contextlib
import fractions
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCSessionDescription,
)
from aiortc.jitterbuffer import JitterBuffer, JitterFrame
from aiortc.mediastreams import MediaStreamError
from aiortc.rtp import RtpPacket
from av import AudioFrame, VideoFrame

from realtime.call.jitter import release_at_once
from realtime.call.session import mono
from realtime.call.timeline import RTP_RATE
from realtime.errors import OutputError
from realtime.measure.background import Background
from realtime.measure.caller import Record
from realtime.measure.clicks import clicks, hum, loud, onset_s, read_stamp
from realtime.measure.udp_relay import UdpRelay

_PACKET = RTP_RATE // 50
_PACKET_S = _PACKET / RTP_RATE
_VIDEO_CAPACITY = 512
_CONNECT_S = 20


class ClickTrack(MediaStreamTrack):
    """Clicks in real time: each 20 ms are given when a microphone would have them."""

    kind = "audio"

    def __init__(self, record: Record) -> None:
        super().__init__()
        self.humming = False
        self._record = record
        self._count = 0
        self._clicks = 0
        self._began: float | None = None

    async def recv(self) -> AudioFrame:
        """int16 mono [960] at 48 kHz."""
        if self._began is None:
            self._began = time.monotonic()
        place = self._count * _PACKET
        self._count += 1
        due = self._began + place / RTP_RATE + _PACKET_S
        await asyncio.sleep(max(due - time.monotonic(), 0))
        while onset_s(self._clicks) < place / RTP_RATE + _PACKET_S:
            self._record.sent.append(self._began + onset_s(self._clicks))
            self._clicks += 1
        sound = (hum if self.humming else clicks)(place, _PACKET)
        frame = AudioFrame.from_ndarray(sound[None], "s16", "mono")
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
    """Replaces the buffer of a receiver of pictures, before its first packet.

    And asks again, with every packet, for those still missing, as browsers do after a round trip:
    aiortc asks once a gap, and where that or its answer is lost, the picture stands still for long.
    """
    inside = vars(receiver)
    prefix = "_RTCRtpReceiver__"
    buffer = WholeFrames(_VIDEO_CAPACITY, is_video=True)
    inside[f"{prefix}jitter_buffer"] = buffer
    handle: Any = receiver._handle_rtp_packet

    async def and_the_rest(packet: RtpPacket, arrival_time_ms: int) -> None:
        missing = sorted(inside[f"{prefix}nack_generator"].missing)
        await handle(packet, arrival_time_ms=arrival_time_ms)
        sent = inside[f"{prefix}codecs"].get(packet.payload_type)
        codec = inside[f"{prefix}codecs"].get(sent.parameters.get("apt"), sent) if sent else None
        if missing and codec is sent:
            await receiver._send_rtcp_nack(packet.ssrc, missing)
        while codec is not None and (frame := buffer.whole()) is not None:
            frame.timestamp = inside[f"{prefix}timestamp_mapper"].map(frame.timestamp)
            inside[f"{prefix}decoder_queue"].put((codec, frame))

    receiver._handle_rtp_packet = and_the_rest  # type: ignore[method-assign]


class Peer:
    """Calls, and records what comes back."""

    def __init__(self) -> None:
        configuration = RTCConfiguration(iceServers=[])
        self.record = Record()
        self.voice = ClickTrack(self.record)
        self._connection = RTCPeerConnection(configuration)
        self._channel = self._connection.createDataChannel("control")
        self._seen = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._connection.addTrack(self.voice)
        self._connection.addTransceiver("video", direction="recvonly")
        self._connection.on("track", self._on_track)

    @contextlib.asynccontextmanager
    async def calling(self, address: str, query: str, relay: UdpRelay) -> AsyncIterator[None]:
        """In a call, from the first picture on; raises OutputError if none comes."""
        try:
            await self._connection.setLocalDescription(await self._connection.createOffer())
            offer = relay.offer(self._connection.localDescription.sdp)
            headers = {"Content-Type": "application/sdp"}
            async with (
                aiohttp.ClientSession(address) as http,
                http.post(f"whip?{query}", data=offer, headers=headers) as response,
            ):
                text = await response.text()
                if response.status != 201:
                    raise OutputError(f"expected an answer to the offer, found: {text}")
            answer = RTCSessionDescription(relay.answer(text), "answer")
            await self._connection.setRemoteDescription(answer)
            try:
                await asyncio.wait_for(self._seen.wait(), _CONNECT_S)
            except TimeoutError as error:
                raise OutputError(
                    f"expected a picture within {_CONNECT_S} s, found none"
                ) from error
            yield
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._connection.close()

    async def say(self, message: dict[str, object]) -> float:
        """Sends a message of the control channel: when it left, s."""
        self._channel.send(json.dumps(message))
        return time.monotonic()

    def _on_track(self, track: MediaStreamTrack) -> None:
        receivers = [each.receiver for each in self._connection.getTransceivers()]
        receiver = next(each for each in receivers if each.track is track)
        if track.kind == "audio":
            release_at_once(receiver)
            work = self._listen(track)
        else:
            release_whole_frames(receiver)
            work = self._look(track)
        self._tasks.append(asyncio.create_task(work))

    async def _listen(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                assert isinstance(frame, AudioFrame)
                if (found := loud(mono(frame))) is not None:
                    now = time.monotonic()
                    self.record.loud_from.append(now + found[0] / RTP_RATE)
                    self.record.loud_to.append(now + found[1] / RTP_RATE)

    async def _look(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                assert isinstance(frame, VideoFrame)
                self.record.pictures.append(time.monotonic())
                plane = frame.planes[0]
                luma = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
                self.record.numbers.append(read_stamp(luma))
                self._seen.set()


class PeerCaller:
    """The same for who is in another thread."""

    def __init__(self, background: Background, peer: Peer) -> None:
        self._background = background
        self._peer = peer

    def record(self) -> Record:
        return self._peer.record

    def hum(self, on: bool) -> None:
        self._peer.voice.humming = on

    def say(self, message: dict[str, object]) -> float:
        return self._background.run(self._peer.say(message))


@contextlib.contextmanager
def peer_calling(
    background: Background, address: str, query: str, relay: UdpRelay
) -> Iterator[PeerCaller]:
    """A peer in a call, in the background."""

    async def made() -> Peer:
        return Peer()

    peer = background.run(made())
    call = peer.calling(address, query, relay)
    background.run(call.__aenter__())
    try:
        yield PeerCaller(background, peer)
    finally:
        background.run(call.__aexit__(None, None, None))
