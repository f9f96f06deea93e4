"""PortAudio without sound cards: a stand-in for the module `sounddevice`."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from realtime.clock import Sound


class PortAudioError(Exception):
    """As sounddevice calls it."""


@dataclass
class FakeStream:
    """A stream that the test drives."""

    options: dict[str, Any]
    closed: bool = False

    def start(self) -> None:
        """Nothing runs by itself."""

    def close(self, ignore_errors: bool) -> None:
        assert ignore_errors
        self.closed = True

    def give(self, samples: Sound, xrun: bool = False) -> None:
        """What a microphone does."""
        time = SimpleNamespace(inputBufferAdcTime=0.98, currentTime=1.0)
        self.options["callback"](samples.tobytes(), len(samples), time, xrun)

    def take(self, count: int, ahead_s: float) -> Sound:
        """What a loudspeaker does."""
        time = SimpleNamespace(outputBufferDacTime=1.0 + ahead_s, currentTime=1.0)
        data = bytearray(2 * count)
        self.options["callback"](data, count, time, False)
        return np.frombuffer(data, np.int16)


@dataclass
class FakeSoundDevice:
    """Knows `names`: those that begin with "out" have an output, all others an input."""

    names: list[str]
    refused_rates: tuple[int, ...] = ()
    streams: list[FakeStream] = field(default_factory=list)
    scans: int = 0
    PortAudioError: type[PortAudioError] = PortAudioError

    @property
    def default(self) -> Any:
        return SimpleNamespace(device=(0, 0))

    def query_devices(self) -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                "default_samplerate": 48000.0,
                "max_input_channels": 0 if name.startswith("out") else 1,
                "max_output_channels": 1 if name.startswith("out") else 0,
            }
            for name in self.names
        ]

    def _stream(self, **options: Any) -> FakeStream:
        if options["samplerate"] in self.refused_rates:
            raise PortAudioError("Invalid sample rate")
        self.streams.append(FakeStream(options))
        return self.streams[-1]

    RawInputStream = RawOutputStream = _stream

    def _terminate(self) -> None:
        assert all(stream.closed for stream in self.streams), "PortAudio ended under a stream"

    def _initialize(self) -> None:
        self.scans += 1
