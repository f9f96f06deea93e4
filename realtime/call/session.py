"""One call: a peer connection, what is heard over it, and what it is sent."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from aiortc.rtp import RtpPacket
from av import AudioFrame

from realtime.call.control import Change, Interrupt, Mute, parse
from realtime.call.engines import MakeEngine
from realtime.call.jitter import Reorder, release_at_once
from realtime.call.limits import Bucket, Limits, RefusalError
from realtime.call.pipeline import Pipeline
from realtime.call.tracks import Clock, Outlet
from realtime.clock import Sound
from realtime.errors import SegTalkerError

log = logging.getLogger(__name__)


def random_name() -> str:
    """22 characters."""
    return secrets.token_urlsafe(16)


@dataclass(frozen=True)
class House:
    """What all calls of a server share; `new_name` gives names that cannot be guessed."""

    make_engine: MakeEngine
    limits: Limits
    clock: Clock
    ice: RTCConfiguration
    new_name: Callable[[], str] = random_name


@dataclass(frozen=True)
class Watcher:
    """A peer that only sees and hears."""

    connection: RTCPeerConnection
    outlet: Outlet


class Session:
    """Owns a pipeline and everything that feeds on it; `close` frees all of it.

    `id` cannot be guessed: whoever knows it may watch, change or end the call.
    """

    def __init__(self, session_id: str, pipeline: Pipeline, house: House) -> None:
        self.id = session_id
        self.pipeline = pipeline
        self.began = house.clock()
        self.heard: float | None = None
        self.connected = False
        self.closed = False
        self.watchers: dict[str, Watcher] = {}
        self._house = house
        self._connection = RTCPeerConnection(house.ice)
        self._outlet = Outlet(house.clock)
        self._channel: RTCDataChannel | None = None
        self._reorder: Reorder[RtpPacket] | None = None
        self._messages = Bucket(
            house.limits.messages_per_s, house.limits.messages_per_s, house.clock()
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._connection.on("track", self._on_track)
        self._connection.on("datachannel", self._on_channel)
        self._connection.on("connectionstatechange", self._on_state)

    def connection_of(self, watcher: str | None) -> RTCPeerConnection:
        """The caller's own connection, or a watcher's; raises RefusalError (404) without one."""
        if watcher is None:
            return self._connection
        if watcher not in self.watchers:
            raise RefusalError(404, "There is no such watcher.")
        return self.watchers[watcher].connection

    async def answer(self, offer: str) -> str:
        """The caller's SDP offer -> the answer; raises RefusalError (400) if there can be none."""
        return await self._answer(self._connection, self._outlet, offer)

    async def watch(self, watcher: str, offer: str) -> str:
        """Another peer's SDP offer to see and hear this call -> the answer; raises RefusalError."""
        if len(self.watchers) >= self._house.limits.watchers_per_session:
            raise RefusalError(503, "This call has as many watchers as it can take.")
        connection, outlet = RTCPeerConnection(self._house.ice), Outlet(self._house.clock)
        self.watchers[watcher] = Watcher(connection, outlet)

        async def on_state() -> None:
            if connection.connectionState == "connected":
                self.pipeline.outlets.append(outlet)
            elif connection.connectionState in ("failed", "closed"):
                await self.unwatch(watcher)

        connection.on("connectionstatechange", on_state)
        try:
            return await self._answer(connection, outlet, offer)
        except RefusalError:
            await self.unwatch(watcher)
            raise

    async def unwatch(self, watcher: str) -> None:
        """Ends a watcher's connection; nothing happens if there is none."""
        if ending := self.watchers.pop(watcher, None):
            if ending.outlet in self.pipeline.outlets:
                self.pipeline.outlets.remove(ending.outlet)
            await ending.connection.close()

    async def close(self, reason: str, *, again: bool = False) -> None:
        """Says why, and whether calling again is of use; frees everything. May be called twice."""
        if self.closed:
            return
        self.closed = True
        self._send({"type": "ended", "text": reason, "again": again})
        tasks = self._tasks - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.pipeline.close()
        for watcher in list(self.watchers):
            await self.unwatch(watcher)
        await self._connection.close()

    async def _answer(self, connection: RTCPeerConnection, outlet: Outlet, offer: str) -> str:
        try:
            await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
            for transceiver in connection.getTransceivers():
                track = outlet.sound if transceiver.kind == "audio" else outlet.picture
                transceiver.sender.replaceTrack(track)
                transceiver.direction = "sendrecv" if transceiver.kind == "audio" else "sendonly"
            await connection.setLocalDescription(await connection.createAnswer())
        except Exception as error:  # aiortc raises whatever its parsers stumble over
            log.info("offer refused: %r", error)
            raise RefusalError(400, "Expected an SDP offer that can be answered.") from error
        return str(connection.localDescription.sdp)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _on_track(self, track: MediaStreamTrack) -> None:
        if track.kind != "audio":
            return
        receivers = [each.receiver for each in self._connection.getTransceivers()]
        receiver = next(each for each in receivers if each.track is track)
        self._reorder = release_at_once(receiver)
        self._spawn(self._listen(track))

    async def _listen(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                if isinstance(frame, AudioFrame) and frame.pts is not None:
                    self.heard = self._house.clock()
                    self.pipeline.hear(frame.pts, mono(frame))

    async def _run(self) -> None:
        try:
            await self.pipeline.run()
        except Exception:  # an engine that fails ends its call, never the server
            log.exception("a step failed")
            await self.close("The portrait could not go on.")

    async def _on_state(self) -> None:
        state = self._connection.connectionState
        if state == "connected" and not self.connected:
            self.connected = True
            self.pipeline.outlets.append(self._outlet)
            self._spawn(self._run())
            self._spawn(self._tell())
        elif state in ("failed", "closed"):
            await self.close("The connection was lost.")

    def _on_channel(self, channel: RTCDataChannel) -> None:
        if channel.label != "control" or self._channel is not None:
            channel.close()
            return
        self._channel = channel
        channel.on("message", self._on_message)
        self._send_state()

    def _on_message(self, message: str | bytes) -> None:
        if self._messages.take(self._house.clock()):
            self._spawn(self._obey(message))
        else:
            self._send({"type": "error", "text": "Too many messages at once."})

    async def _obey(self, message: str | bytes) -> None:
        try:
            command = parse(message, self._house.limits)
            if isinstance(command, Change):
                await self.pipeline.change(command.of, self._house.make_engine)
            elif isinstance(command, Mute):
                self.pipeline.muted = command.on
            elif isinstance(command, Interrupt):
                closed = await self.pipeline.interrupt()
                self._send({"type": "interrupted", "closed_ms": round(closed * 1000)})
            self._send_state()
        except SegTalkerError as error:
            self._send({"type": "error", "text": str(error)})
        except Exception:  # an engine that cannot be made for a reason of its own
            log.exception("a change failed")
            self._send({"type": "error", "text": "That could not be done."})

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(1)
            lost = self._reorder.lost if self._reorder else 0
            self._send({"type": "stats", "lost": lost, **self.pipeline.statistics()})

    def _send_state(self) -> None:
        request = self.pipeline.request
        behind = request.background
        self._send(
            {
                "type": "state",
                "session": self.id,
                "avatar": request.avatar,
                "lookahead_ms": request.lookahead_ms,
                "colours": dict(request.colours),
                "manner": request.manner and asdict(request.manner),
                "background": "picture" if isinstance(behind, bytes) else behind,
                "muted": self.pipeline.muted,
            }
        )

    def _send(self, message: dict[str, object]) -> None:
        if self._channel is not None and self._channel.readyState == "open":
            self._channel.send(json.dumps(message))


def mono(frame: AudioFrame) -> Sound:
    """A decoded frame of s16 sound -> int16 [any], its channels averaged."""
    channels = frame.layout.nb_channels
    samples = frame.to_ndarray().reshape(-1, channels)
    return np.asarray(samples.mean(1), np.int16)
