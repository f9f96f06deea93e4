"""PulseAudio and PipeWire: a microphone that is made of sound we write.

Modules are loaded by `pactl`; sound is written by libpulse-simple, which, unlike PortAudio's way
through ALSA, names the sink it plays to and says how far away the ear is.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from typing import Self

from realtime.clock import SAMPLE_RATE, Sound
from realtime.errors import OutputError

INSTALL_PACTL = "sudo apt install pulseaudio-utils libpulse0"
SINK = "avatar_voice"
SOURCE = "avatar_microphone"
_SINK_RATE = 48_000  # What call apps ask for: they get it without another conversion.
_PACTL_PATIENCE_S = 5.0
_BUFFER_S = 0.03
_SAMPLE_BYTES = 2
_PLAYBACK = 1
_S16LE = 3
_SERVER_DECIDES = 0xFFFFFFFF


def pactl(*arguments: str) -> str:
    """Runs pactl, gives what it prints. Raises OutputError when it is missing or refuses."""
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["pactl", *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=_PACTL_PATIENCE_S,
            env=environment,
        )
    except FileNotFoundError as error:
        raise OutputError(f"pactl is missing: {INSTALL_PACTL}") from error
    except subprocess.TimeoutExpired as error:
        raise OutputError("the sound server does not answer") from error
    except subprocess.CalledProcessError as error:
        complaint = ", ".join(error.stderr.split("\n")).strip(", ")
        raise OutputError(f"pactl {arguments[0]}: {complaint}") from error
    return done.stdout


def hears_itself() -> bool:
    """Whether this process records from its own microphone.

    A sound server moves a recording there when the real one is unplugged and no other is left.
    """
    sources = [line.split("\t") for line in pactl("list", "short", "sources").splitlines()]
    ours = {number for number, name, *_ in sources if name in (SOURCE, f"{SINK}.monitor")}
    recordings = pactl("list", "source-outputs").split("Source Output #")
    mine = [text for text in recordings if f'application.process.id = "{os.getpid()}"' in text]
    return any(f"\tSource: {number}\n" in text for text in mine for number in ours)


class PulseSource:
    """While entered, call apps can pick a microphone called "Avatar"; afterwards it is gone.

    A null sink takes the sound; a remapped source shows its monitor, which apps would hide, as a
    microphone. One left behind by a program that was killed is removed first.
    """

    def __init__(self) -> None:
        self._modules: list[str] = []

    def __enter__(self) -> Self:
        self._remove_leftovers()
        self._load(
            "module-null-sink",
            f"sink_name={SINK}",
            f"rate={_SINK_RATE}",
            "channels=1",
            "sink_properties=device.description=Avatar-voice",
        )
        self._load(
            "module-remap-source",
            f"source_name={SOURCE}",
            f"master={SINK}.monitor",
            "source_properties=device.description=Avatar",
        )
        return self

    def _load(self, *module: str) -> None:
        try:
            self._modules.append(pactl("load-module", *module).strip())
        except OutputError:
            self._unload()
            raise

    def _remove_leftovers(self) -> None:
        lines = pactl("list", "short", "modules").splitlines()
        ours = [line for line in lines if f"={SINK}" in line or f"={SOURCE}" in line]
        self._modules = [line.partition("\t")[0] for line in ours]
        self._unload()

    def _unload(self) -> None:
        while self._modules:
            try:
                pactl("unload-module", self._modules.pop())
            except OutputError:
                continue  # The module is gone already, or the server with it.

    def __exit__(self, *_: object) -> None:
        self._unload()


class _SampleSpec(ctypes.Structure):
    _fields_ = (
        ("format", ctypes.c_int),
        ("rate", ctypes.c_uint32),
        ("channels", ctypes.c_uint8),
    )


class _BufferAttributes(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_uint32) for name in ("maxlength", "tlength", "prebuf", "minreq", "fragsize")
    )


def _library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL("libpulse-simple.so.0")
    except OSError as error:
        raise OutputError(f"libpulse-simple is missing: {INSTALL_PACTL}") from error
    handle, failure = ctypes.c_void_p, ctypes.POINTER(ctypes.c_int)
    library.pa_simple_new.restype = handle
    library.pa_simple_get_latency.restype = ctypes.c_uint64
    library.pa_simple_get_latency.argtypes = [handle, failure]
    library.pa_simple_write.argtypes = [handle, ctypes.c_char_p, ctypes.c_size_t, failure]
    library.pa_simple_free.argtypes = [handle]
    return library


class PulseStream:
    """Plays 16 kHz mono into `sink` with 30 ms of buffer. Raises OutputError when it cannot."""

    def __init__(self, sink: str) -> None:
        self._library = _library()
        self._failure = ctypes.c_int()
        spec = _SampleSpec(_S16LE, SAMPLE_RATE, 1)
        buffer = _BufferAttributes(
            maxlength=_SERVER_DECIDES,
            tlength=round(_BUFFER_S * SAMPLE_RATE) * _SAMPLE_BYTES,
            prebuf=0,
            minreq=_SERVER_DECIDES,
            fragsize=_SERVER_DECIDES,
        )
        self._stream = self._library.pa_simple_new(
            None,
            b"SegTalker Live",
            _PLAYBACK,
            sink.encode(),
            b"voice",
            ctypes.byref(spec),
            None,
            ctypes.byref(buffer),
            ctypes.byref(self._failure),
        )
        if not self._stream:
            raise OutputError(f"the sound server does not let us play (code {self._code})")

    @property
    def _code(self) -> int:
        return self._failure.value

    def latency_s(self) -> float:
        """How long from now until a sample written now is heard."""
        latency = self._library.pa_simple_get_latency(self._stream, ctypes.byref(self._failure))
        return int(latency) / 1e6

    def write(self, samples: Sound) -> None:
        """Takes int16 [any]; waits until there is room. Raises OutputError when the sink is gone.

        The global lock of Python is free while it waits.
        """
        data = samples.tobytes()
        failure = ctypes.byref(self._failure)
        if self._library.pa_simple_write(self._stream, data, len(data), failure) < 0:
            raise OutputError(f"the virtual microphone was lost (code {self._code})")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._library.pa_simple_free(self._stream)
