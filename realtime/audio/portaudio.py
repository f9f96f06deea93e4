"""Sound cards by PortAudio: which there are, and streams of 16 kHz samples from and to them.

`sounddevice` is an optional extra and is imported in this file only.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from realtime.clock import SAMPLE_RATE, Sound
from realtime.errors import InputError

Direction = Literal["input", "output"]
# Blocks of 10 ms and 20 ms of hardware buffer: below that PulseAudio's ALSA plugin stutters.
_BLOCK_S = 0.01
_LATENCY_S = 0.02

_INSTALL_LIBRARY = {
    "linux": "sudo apt install libportaudio2 libasound2-plugins",
    "darwin": "brew install portaudio",
}


@dataclass(frozen=True)
class Device:
    """A sound card as PortAudio numbers it; numbers change when something is plugged in."""

    number: int
    name: str
    rate: int


@dataclass(frozen=True)
class Moment:
    """When a callback's first sample was or will be heard, in seconds from now; and its trouble."""

    ahead_s: float
    xrun: bool


class PortAudio:
    """All streams of the program, because a fresh look at the devices ends every one of them.

    Raises InputError, which says what to install, when sounddevice or PortAudio is missing.
    """

    def __init__(self) -> None:
        try:
            import sounddevice
        except ImportError as error:
            raise InputError(
                'sound cards need the extra "webcam": pip install "segtalker-live[webcam]"'
            ) from error
        except OSError as error:
            hint = _INSTALL_LIBRARY.get(sys.platform, "pip install --force-reinstall sounddevice")
            raise InputError(f"the PortAudio library is missing: {hint}") from error
        self._library: Any = sounddevice
        self._streams: list[Any] = []
        self._lock = threading.RLock()

    def devices(self, direction: Direction) -> list[Device]:
        """Every device that has channels in this direction."""
        with self._lock:
            return [
                Device(number, str(entry["name"]), int(entry["default_samplerate"]))
                for number, entry in enumerate(self._library.query_devices())
                if entry[f"max_{direction}_channels"] > 0
            ]

    def find(self, wanted: str | None, direction: Direction) -> Device:
        """A device by number or by part of its name; None is the system's default.

        Raises InputError, which lists what there is.
        """
        found = self.devices(direction)
        default = self._library.default.device[0 if direction == "input" else 1]
        for device in found:
            if device.number == default if wanted is None else str(device.number) == wanted:
                return device
        for device in found:
            if wanted is not None and wanted.lower() in device.name.lower():
                return device
        names = ", ".join(f"{device.number} {device.name}" for device in found) or "none"
        raise InputError(f"no {direction} device {wanted or 'by default'}, found: {names}")

    def open_input(self, device: Device, rate: int, take: Callable[[Sound, Moment], None]) -> Any:
        """Starts a mono int16 stream at `rate` Hz; `take` runs in PortAudio's own thread."""

        def callback(data: Any, _count: int, time: Any, status: Any) -> None:
            moment = Moment(time.inputBufferAdcTime - time.currentTime, bool(status))
            take(np.frombuffer(data, np.int16), moment)

        return self._start(self._library.RawInputStream, device, rate, callback)

    def open_output(self, device: Device, give: Callable[[int, Moment], Sound]) -> Any:
        """Starts a mono int16 stream at 16 kHz; `give` runs in PortAudio's own thread."""

        def callback(data: Any, count: int, time: Any, status: Any) -> None:
            moment = Moment(time.outputBufferDacTime - time.currentTime, bool(status))
            data[:] = give(count, moment).tobytes()

        return self._start(self._library.RawOutputStream, device, SAMPLE_RATE, callback)

    def _start(self, kind: Any, device: Device, rate: int, callback: Callable[..., None]) -> Any:
        with self._lock:
            try:
                stream = kind(
                    samplerate=rate,
                    blocksize=round(rate * _BLOCK_S),
                    device=device.number,
                    channels=1,
                    dtype="int16",
                    latency=_LATENCY_S,
                    callback=callback,
                )
                stream.start()
            except self._library.PortAudioError as error:
                raise InputError(f"{device.name} cannot be opened: {error}") from error
            self._streams.append(stream)
            return stream

    def close(self, stream: Any) -> None:
        """Ends one stream; a stream already ended by `rescan` is left alone."""
        with self._lock:
            if stream in self._streams:
                self._streams.remove(stream)
                stream.close(ignore_errors=True)

    def rescan(self) -> None:
        """Looks for devices anew. Ends all streams: whoever owns one sees it go quiet and reopens.

        PortAudio reads the list of devices once; only its end and a new start read it again.
        """
        with self._lock:
            while self._streams:
                self._streams.pop().close(ignore_errors=True)
            self._library._terminate()
            self._library._initialize()
