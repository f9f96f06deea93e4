"""A call by `run_webcam` in a room of a real sound server, measured from outside."""

from __future__ import annotations

import io
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console

from realtime.audio.portaudio import PortAudio
from realtime.audio.sources import read_sound
from realtime.backdrop import Blur
from realtime.clock import SAMPLE_RATE, Sound, frame_time
from realtime.commands.common import ASSETS, fastest_backend, load_networks
from realtime.engine import Engine
from realtime.errors import InputError
from realtime.frame import Frame, Picture, Steps
from realtime.gallery import AvatarGallery
from realtime.outputs.live_view import Health
from realtime.outputs.pulse import SOURCE
from realtime.outputs.wardrobe import Clothes, Dress, Wish, dresser
from realtime.outputs.webcam import WebcamOptions, run_webcam
from tests.outputs.sound_server import ROOM, Heard, Recorder, SoundServer, played

T = TypeVar("T")

_SPEECH = Path(__file__).parents[2] / "realtime" / "assets" / "speech.opus"
_BITS = 16
_BIT_ROWS = 24
_KEPT_FRAMES = 300


class Numbered:
    """An engine whose pictures carry their number in their top rows, and which keeps their sound.

    Ends the call, as Ctrl-C does, once `ended` is set.
    """

    def __init__(self, engine: Steps) -> None:
        self.size = engine.size
        self.begun, self.ended = threading.Event(), threading.Event()
        self.count = 0
        self.engine = engine
        self._sounds = deque[Sound](maxlen=_KEPT_FRAMES)
        self._lock = threading.Lock()

    def reset(self) -> None:
        self.engine.reset()

    def step(self, samples: Sound, *, fresh: bool = True) -> Frame:
        if self.ended.is_set():
            raise KeyboardInterrupt
        frame = self.engine.step(samples, fresh=fresh)
        image = frame.image.copy()
        bits = self.count >> np.arange(_BITS) & 1
        image[:_BIT_ROWS] = np.repeat(bits * 255, self.size[0] // _BITS)[:, np.newaxis]
        with self._lock:
            self._sounds.append(frame.sound)
            self.count += 1
        self.begun.set()
        return replace(frame, image=image)

    def sound(self, first: int, last: int) -> Sound:
        """That of the frames `first` to `last`, both kept, int16 [n * 640]."""
        with self._lock:
            oldest = self.count - len(self._sounds)
            return np.concatenate(list(self._sounds)[first - oldest : last + 1 - oldest])


class Changed:
    """What `numbered` becomes from its first step on."""

    def __init__(self, numbered: Numbered, engine: Steps) -> None:
        self.size = engine.size
        self._numbered = numbered
        self._engine = engine

    def reset(self) -> None:
        self._engine.reset()

    def step(self, samples: Sound, *, fresh: bool = True) -> Frame:
        self._numbered.engine = self._engine
        return self._numbered.step(samples, fresh=fresh)


class Fingers:
    """Press keys of the terminal; a context, as TerminalKeys is."""

    def __init__(self) -> None:
        self._pressed = queue.SimpleQueue[str]()

    def press(self, key: str) -> None:
        self._pressed.put(key)

    def read(self) -> str:
        return "" if self._pressed.empty() else self._pressed.get()

    def __enter__(self) -> Fingers:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to put back."""


class WatchedCamera:
    """A virtual camera, as pyvirtualcam wants it, that reads the numbers of what it is sent."""

    def __init__(self) -> None:
        self.size = (0, 0)
        self.seen = deque[tuple[int, float]](maxlen=_KEPT_FRAMES)

    def open(self, **options: Any) -> WatchedCamera:
        self.size = options["width"], options["height"]
        return self

    def device(self) -> str:
        return "/dev/video10"

    def native_fourcc(self) -> None:
        return None

    def send(self, picture: Picture) -> None:
        """I420, the square picture in the middle."""
        now, (width, height) = time.monotonic(), self.size
        luma = picture.reshape(-1)[: width * height].reshape(height, width)
        places = (width - height) // 2 + (np.arange(_BITS) + 0.5) * height / _BITS
        bits = luma[height // 64, places.astype(int)] > 127
        number = sum(1 << place for place, bit in enumerate(bits) if bit)
        if not self.seen or self.seen[-1][0] != number:
            self.seen.append((number, now))

    def close(self) -> None:
        """Nothing to close."""


class Delays(NamedTuple):
    """From the room to the camera and to the virtual microphone, ms."""

    picture_ms: float
    voice_ms: float

    @property
    def difference_ms(self) -> float:
        """By how much the voice is behind the picture."""
        return self.voice_ms - self.picture_ms


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What the script gave, the call's last state, and all that it told."""

    given: T
    health: Health
    told: str


def undressed(_: Wish) -> Steps:
    raise AssertionError("nobody asked for another look")


class RealCall:
    """Speech in the room, a call that hears it, and ears and eyes at its other end."""

    def __init__(self, engine: Steps, server: SoundServer, patch: pytest.MonkeyPatch) -> None:
        pyvirtualcam = pytest.importorskip("pyvirtualcam", reason="the extra webcam is missing")
        self.server = server
        self.camera = WatchedCamera()
        patch.setattr(pyvirtualcam.camera, "BACKENDS", {"test": self.camera.open})
        self.fingers = Fingers()
        patch.setattr("realtime.outputs.webcam.TerminalKeys", lambda: self.fingers)
        self.engine = Numbered(engine)
        self._speech = ExitStack()
        self._ears = ExitStack()

    def run(
        self, script: Callable[[RealCall], T], options: WebcamOptions, dress: Dress = undressed
    ) -> Outcome[T]:
        """Is in the call for as long as `script`, which runs in a thread of its own, takes."""
        console = Console(file=io.StringIO(), width=200)
        with self._speech, self._ears, ThreadPoolExecutor(1) as threads:
            self.speak()
            future = threads.submit(self._follow, script)
            future.add_done_callback(lambda _: self.engine.ended.set())
            try:
                health = run_webcam(
                    self.engine,
                    Clothes(lambda wish: Changed(self.engine, dress(wish)), ["ava", "max"]),
                    options,
                    console,
                )
            finally:
                self.engine.begun.set()
                self.engine.ended.set()
        return Outcome(future.result(), health, console.file.getvalue())  # type: ignore[attr-defined]

    def _follow(self, script: Callable[[RealCall], T]) -> T:
        self.engine.begun.wait()
        self.wait(0.0)
        return script(self)

    def speak(self) -> None:
        """Speech in the room from now on."""
        self._speech.close()
        self._speech.enter_context(played(speech(), ROOM))

    def listen(self) -> Recorder:
        """An ear beside the microphone and one, which is given, at the virtual microphone.

        Not before that is there: a new microphone draws recordings to itself.
        """
        self._ears.close()
        self._fed = self._ears.enter_context(Recorder(f"{ROOM}.monitor"))
        self._recorded = self._ears.enter_context(Recorder(SOURCE))
        return self._recorded

    def wait(self, seconds: float) -> None:
        """Sooner, with an error, if the call has ended by itself."""
        assert not self.engine.ended.wait(seconds), "the call ended by itself"

    def delays(self) -> Delays:
        """Over the last seconds: both ears must have been there for ten."""
        return measured(
            self._fed.heard(), self._recorded.heard(), self.engine, list(self.camera.seen)
        )


def measured(
    fed: Heard, recorded: Heard, engine: Numbered, seen: list[tuple[int, float]]
) -> Delays:
    """Delays of four seconds of sound, two seconds ago, and of the pictures of that time."""
    begin = len(recorded.sound) - 6 * SAMPLE_RATE
    voice = recorded.sound[begin : begin + 4 * SAMPLE_RATE]
    voice_s = recorded.start + begin / SAMPLE_RATE - _spoken_at(fed, voice)
    shown = np.array(seen[-150:-50])
    first, last = int(shown[0, 0]), int(shown[-1, 0])
    spoken = _spoken_at(fed, engine.sound(first, last))
    since = np.array([frame_time(int(number) - first) for number in shown[:, 0]])
    picture_s = float(np.median(shown[:, 1] - spoken - since))
    return Delays(1000 * picture_s, 1000 * voice_s)


def _spoken_at(fed: Heard, part: Sound) -> float:
    """When the first sample of `part` was heard in the room."""
    return fed.start + offset_samples(fed.sound, part) / SAMPLE_RATE


def offset_samples(whole: NDArray[np.int16], part: NDArray[np.int16]) -> int:
    """Where `part` begins in `whole`, by phase correlation: loud passages elsewhere do not win."""
    size = len(whole) + len(part)
    spectrum = np.fft.rfft(whole, size) * np.conj(np.fft.rfft(part, size))
    weight = np.abs(spectrum) + 1e-6 * np.abs(spectrum).max()
    return int(np.argmax(np.fft.irfft(spectrum / weight, size)[: len(whole)]))


def speech() -> Sound:
    """The shipped sentences, int16 [any]."""
    return read_sound(_SPEECH)


def real_engine() -> tuple[Engine, Dress]:
    """The first shipped portrait, in 512x512, and how it looks otherwise."""
    networks, gallery = load_networks(), AvatarGallery(ASSETS)
    engine = Engine(networks, gallery.load("ava"), backend=fastest_backend(networks))
    return engine, dresser(engine, "ava", gallery, {"none": None, "blur": Blur()})


def find_pulse() -> None:
    """Skips the test where PortAudio has no way to the sound server."""
    try:
        card = PortAudio()
        card.rescan()  # Other tests may have looked for devices before there was a server.
        card.find("pulse", "input")
    except InputError as error:
        pytest.skip(f"no way to PulseAudio: {error}")
