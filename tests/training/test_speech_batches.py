"""Crops: targets belong to their sound, and augmentation keeps the words."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.audio.mel import BANDS, FLOOR, HOPS_PER_FRAME, SILENCE
from realtime.models.lip_code import CODES
from realtime.training.sound_augment import augment
from realtime.training.speech_batches import FRAMES, LEAD_HOPS, Source, draw
from realtime.training.speech_corpus import Recording

HOPS = 2000


def _recording(anchored: bool) -> Recording:
    """Sound, phones and motion that all tell the hop they belong to."""
    hop = np.arange(HOPS)
    motion = np.full((HOPS, CODES), np.nan, np.float16)
    clips = [("a", 102, 400), ("b", 700, 1200)]
    if anchored:
        for _, start, hops in clips:
            known = hop[start + HOPS_PER_FRAME // 2 : start + hops : HOPS_PER_FRAME]
            motion[known] = known[:, None]
    else:
        motion[:] = hop[:, None]
    mel = np.full((HOPS, BANDS), SILENCE, np.float16)
    return Recording("r", mel, (hop % 40).astype(np.uint8), motion, clips, anchored)


@pytest.mark.parametrize("anchored", [False, True])
def test_targets_belong_to_the_instant_of_the_frame(anchored: bool) -> None:
    batch = draw(np.random.default_rng(0), [Source([_recording(anchored)], 1.0)], 16)
    assert batch.motion.shape == (16, FRAMES, CODES)
    known = ~batch.motion[..., 0].isnan()
    assert known.float().mean() > 0.7
    at = batch.motion[..., 0].nan_to_num().long()
    assert (((at - LEAD_HOPS) % 40 == batch.phone) | ~known).all()
    assert ((at % 40 == batch.spoken) | ~known).all()
    both = known[:, 1:] & known[:, :-1]
    assert ((at.diff() == HOPS_PER_FRAME) | ~both | (at.diff() > 100)).all()


def test_the_same_seed_draws_the_same_batch() -> None:
    source = [Source([_recording(False)], 1.0)]
    first, second = (draw(np.random.default_rng(3), source, 4) for _ in range(2))
    assert (first.mel == second.mel).all()
    assert (first.phone == second.phone).all()


def _speech() -> np.ndarray:
    """A loud band that moves up and down, over a quiet floor."""
    mel = np.full((8, 300, BANDS), SILENCE, np.float32)
    for t in range(300):
        centre = 40 + round(25 * np.sin(t / 15))
        mel[:, t, centre - 2 : centre + 3] = -2
    return mel


def test_augmentation_keeps_the_course_of_the_sound() -> None:
    mel = _speech()
    other = augment(np.random.default_rng(0), mel.copy())
    assert other.shape == mel.shape
    assert np.isfinite(other).all()
    assert other.min() >= np.log(FLOOR) - 1e-3
    for before, after in zip(mel, other, strict=True):
        peaks = np.corrcoef(before.argmax(1), after.argmax(1))[0, 1]
        assert peaks > 0.8
