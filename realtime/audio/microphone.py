"""The microphone: 16 kHz mono samples, opened by name or number, reopened when it was lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from realtime.audio.kept_stream import KeptStream
from realtime.audio.portaudio import Device, Moment, PortAudio
from realtime.audio.resample import Resampler
from realtime.audio.ring import Ring
from realtime.audio.watch import RETRY_S
from realtime.clock import SAMPLE_RATE, Sound
from realtime.errors import InputError

# Half a second at the highest rate a headset has: far more than a call ever wants to hear late.
_RING_SAMPLES = 24_000


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


class Microphone(KeptStream):
    """Opens `wanted` (number or part of a name; None: the default) and keeps it open.

    The callback only copies into a ring that drops its oldest half second. Raises InputError when
    the device is not there at the start; lost later, it is looked for again every second. So it is
    while `is_our_own` says that what comes is what we send; asked once a second.
    """

    def __init__(
        self,
        card: PortAudio,
        wanted: str | None,
        clock: Callable[[], float] = time.monotonic,
        is_our_own: Callable[[], bool] = lambda: False,
    ) -> None:
        self._is_our_own = is_our_own
        self._own = False
        self._next_question = clock()
        self._wanted = wanted
        self._ring = Ring(_RING_SAMPLES)
        self._resampler = Resampler(SAMPLE_RATE)
        self._overflows = 0
        super().__init__("microphone", card, clock, rescan=True)

    @property
    def overflows(self) -> int:
        return self._overflows

    def read(self, timeout_s: float) -> Sound:
        """All samples since the last call, int16 [any] at 16 kHz; none after `timeout_s`."""
        self._ring.wait(timeout_s)
        dropped = self._ring.dropped
        samples = self._ring.read()
        self._overflows += self._ring.dropped > dropped
        return self._resampler.push(samples)

    def look_after(self) -> None:
        now = self._clock()
        if now >= self._next_question:
            self._next_question = now + RETRY_S
            self._own = self._is_our_own()
        super().look_after()

    def _take(self, samples: Sound, moment: Moment) -> None:
        if self._own:
            return
        self._ring.write(samples)
        self._overflows += moment.xrun
        self._watch.sign(self._clock())

    def _open(self) -> Any:
        device = self._card.find(self._wanted, "input")
        try:
            return self._open_at(device, SAMPLE_RATE)
        except InputError:
            return self._open_at(device, device.rate)

    def _open_at(self, device: Device, rate: int) -> Any:
        self._resampler = Resampler(rate)
        return self._card.open_input(device, rate, self._take)
