"""Many lives at once, against what an engine of their own shows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from realtime.audio.voice import RestEasing
from realtime.backdrop import Background
from realtime.batched.lives import Lives
from realtime.clock import FRAME_SAMPLES, Sound
from realtime.engine import Engine, Look
from realtime.face import Points
from realtime.frame import Picture
from realtime.head_pose import HeadPose
from realtime.manner import Manner
from tests.avatars import drawn_avatar, untrained_networks

MANNERS = (Manner(), Manner(blinks=2.0, sway=0.3, yaw=-4.0), Manner(blinks=0.0), Manner(roll=3.0))
SEEDS = (0, 7, 7, 2**32)
FRAMES = 500


@dataclass
class Seen:
    """A look that keeps what it is asked to show."""

    pose: HeadPose = field(default_factory=HeadPose)
    blink: float = 0.0

    def show(self, pose: HeadPose, motion: Points, blink: float) -> Picture:
        assert motion.shape[1] == 3
        self.pose, self.blink = pose, blink
        return np.zeros((1, 1, 3), np.uint8)

    def before(self, background: Background) -> Look:
        raise NotImplementedError(background)


class Alone:
    """One session by an engine of its own."""

    def __init__(self, seed: int, manner: Manner) -> None:
        avatar = replace(drawn_avatar(), manner=manner)
        self.engine = Engine(untrained_networks(), avatar, size=(64, 64), seed=seed)
        self.easing = RestEasing()
        self.seen = Seen()
        self.engine._look = self.seen

    def ask(self, manner: Manner) -> None:
        self.engine = self.engine.changed(replace(self.engine.outfit, manner=manner))

    def step(self, sound: Sound) -> tuple[float, HeadPose, float]:
        self.engine.step(sound)
        return float(self.easing.push(sound[None])[0]), self.seen.pose, self.seen.blink


def voices(frames: int) -> Sound:
    """Speech-like noise that comes and goes, differently for each: int16 [frames, N, 640]."""
    random = np.random.default_rng(0)
    loud = 3000 * (np.sin(np.arange(frames)[:, None] / 40 + np.arange(len(SEEDS))) > 0)
    noise = random.standard_normal((frames, len(SEEDS), FRAME_SAMPLES))
    return (loud[..., None] * noise).astype(np.int16)


def test_each_lives_as_alone() -> None:
    lives = Lives(SEEDS, MANNERS)
    alone = [Alone(seed, manner) for seed, manner in zip(SEEDS, MANNERS, strict=True)]
    blinked = 0
    for frame, sounds in enumerate(voices(FRAMES)):
        if frame in (60, 200, 290):
            for session, manner in enumerate(np.roll(np.array(MANNERS), 1 + frame % 7)):
                lives.ask(session, manner)
                alone[session].ask(manner)
        if frame == 250:
            lives.begin(2, 11, MANNERS[1])
            alone[2] = Alone(11, MANNERS[1])
        bearing = lives.step(sounds)
        assert {each.dtype for each in vars(bearing).values()} == {np.dtype(np.float32)}
        for session, sound in enumerate(sounds):
            gain, pose, blink = alone[session].step(sound)
            assert bearing.gain[session] == np.float32(gain)
            assert bearing.blink[session] == np.float32(blink)
            np.testing.assert_allclose(bearing.pose[session], pose.as_vector(), atol=1e-6)
            blinked += blink == 1
    assert blinked > 20


def test_sound_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 4 frames of 640 samples"):
        Lives(SEEDS, MANNERS).step(np.zeros((3, FRAME_SAMPLES), np.int16))
