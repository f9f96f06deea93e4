"""Cepstra are those of python_speech_features 0.6, whose figures stand here."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.clock import Sound
from realtime.measure.mfcc import CEPSTRA, mfcc


def tones() -> Sound:
    """A sweep and a steady tone, interrupted by digital silence."""
    t = np.arange(8000)
    sweep = 6000 * np.sin(2 * np.pi * (200 + 0.02 * t) * t / 16000)
    sound: Sound = (sweep + 3000 * np.sin(2 * np.pi * 1500 * t / 16000)).astype(np.int16)
    sound[3000:4200] = 0
    return sound


def test_figures_are_the_published_ones() -> None:
    found = mfcc(tones())
    assert found.shape == (49, CEPSTRA)
    first = [
        *(19.58922794, 10.03973063, -17.51872137, 3.69716121, 39.52735352, 23.96538926),
        *(-25.10248796, -35.65078997, -2.68145224, 6.21890905, -24.72884908, -41.53036644),
        -18.65743765,
    ]
    assert found[0] == pytest.approx(first, rel=1e-6)
    assert found[10, :3] == pytest.approx([19.64216948, 15.22801398, -19.53080551], rel=1e-6)
    assert found[22] == pytest.approx([np.log(np.finfo(float).eps)] + 12 * [0], abs=1e-9)


@pytest.mark.parametrize(("samples", "rows"), [(1, 1), (400, 1), (401, 2), (560, 2), (640, 3)])
def test_the_last_window_is_filled_up(samples: int, rows: int) -> None:
    assert mfcc(np.ones(samples, np.int16)).shape == (rows, CEPSTRA)
