"""The microphone a call app hears: the voice, exactly as late as the picture.

A voice takes the sound of each frame and says when it will be heard; the frame's picture is shown
then. So the delay is not set by anybody, it is measured at every frame.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Any, Protocol, Self

from realtime.audio.portaudio import Moment, PortAudio
from realtime.audio.watch import RETRY_S, Watch
from realtime.clock import SAMPLE_RATE, Sound
from realtime.errors import InputError, OutputError
from realtime.outputs.playout import Playout
from realtime.outputs.pulse import SINK, PulseSource, PulseStream

_CHUNK_SAMPLES = SAMPLE_RATE // 100
_CHECK_S = 0.25
LOOPBACKS = {"darwin": "BlackHole", "win32": "CABLE Input"}
INSTALL_LOOPBACK = {
    "darwin": "brew install blackhole-2ch; in the call app pick BlackHole 2ch as microphone",
    "win32": "install VB-CABLE from https://vb-audio.com/Cable; in the call app pick CABLE Output "
    "as microphone",
}


class Voice(Protocol):
    """Where the sound of frames is heard; a context."""

    @property
    def playout(self) -> Playout:
        """What waits to be heard, and its counters."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class PulseVoice:
    """Linux: makes the microphone "Avatar" and plays into it from a thread of its own.

    Raises OutputError at the start; when the sound server goes later, `report` is told and the
    microphone is made anew every second until it is back.
    """

    def __init__(
        self, report: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.playout = Playout()
        self._report = report
        self._clock = clock
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="voice", daemon=True)
        self._parts = ExitStack()
        self._stream = self._open()

    def _open(self) -> PulseStream:
        with ExitStack() as parts:
            parts.enter_context(PulseSource())
            stream = parts.enter_context(PulseStream(SINK))
            self._parts = parts.pop_all()
        return stream

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._play()
            except OutputError as error:
                self._report(f"{error}; trying again")
                self._reopen()

    def _play(self) -> None:
        while not self._ended.is_set():
            heard_at = self._clock() + self._stream.latency_s()
            self._stream.write(self.playout.pull(_CHUNK_SAMPLES, heard_at))

    def _reopen(self) -> None:
        self._parts.close()
        while not self._ended.wait(RETRY_S):
            try:
                self._stream = self._open()
            except OutputError:
                continue  # Still gone, which was reported.
            self._report("the virtual microphone is back")
            return

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._parts.close()


class LoopbackVoice:
    """macOS and Windows: plays into a loopback device by name, and reopens it when it goes quiet.

    Raises OutputError, which says what to install, when there is no such device.
    """

    def __init__(
        self,
        card: PortAudio,
        name: str,
        install: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.playout = Playout()
        self._card = card
        self._name = name
        self._clock = clock
        self._watch = Watch(clock())
        self._ended = threading.Event()
        self._keeper = threading.Thread(target=self._keep_open, name="voice", daemon=True)
        try:
            self._stream = self._open()
        except InputError as error:
            raise OutputError(f"no virtual microphone: {install} ({error})") from error

    def _open(self) -> Any:
        self._watch.sign(self._clock())
        return self._card.open_output(self._card.find(self._name, "output"), self._give)

    def _give(self, count: int, moment: Moment) -> Sound:
        now = self._clock()
        self._watch.sign(now)
        return self.playout.pull(count, now + moment.ahead_s)

    def _keep_open(self) -> None:
        while not self._ended.wait(_CHECK_S):
            self.look_after()

    def look_after(self) -> None:
        """Opens the device again if it has been quiet for too long; called all the time."""
        if not self._watch.should_reopen(self._clock()):
            return
        self._card.close(self._stream)
        # Still gone is no news: the watch lets us try again in a second.
        with suppress(InputError):
            self._stream = self._open()

    def __enter__(self) -> Self:
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


def open_voice(
    card: PortAudio, report: Callable[[str], None], platform: str = sys.platform
) -> Voice:
    """The virtual microphone of this system; raises OutputError, which says what to do."""
    if platform in LOOPBACKS:
        return LoopbackVoice(card, LOOPBACKS[platform], INSTALL_LOOPBACK[platform])
    return PulseVoice(report)
