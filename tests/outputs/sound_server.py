"""A private PulseAudio daemon, and recordings whose samples know when they arrived."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import pytest

from realtime.clock import SAMPLE_RATE, Sound
from realtime.outputs.pulse import pactl

ROOM = "room"
_ROOM_MODULE = ("module-null-sink", f"sink_name={ROOM}", f"rate={SAMPLE_RATE}", "channels=1")
_TOOLS = ("pulseaudio", "pactl", "pacat", "parec")
_RAW = ("--raw", "--format=s16le", f"--rate={SAMPLE_RATE}", "--channels=1")
_START_S = 20.0
_PIECE_BYTES = 160
_KEPT_S = 15.0
_MISSING = [tool for tool in _TOOLS if shutil.which(tool) is None]

needs_pulse = pytest.mark.skipif(bool(_MISSING), reason=f"not installed: {', '.join(_MISSING)}")


class SoundServer:
    """A daemon that can be ended and started again. Its one sink is the room."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self.start()

    def start(self) -> None:
        arguments = ("-n", "--system=false", "--daemonize=no", "--exit-idle-time=-1")
        module = f"module-native-protocol-unix auth-anonymous=1 socket={self._socket}"
        self._daemon = subprocess.Popen(
            ["pulseaudio", *arguments, f"--log-target=file:{os.devnull}", "-L", module],
            stderr=subprocess.DEVNULL,
        )
        self._wait_for_answer()
        self.plug_in()

    def stop(self) -> None:
        self._daemon.terminate()
        self._daemon.wait(_START_S)

    def plug_in(self) -> None:
        """The room is there (again)."""
        self._room = pactl("load-module", *_ROOM_MODULE).strip()

    def unplug(self) -> None:
        """The room is gone, and with it the microphone in it."""
        pactl("unload-module", self._room)

    @staticmethod
    def _wait_for_answer() -> None:
        deadline = time.monotonic() + _START_S
        while subprocess.run(["pactl", "info"], capture_output=True, check=False).returncode:
            assert time.monotonic() < deadline, "pulseaudio does not start"
            time.sleep(0.1)


@contextmanager
def sound_server(patch: pytest.MonkeyPatch) -> Iterator[SoundServer]:
    """A server that only this process and its children see; the room is their microphone."""
    # A socket's path may have 107 bytes: pytest's own temporary folders can be too deep.
    with tempfile.TemporaryDirectory(prefix="pulse") as folder:
        socket = Path(folder) / "socket"
        patch.setenv("HOME", folder)
        patch.setenv("XDG_RUNTIME_DIR", folder)
        patch.setenv("PULSE_SERVER", f"unix:{socket}")
        patch.setenv("PULSE_SOURCE", f"{ROOM}.monitor")
        server = SoundServer(socket)
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def played(sound: Sound, sink: str) -> Iterator[None]:
    """Plays int16 [any] into `sink` meanwhile, over and over."""
    player = subprocess.Popen(
        ["pacat", *_RAW, f"--device={sink}", "--latency-msec=20"], stdin=subprocess.PIPE
    )
    assert player.stdin is not None
    writer = threading.Thread(target=_write, args=(player.stdin, sound.tobytes()), daemon=True)
    writer.start()
    try:
        yield
    finally:
        player.terminate()
        player.wait()
        writer.join()


def _write(pipe: IO[bytes], data: bytes) -> None:
    try:
        with pipe:
            while True:
                pipe.write(data)
    except BrokenPipeError:
        return  # The player was ended, or its sink unplugged.


class Heard(NamedTuple):
    """Sound int16 [any] whose sample n was there at `start + n / 16000`, s."""

    sound: Sound
    start: float


class Recorder:
    """Records a source meanwhile, and keeps its last 15 seconds."""

    def __init__(self, source: str) -> None:
        self._process = subprocess.Popen(
            ["parec", *_RAW, f"--device={source}", "--latency-msec=10"], stdout=subprocess.PIPE
        )
        kept = round(_KEPT_S * SAMPLE_RATE * 2 / _PIECE_BYTES)
        self._pieces = deque[tuple[float, bytes]](maxlen=kept)
        self._lock = threading.Lock()
        self._arrived = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as pipe:
            while piece := pipe.read(_PIECE_BYTES):
                with self._lock:
                    self._pieces.append((time.monotonic(), piece))
                self._arrived.set()

    def suspend(self, suspended: bool) -> None:
        self._process.send_signal(signal.SIGSTOP if suspended else signal.SIGCONT)

    def heard(self) -> Heard:
        """Arrivals are late by chance and never early: the least late ones tell the time.

        The first seconds are left out: the server gives what had piled up.
        """
        with self._lock:
            times, pieces = zip(*self._pieces, strict=True)
        ends = np.cumsum([len(piece) // 2 for piece in pieces]) / SAMPLE_RATE
        starts = (np.array(times) - ends)[len(times) // 3 :]
        sound = np.frombuffer(b"".join(pieces), np.int16)
        return Heard(sound, float(np.quantile(starts, 0.02)))

    def __enter__(self) -> Recorder:
        """Waits until the server sends sound: an idle null sink takes two seconds to wake."""
        if not self._arrived.wait(_START_S):
            self.__exit__()
            raise AssertionError("expected pulseaudio to record, found no sound")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        self._thread.join()
