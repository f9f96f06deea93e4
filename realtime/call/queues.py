"""What waits to be sent, picture and sound on one clock: bounded, and it says what it drops."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from realtime.call.timeline import FRAME_S, RTP_FRAME, RTP_RATE
from realtime.clock import FRAME_SAMPLES, SAMPLE_RATE, Sound
from realtime.frame import Picture

# Opus packets hold 20 ms: two a frame.
PACKET = RTP_FRAME // 2
PACKET_S = PACKET / RTP_RATE
# 200 ms: more only waits when nobody takes it.
LONGEST_WAIT = 10


@dataclass(frozen=True)
class Packet:
    """20 ms of sound: int16 [960] at 48 kHz, its place in samples, and when to send it, s."""

    place: int
    samples: Sound
    due: float


class SoundQueue:
    """Sound to be sent, without a hole: what an index skips is silence.

    Holds 200 ms; when it is full the oldest 20 ms are dropped and counted.
    """

    def __init__(self) -> None:
        self._packets: deque[Packet] = deque()
        self._next: int | None = None
        self.dropped = 0

    def put(self, index: int, sound: Sound, due: float) -> None:
        """The sound of frame `index`, int16 [1920] at 48 kHz, to be sent from `due` on, s."""
        silence = np.zeros(RTP_FRAME, np.int16)
        if self._next is not None:
            for missing in range(max(self._next, index - LONGEST_WAIT // 2), index):
                self._append(missing, silence, due - (index - missing) * FRAME_S)
        self._append(index, sound, due)
        self._next = index + 1

    def _append(self, index: int, sound: Sound, due: float) -> None:
        for half in range(2):
            place = half * PACKET
            samples = sound[place : place + PACKET]
            self._packets.append(Packet(index * RTP_FRAME + place, samples, due + half * PACKET_S))
        while len(self._packets) > LONGEST_WAIT:
            self._packets.popleft()
            self.dropped += 1

    def pop(self) -> Packet | None:
        """The next packet, due or not; None if there is none."""
        return self._packets.popleft() if self._packets else None

    def hush(self) -> None:
        """What waits becomes silence, in its place."""
        silence = np.zeros(PACKET, np.int16)
        self._packets = deque(replace(packet, samples=silence) for packet in self._packets)


class PictureSlot:
    """The one picture to be sent next; a newer one takes the place of one not yet taken."""

    def __init__(self) -> None:
        self._waiting: tuple[int, Picture] | None = None
        self.dropped = 0

    def put(self, index: int, image: Picture) -> None:
        """Frame `index`, RGB uint8 [H, W, 3]."""
        self.dropped += self._waiting is not None
        self._waiting = (index, image)

    def pop(self) -> tuple[int, Picture] | None:
        """Index and image, once; None if there is no new one."""
        waiting, self._waiting = self._waiting, None
        return waiting


class Upsampler:
    """Blocks int16 [640] at 16 kHz -> int16 [1920] at 48 kHz, about 1 ms later."""

    def __init__(self) -> None:
        self._resampler = AudioResampler("s16", "mono", RTP_RATE)
        self.hush()

    def hush(self) -> None:
        """Fills the filter with silence, so that from here on all of a block comes out at once."""
        self.push(np.zeros(FRAME_SAMPLES, np.int16))

    def push(self, block: Sound) -> Sound:
        """int16 [640] -> int16 [1920]."""
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(block)[None], "s16", "mono")
        frame.sample_rate = SAMPLE_RATE
        parts = [np.asarray(part.to_ndarray()[0]) for part in self._resampler.resample(frame)]
        return np.concatenate([np.zeros(0, np.int16), *parts])
