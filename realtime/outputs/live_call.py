"""A call while it runs: the loop between a microphone, its outputs, and the user's keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from realtime.audio.microphone import SoundSource
from realtime.clock import FRAME_MS
from realtime.outputs.feed import Feed
from realtime.outputs.keys import Keys
from realtime.outputs.live_loop import LiveLoop
from realtime.outputs.live_view import CpuMeter, Health
from realtime.outputs.playout import Playout
from realtime.outputs.wardrobe import Wardrobe

# Longer than the microphone's 10 ms blocks, shorter than a frame: silence is filled in on time.
_WAIT_S = 0.02
# By how many degrees of yaw, pitch and roll a key turns the head, as the user sees it.
_TURNS = {
    "left": (-2.0, 0.0, 0.0),
    "right": (2.0, 0.0, 0.0),
    "up": (0.0, -2.0, 0.0),
    "down": (0.0, 2.0, 0.0),
    ",": (0.0, 0.0, -2.0),
    ".": (0.0, 0.0, 2.0),
}


class LiveCall:
    """Runs `loop` until q is pressed; what goes wrong and what is mended is told to `report`."""

    def __init__(
        self,
        loop: LiveLoop,
        microphone: SoundSource,
        feeds: Sequence[Feed],
        playout: Playout | None,
        wardrobe: Wardrobe,
        report: Callable[[str], None],
        lookahead_ms: int,
    ) -> None:
        self._loop = loop
        self._microphone = microphone
        self._feeds = feeds
        self._playout = playout
        self._wardrobe = wardrobe
        self._report = report
        self._lookahead_ms = lookahead_ms
        self._was_lost = False
        self._ended = False
        self._cpu = CpuMeter()

    def run(self, keys: Keys) -> None:
        """Returns when the user ends the call."""
        while not self._ended:
            if (engine := self._wardrobe.changed()) is not None:
                self._loop.change(engine)
            self._loop.tick(self._microphone.read(_WAIT_S))
            self._tell_of_microphone()
            for key in keys.read():
                self._obey(key)

    def _tell_of_microphone(self) -> None:
        lost = self._microphone.lost
        if lost != self._was_lost:
            self._report(
                "the microphone was lost; the picture goes on" if lost else "the microphone is back"
            )
        self._was_lost = lost

    def _obey(self, key: str) -> None:
        if key == "p":
            self._loop.pause(not self._loop.paused)
        elif key == "m":
            self._loop.muted = not self._loop.muted
        elif key == "a":
            self._wardrobe.next_avatar()
        elif key == "b":
            self._wardrobe.next_background()
        elif key in _TURNS:
            self._wardrobe.turn(*_TURNS[key])
        elif key == "0":
            self._wardrobe.face_front()
        elif key == "q":
            self._ended = True

    def health(self) -> Health:
        """The state for the live view; may be asked from another thread."""
        loop = self._loop
        return Health(
            look=str(self._wardrobe.wish),
            preparing=self._wardrobe.preparing,
            paused=loop.paused,
            muted=loop.muted,
            microphone_lost=self._microphone.lost,
            delay_ms=FRAME_MS + self._lookahead_ms + 1000 * loop.output_delay_s,
            level_dbfs=loop.level_dbfs,
            cpu_percent=self._cpu.percent(),
            frames=loop.frames,
            skipped=loop.intake.skipped,
            filled=loop.intake.filled,
            overflows=self._microphone.overflows,
            gaps=self._playout.underruns if self._playout else 0,
            pictures_dropped=loop.left_out + sum(feed.dropped for feed in self._feeds),
        )
