"""A private PulseAudio daemon, and recordings whose samples know when they arrived."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import pytest

from realtime.clock import SAMPLE_RATE, Sound

ROOM = "room"
_TOOLS = ("pulseaudio", "pactl", "pacat", "parec")
_RAW = ("--raw", "--format=s16le", f"--rate={SAMPLE_RATE}", "--channels=1")
_START_S = 20.0
_PIECE_BYTES = 160
_MISSING = [tool for tool in _TOOLS if shutil.which(tool) is None]

needs_pulse = pytest.mark.skipif(bool(_MISSING), reason=f"not installed: {', '.join(_MISSING)}")


class SoundServer:
    """A daemon that can be ended and started again. Its one sink is the room."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self.start()

    def start(self) -> None:
        arguments = ("-n", "--system=false", "--daemonize=no", "--exit-idle-time=-1")
        modules = (
            f"module-native-protocol-unix auth-anonymous=1 socket={self._socket}",
            f"module-null-sink sink_name={ROOM} rate={SAMPLE_RATE} channels=1",
        )
        loads = [word for module in modules for word in ("-L", module)]
        self._daemon = subprocess.Popen(
            ["pulseaudio", *arguments, f"--log-target=file:{os.devnull}", *loads],
            stderr=subprocess.DEVNULL,
        )
        self._wait_for_answer()

    def stop(self) -> None:
        self._daemon.terminate()
        self._daemon.wait(_START_S)

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
    """Plays int16 [any] into `sink` meanwhile."""
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
            pipe.write(data)
    except BrokenPipeError:
        return  # The player was ended before the sound was.


class Recorder:
    """Records a source. Sample n of `sound()` was there at `start() + n / 16000`, s."""

    def __init__(self, source: str) -> None:
        self._process = subprocess.Popen(
            ["parec", *_RAW, f"--device={source}", "--latency-msec=10"], stdout=subprocess.PIPE
        )
        self._pieces: list[tuple[float, bytes]] = []
        self._arrived = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as pipe:
            while piece := pipe.read(_PIECE_BYTES):
                self._pieces.append((time.monotonic(), piece))
                self._arrived.set()

    def wait(self) -> None:
        """Until the server sends sound: an idle null sink takes two seconds to wake."""
        assert self._arrived.wait(_START_S), "pulseaudio records nothing"

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()
        self._thread.join()

    def sound(self) -> Sound:
        return np.frombuffer(b"".join(piece for _, piece in self._pieces), np.int16)

    def start(self) -> float:
        """Arrivals are late by chance and never early: the least late ones tell the time.

        The first seconds are left out: the server gives what had piled up.
        """
        ends = np.cumsum([len(piece) // 2 for _, piece in self._pieces]) / SAMPLE_RATE
        starts = np.array([when for when, _ in self._pieces]) - ends
        return float(np.quantile(starts[len(starts) // 3 :], 0.02))
