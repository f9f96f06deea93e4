"""The whole chain through a real sound server: the voice comes as late as the picture."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.audio.microphone import Microphone
from realtime.audio.portaudio import PortAudio
from realtime.clock import SAMPLE_RATE, Sound, frame_time
from realtime.errors import InputError
from realtime.frame import Frame
from realtime.outputs.feed import Feed
from realtime.outputs.live_call import LiveCall
from realtime.outputs.live_loop import LiveLoop
from realtime.outputs.pulse import SINK, SOURCE, pactl
from realtime.outputs.schedule import Schedule
from realtime.outputs.virtual_microphone import PulseVoice
from tests.engines import EchoEngine
from tests.outputs.sound_server import ROOM, Recorder, needs_pulse, played, sound_server

SECONDS = 10.0
LOOKAHEAD_FRAMES = 2


class SeenFrames:
    """A camera that remembers what it showed, and when."""

    def __init__(self) -> None:
        self.frames: list[tuple[float, Frame]] = []

    def write(self, frame: Frame) -> None:
        self.frames.append((time.monotonic(), frame))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing to close."""


class Quitting:
    """Keys of a user who leaves the call after some seconds."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def read(self) -> str:
        return "q" if time.monotonic() > self._end else ""


def speech_like(seconds: float) -> Sound:
    """Noise in syllables of uneven loudness, int16 [seconds * 16000]: no two moments are alike."""
    random = np.random.default_rng(0)
    knots = random.uniform(0, 1, round(seconds * 8))
    count = round(seconds * SAMPLE_RATE)
    envelope = np.interp(np.linspace(0, len(knots) - 1, count), np.arange(len(knots)), knots)
    noise = np.convolve(random.standard_normal(count), np.ones(6) / 6, "same")
    return np.asarray(envelope * noise * 9000, np.int16)


def offset_samples(whole: NDArray[np.int16], part: NDArray[np.int16]) -> int:
    """Where `part` begins in `whole`, by phase correlation: loud passages elsewhere do not win."""
    size = len(whole) + len(part)
    spectrum = np.fft.rfft(whole, size) * np.conj(np.fft.rfft(part, size))
    return int(np.argmax(np.fft.irfft(spectrum / np.abs(spectrum), size)[: len(whole)]))


@pytest.mark.pulse
@needs_pulse
def test_voice_is_as_late_as_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    with sound_server(monkeypatch):
        try:
            card = PortAudio()
            card.rescan()  # Other tests may have looked for devices before there was a server.
            card.find("pulse", "input")
        except InputError as error:
            pytest.skip(f"no way to PulseAudio: {error}")
        camera, complaints = SeenFrames(), list[str]()
        with (
            played(speech_like(SECONDS + 5), ROOM),
            PulseVoice(complaints.append) as voice,
            Feed(camera, Schedule(), complaints.append) as feed,
        ):
            fed, recorded = Recorder(f"{ROOM}.monitor"), Recorder(SOURCE)
            fed.wait()
            loop = LiveLoop(EchoEngine(LOOKAHEAD_FRAMES), [feed], voice.playout, time.monotonic)
            with Microphone(card, "pulse") as microphone:
                call = LiveCall(loop, microphone, [feed], voice.playout, complaints.append, 80)
                call.run(Quitting(SECONDS))
                health = call.health()
            fed.stop()
            recorded.stop()
        assert SINK not in pactl("list", "short", "sinks")
    difference = sound_delay(fed, recorded) - float(np.median(picture_delays(fed, camera)))
    assert abs(difference) < 0.010
    assert health.overflows == 0


def sound_delay(fed: Recorder, recorded: Recorder) -> float:
    """From the room to the virtual microphone, s."""
    heard = recorded.sound()[-4 * SAMPLE_RATE : -2 * SAMPLE_RATE]
    heard_at = recorded.start() + (len(recorded.sound()) - 4 * SAMPLE_RATE) / SAMPLE_RATE
    return heard_at - spoken_at(fed, heard)


def picture_delays(fed: Recorder, camera: SeenFrames) -> NDArray[np.float64]:
    """From the room to the camera for each of the last 100 frames but 25, s."""
    seen = camera.frames[-125:-25]
    first = spoken_at(fed, np.concatenate([frame.sound for _, frame in seen]))
    return np.array([when - first - frame_time(n) for n, (when, _) in enumerate(seen)])


def spoken_at(fed: Recorder, part: Sound) -> float:
    """When the first sample of `part` was heard in the room."""
    return fed.start() + offset_samples(fed.sound(), part) / SAMPLE_RATE
