"""Figures of the lips: the lag that was put in is the lag that is found."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.audio.sources import read_sound
from realtime.clock import LOOKAHEADS_MS
from realtime.commands.common import ASSETS
from realtime.measure.lips import best_lag, sync_figures
from realtime.models.networks import Networks
from realtime.models.syncnet import load_syncnet
from realtime.models.weights import load_weights
from tests.faces import drawn_face


def _course(delay_ms: float) -> np.ndarray:
    t = np.arange(200) * 40 - delay_ms
    return np.asarray(np.sin(t / 90) + np.sin(t / 210 + 1), np.float32)


@pytest.mark.parametrize("lag_ms", [-80, -20, 0, 30, 120])
def test_a_known_lag_is_found(lag_ms: int) -> None:
    correlation, found = best_lag(_course(lag_ms), _course(0))
    assert found == pytest.approx(lag_ms, abs=5)
    assert correlation > 0.99


def test_gaps_in_the_reference_are_left_out() -> None:
    reference = _course(0)
    reference[50:90] = np.nan
    assert best_lag(_course(40), reference)[1] == pytest.approx(40, abs=5)


def test_what_a_face_says_fits_at_every_lookahead() -> None:
    sound = read_sound(ASSETS / "speech.opus")[:80_000]
    networks, face = Networks.restore(load_weights()), drawn_face(0.0)
    found = sync_figures(networks, load_syncnet(), face, [sound])
    assert found.keys() == {f"sync_{ms}" for ms in LOOKAHEADS_MS}
    assert min(found.values()) > 0.15
