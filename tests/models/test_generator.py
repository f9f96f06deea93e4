"""The generator: how its heads and the plate compose."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from realtime.face import LIPS_WINDOW, MOUTH_WINDOW, within
from realtime.models.generator import around_lips, compose, cut, to_lips
from realtime.regions import REGIONS, Region


def planes(count: int) -> torch.Tensor:
    return torch.zeros(1, count, 96, 112)


def test_inside_is_the_lit_plate_in_the_mouth_and_paint_elsewhere() -> None:
    mask = planes(REGIONS)
    mask[:, Region.MOUTH, 40:50] = 1
    mask[:, Region.SKIN] = 1 - mask[:, Region.MOUTH]
    plate = torch.full((1, 3, 96, 112), 0.6)
    flow, matte, inside = compose(torch.zeros(1, 7, 40, 40), planes(7), mask, plate)
    assert float(inside[0, 0, 45, 10]) == pytest.approx(0.6 * 1.2 / (1 + np.exp(-1)), rel=1e-5)
    assert float(inside[0, 0, 0, 0]) == 0.5
    assert float(matte[0, 0, 45, 50]) == 0.5
    assert not flow.any()


def test_the_lips_window_comes_in_softly() -> None:
    near = planes(7)
    near[:, 3:5] = 8.0
    flow, matte, _ = compose(torch.zeros(1, 7, 40, 40), near, planes(REGIONS), planes(3))
    rows, columns = within(LIPS_WINDOW, MOUTH_WINDOW)
    assert float(flow[0, :, rows, columns].max()) == 8.0
    for plane in (*flow[0] / 8, 2 * around_lips(matte)[0, 0]):
        steps = [plane.diff(dim=dim).abs().max() for dim in (0, 1)]
        assert float(max(steps)) <= 1 / 8
    outside = flow.clone()
    outside[..., rows, columns] = 0
    assert not outside.any()


def test_a_window_between_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match="multiples of 16"):
        cut(torch.zeros(1, 1, 16, 16), (slice(0, 24), slice(0, 16)))


def test_cut_and_laid_back() -> None:
    whole = torch.rand(1, 2, 160, 160)
    lips = to_lips(whole)
    assert lips.shape == (1, 2, 96, 112)
    torch.testing.assert_close(to_lips(around_lips(lips)), lips)
    torch.testing.assert_close(cut(torch.zeros(1, 2, 256, 256), LIPS_WINDOW), planes(2))
