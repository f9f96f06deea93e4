"""A stream of a sound card that is opened again after its device was lost."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from realtime.audio.portaudio import PortAudio
from realtime.audio.watch import Watch
from realtime.errors import InputError
from realtime.worker import Worker

_CHECK_S = 0.25


class KeptStream(Worker):
    """Opens its stream when it is made, and again every second while the device is quiet.

    Callbacks tell `_watch` that the device lives. With `rescan` devices are looked for anew, which
    ends every other stream, too: see PortAudio.rescan.
    """

    def __init__(
        self, name: str, card: PortAudio, clock: Callable[[], float], *, rescan: bool
    ) -> None:
        super().__init__(name)
        self._card = card
        self._clock = clock
        self._rescan = rescan
        self._watch = Watch(clock())
        self._stream = self._open()

    @abstractmethod
    def _open(self) -> Any:
        """The stream, started; raises InputError."""

    @property
    def lost(self) -> bool:
        """True while the device neither gives nor takes."""
        return self._watch.lost(self._clock())

    def look_after(self) -> None:
        """Opens the stream again if it has been quiet for too long; called all the time."""
        if not self._watch.should_reopen(self._clock()):
            return
        self._card.close(self._stream)
        if self._rescan:
            self._card.rescan()
        # Still gone is no news: the watch lets us try again in a second.
        with suppress(InputError):
            self._stream = self._open()

    def _work(self) -> None:
        while not self._ended.wait(_CHECK_S):
            self.look_after()

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self._card.close(self._stream)
