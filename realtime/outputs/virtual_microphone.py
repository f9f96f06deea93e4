"""The microphone a call app hears: the voice, exactly as late as the picture.

A voice takes the sound of each frame and says when it will be heard; the frame's picture is shown
then. So the delay is not set by anybody, it is measured at every frame.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

from realtime.audio.kept_stream import KeptStream
from realtime.audio.portaudio import Moment, PortAudio
from realtime.audio.watch import RETRY_S
from realtime.clock import SAMPLE_RATE, Sound
from realtime.errors import InputError, OutputError
from realtime.outputs.playout import Playout
from realtime.outputs.pulse import SINK, PulseSource, PulseStream, hears_itself
from realtime.worker import Worker

_CHUNK_SAMPLES = SAMPLE_RATE // 100
LOOPBACKS = {"darwin": "BlackHole", "win32": "CABLE Input"}
INSTALL_LOOPBACK = {
    "darwin": "brew install blackhole-2ch; in the call app pick BlackHole 2ch as microphone",
    "win32": "install VB-CABLE from https://vb-audio.com/Cable; in the call app pick CABLE Output "
    "as microphone",
}


class PulseVoice(Worker):
    """Linux: makes the microphone "Avatar" and plays into it from a thread of its own.

    Raises OutputError at the start; when the sound server goes later, `report` is told and the
    microphone is made anew every second until it is back.
    """

    def __init__(
        self, report: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__("voice")
        self.playout = Playout()
        self._report = report
        self._clock = clock
        self._parts = ExitStack()
        self._stream = self._open()

    def hears_itself(self) -> bool:
        """Whether the program's microphone has become this one."""
        with suppress(OutputError):  # Told by the thread that plays.
            return hears_itself()
        return False

    def _open(self) -> PulseStream:
        with ExitStack() as parts:
            parts.enter_context(PulseSource())
            stream = parts.enter_context(PulseStream(SINK))
            self._parts = parts.pop_all()
        return stream

    def _work(self) -> None:
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

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self._parts.close()


class LoopbackVoice(KeptStream):
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
        self._name = name
        try:
            super().__init__("voice", card, clock, rescan=False)
        except InputError as error:
            raise OutputError(f"no virtual microphone: {install} ({error})") from error

    def _open(self) -> Any:
        return self._card.open_output(self._card.find(self._name, "output"), self._give)

    def hears_itself(self) -> bool:
        """Never: nobody else chooses devices here."""
        return False

    def _give(self, count: int, moment: Moment) -> Sound:
        now = self._clock()
        self._watch.sign(now)
        return self.playout.pull(count, now + moment.ahead_s)


Voice = PulseVoice | LoopbackVoice


def open_voice(
    card: PortAudio, report: Callable[[str], None], platform: str = sys.platform
) -> Voice:
    """The virtual microphone of this system; raises OutputError, which says what to do."""
    if platform in LOOPBACKS:
        return LoopbackVoice(card, LOOPBACKS[platform], INSTALL_LOOPBACK[platform])
    return PulseVoice(report)
