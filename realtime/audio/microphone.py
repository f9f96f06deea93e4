"""The microphone: 16 kHz mono samples, opened by name or number, reopened when it was lost."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, Self

from realtime.audio.portaudio import Device, Moment, PortAudio
from realtime.audio.resample import Resampler
from realtime.audio.ring import Ring
from realtime.audio.watch import Watch
from realtime.clock import SAMPLE_RATE, Sound
from realtime.errors import InputError

# Half a second at the highest rate a headset has: far more than a call ever wants to hear late.
_RING_SAMPLES = 24_000
_CHECK_S = 0.25


class SoundSource(Protocol):
    """Where live sound comes from."""

    @property
    def overflows(self) -> int:
        """How often samples were lost before the program saw them."""

    @property
    def lost(self) -> bool:
        """True while the device gives nothing."""

    def read(self, timeout_s: float) -> Sound:
        """All samples since the last call, int16 [any]; none after `timeout_s` without any."""


class Microphone:
    """Opens `wanted` (number or part of a name; None: the default) and keeps it open.

    The callback only copies into a ring that drops its oldest half second. Raises InputError when
    the device is not there at the start; lost later, it is looked for again every second.
    """

    def __init__(
        self, card: PortAudio, wanted: str | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._card = card
        self._wanted = wanted
        self._clock = clock
        self._watch = Watch(clock())
        self._ring = Ring(_RING_SAMPLES)
        self._resampler = Resampler(SAMPLE_RATE)
        self._overflows = 0
        self._stream: Any = None
        self._ended = threading.Event()
        self._keeper = threading.Thread(target=self._keep_open, name="microphone", daemon=True)

    @property
    def overflows(self) -> int:
        return self._overflows

    @property
    def lost(self) -> bool:
        return self._watch.lost(self._clock())

    def read(self, timeout_s: float) -> Sound:
        """All samples since the last call, int16 [any] at 16 kHz; none after `timeout_s`."""
        self._ring.wait(timeout_s)
        dropped = self._ring.dropped
        samples = self._ring.read()
        self._overflows += self._ring.dropped > dropped
        return self._resampler.push(samples)

    def _take(self, samples: Sound, moment: Moment) -> None:
        self._ring.write(samples)
        self._overflows += moment.xrun
        self._watch.sign(self._clock())

    def _open(self) -> None:
        device = self._card.find(self._wanted, "input")
        try:
            self._open_at(device, SAMPLE_RATE)
        except InputError:
            self._open_at(device, device.rate)

    def _open_at(self, device: Device, rate: int) -> None:
        self._resampler = Resampler(rate)
        self._stream = self._card.open_input(device, rate, self._take)

    def _keep_open(self) -> None:
        while not self._ended.wait(_CHECK_S):
            self.look_after()

    def look_after(self) -> None:
        """Opens the device again if it has been quiet for too long; called all the time."""
        if not self._watch.should_reopen(self._clock()):
            return
        self._card.close(self._stream)
        self._card.rescan()
        # Still unplugged is no news: the watch lets us try again in a second.
        with contextlib.suppress(InputError):
            self._open()

    def __enter__(self) -> Self:
        self._open()
        self._watch.sign(self._clock())
        self._keeper.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._keeper.join()
        self._card.close(self._stream)
