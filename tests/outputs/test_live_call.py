from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from realtime.clock import FRAME_SAMPLES, Sound
from realtime.frame import Frame
from realtime.outputs.live_call import LiveCall
from realtime.outputs.live_loop import LiveLoop
from realtime.outputs.wardrobe import Clothes, Wardrobe
from tests.engines import EchoEngine
from tests.outputs.at_once import AtOnce


class Kept:
    """A sink that keeps frames."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    def put(self, frame: Frame, due: float) -> None:
        del due
        self.frames.append(frame)


class Microphone:
    """Gives a loud frame at every reading, or nothing where `there` says so."""

    overflows = 3

    def __init__(self, there: list[bool]) -> None:
        self._there = there
        self.lost = False

    def read(self, timeout_s: float) -> Sound:
        assert 0 < timeout_s <= 0.04
        self.lost = not self._there.pop(0)
        return np.full(0 if self.lost else FRAME_SAMPLES, 5000, np.int16)


class Keys:
    """Some keys at every reading."""

    def __init__(self, pressed: Sequence[Sequence[str]]) -> None:
        self._pressed = list(pressed)

    def read(self) -> Sequence[str]:
        return self._pressed.pop(0)


def call(there: list[bool], pressed: Sequence[Sequence[str]]) -> tuple[LiveCall, Kept, list[str]]:
    kept, told = Kept(), list[str]()
    loop = LiveLoop(EchoEngine(), [kept], None, lambda: 0.0)
    clothes = Clothes(lambda _: EchoEngine(start=100), ["ava", "max"])
    wardrobe = Wardrobe(clothes, AtOnce(), told.append)
    made = LiveCall(loop, Microphone(there), [], None, wardrobe, told.append, lookahead_ms=80)
    made.run(Keys(pressed))
    return made, kept, told


def test_keys_pause_mute_and_end() -> None:
    made, kept, _ = call([True] * 6, ["", "m", "m", "p", "p", "q"])
    assert [int(frame.sound.max()) for frame in kept.frames] == [5000, 5000, 0, 5000, 0, 5000]
    assert not made.health().paused


def test_another_avatar_is_shown_from_the_next_frame_on() -> None:
    made, kept, _ = call([True] * 4, ["", "a", "", "q"])
    assert [int(frame.image[0, 0, 0]) for frame in kept.frames] == [0, 1, 100, 101]
    assert made.health().look == "max, own background"


def test_arrows_turn_the_head_and_0_faces_front() -> None:
    keys = [["right"], ["up"], ["."], "", "q"]
    made, _, _ = call([True] * 5, keys)
    assert made.health().look == "ava, own background, yaw +2°, pitch -2°, roll +2°"
    made, _, _ = call([True] * 5, [["left"], ["down"], "0", "", "q"])
    assert made.health().look == "ava, own background"


def test_a_microphone_lost_and_back_is_told_once_each() -> None:
    _, _, told = call([True, False, False, True, True], ["", "", "", "", "q"])
    assert told == ["the microphone was lost; the picture goes on", "the microphone is back"]


def test_health_is_that_of_the_call() -> None:
    made, _, _ = call([True, True], ["", "mq"])
    health = made.health()
    assert (health.frames, health.overflows, health.muted) == (2, 3, True)
    assert health.delay_ms == 120
    assert -17 < health.level_dbfs < -16
