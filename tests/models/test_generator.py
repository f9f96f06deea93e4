"""The generator: how its heads and the plate compose."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from realtime.models.generator import compose
from realtime.regions import REGIONS, Region


def test_inside_is_the_lit_plate_in_the_mouth_and_paint_elsewhere() -> None:
    heads = torch.zeros(1, 7, 20, 20)
    mask = torch.zeros(1, REGIONS, 20, 20)
    mask[:, Region.MOUTH, 5:15] = 1
    mask[:, Region.SKIN] = 1 - mask[:, Region.MOUTH]
    plate = torch.full((1, 3, 20, 20), 0.6)
    flow, matte, inside = compose(heads, mask, plate)
    assert float(inside[0, 0, 10, 10]) == pytest.approx(0.6 * 1.2 / (1 + np.exp(-1)), rel=1e-5)
    assert float(inside[0, 0, 0, 0]) == 0.5
    assert float(matte[0, 0, 0, 0]) == 0.5
    assert not flow.any()
