"""A call on a fake clock: microphone, sound card and camera are events, nothing waits."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from realtime.audio.ring import Ring
from realtime.clock import FRAME_SAMPLES, SAMPLE_RATE, Sound
from realtime.frame import Frame
from realtime.outputs.live_loop import LiveLoop
from realtime.outputs.playout import Playout
from realtime.outputs.schedule import Schedule

_CHUNK = SAMPLE_RATE // 100
_CHUNK_S = _CHUNK / SAMPLE_RATE
_CODES = 30_000  # A frame's sound is one constant value that tells its number.
_PICTURE = np.zeros((2, 2, 3), np.uint8)
Fault = Literal["late", "lost", "slow", "card blocked", "camera blocked"]
Faults = Mapping[Fault, tuple[float, float]]  # From when to when, s.


@dataclass
class World:
    """Everything that happens, in order.

    `microphone_ppm` and `card_ppm` are how much faster than true time the devices' clocks run.
    While "late", the microphone keeps its samples and gives them all at the end; while "lost",
    they are gone. A step of the engine takes `step_s`, or a millisecond where the picture is the
    one before; begun while "slow", until the fault's end.
    """

    microphone_ppm: float = 0.0
    card_ppm: float = 0.0
    rate: int = 25
    card_latency_s: float = 0.03
    step_s: float = 0.01
    faults: Faults = field(default_factory=dict)
    now: float = 0.0
    size: tuple[int, int] = (2, 2)
    captured: list[float] = field(default_factory=list)
    repeated: set[int] = field(default_factory=set)
    shown: dict[int, float] = field(default_factory=dict)
    heard: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = 0
        self._ring = Ring(SAMPLE_RATE // 2)
        self._held: list[Sound] = []
        self.playout = Playout()
        self.schedule = Schedule(self.rate)
        self.loop = LiveLoop(self, [self.schedule], self.playout, lambda: self.now)
        self._at(_CHUNK_S, self._microphone)
        self._at(0.003, self._card)

    # What the loop takes for its engine.

    def step(self, samples: Sound, *, fresh: bool = True) -> Frame:
        """Takes its time; remembers when the first of these samples was spoken."""
        del samples
        index = len(self.captured)
        self.captured.append(self.now - FRAME_SAMPLES / SAMPLE_RATE)
        if not fresh:
            self.repeated.add(index)
        step_s = self.step_s if fresh else 0.001
        busy_until = self.faults["slow"][1] if self._during("slow") else self.now + step_s
        self.run_until(busy_until)
        return Frame(index, _PICTURE, np.full(FRAME_SAMPLES, index % _CODES + 1, np.int16))

    def reset(self) -> None:
        """Nothing to forget."""

    # Time.

    def run(self, seconds: float) -> None:
        """The program's own loop: it wakes for samples, and every 20 ms without any."""
        end = self.now + seconds
        while self.now < end:
            wake = self.now + 0.02
            while self.now < wake and not self._ring.waiting:
                self.run_until(min(wake, self._events[0][0]))
            self.loop.tick(self._ring.read())

    def run_until(self, moment: float) -> None:
        """Lets everything happen that is not the program's own loop."""
        while self._next_moment() <= moment:
            due = self.schedule.next_due()
            if due is not None and due <= self._events[0][0] and not self._camera_is_blocked(due):
                self.now = max(self.now, due)
                self._camera()
            else:
                when, _, what = heapq.heappop(self._events)
                self.now = max(self.now, when)
                what()
        self.now = max(self.now, moment)

    def _next_moment(self) -> float:
        due = self.schedule.next_due()
        if due is None or self._camera_is_blocked(due):
            return self._events[0][0]
        return min(due, self._events[0][0])

    def _camera_is_blocked(self, due: float) -> bool:
        start, end = self.faults.get("camera blocked", (0.0, 0.0))
        return start <= max(due, self.now) < end

    def _during(self, fault: Fault) -> bool:
        start, end = self.faults.get(fault, (0.0, 0.0))
        return start <= self.now < end

    def _at(self, when: float, what: Callable[[], None]) -> None:
        self._order += 1
        heapq.heappush(self._events, (when, self._order, what))

    # The devices.

    def _microphone(self) -> None:
        samples = np.ones(_CHUNK, np.int16)
        if self._during("late"):
            self._held.append(samples)
        elif not self._during("lost"):
            for held in self._held:
                self._ring.write(held)
            self._held.clear()
            self._ring.write(samples)
        self._at(self.now + _CHUNK_S / (1 + self.microphone_ppm * 1e-6), self._microphone)

    def _card(self) -> None:
        if self._during("card blocked"):
            self._at(self.faults["card blocked"][1], self._card)
            return
        heard_at = self.now + self.card_latency_s
        samples = self.playout.pull(_CHUNK, heard_at)
        self._hear(int(samples[0]), heard_at)
        if samples[0] != samples[-1]:
            place = int(np.flatnonzero(samples == samples[-1])[0])
            self._hear(int(samples[-1]), heard_at + place / SAMPLE_RATE)
        self._at(self.now + _CHUNK_S / (1 + self.card_ppm * 1e-6), self._card)

    def _hear(self, code: int, heard_at: float) -> None:
        """10 ms hold one frame's code, or two; 0 is silence."""
        if code:
            newest = len(self.captured) - 1
            self.heard.setdefault(newest - (newest - (code - 1)) % _CODES, heard_at)

    def _camera(self) -> None:
        frame = self.schedule.pop(self.now)
        if frame is not None and frame.index not in self.repeated:
            self.shown.setdefault(frame.index, self.now)

    # What is measured.

    def early_s(self, start: float, end: float) -> list[float]:
        """By how much each frame's sound, heard in that span, came before its picture."""
        return [
            self.shown[index] - heard
            for index, heard in self.heard.items()
            if start <= heard < end and index in self.shown
        ]

    def delays_s(self, start: float, end: float) -> list[float]:
        """From speaking to hearing, for each frame heard in that span."""
        return [
            heard - self.captured[index]
            for index, heard in self.heard.items()
            if start <= heard < end
        ]
