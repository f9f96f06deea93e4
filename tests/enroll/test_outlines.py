"""Lips and lids are looked for in the picture, near where landmarks expect them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.enroll.outlines import settled
from realtime.face import (
    CROP,
    EYE_CORNERS,
    INNER_LOWER_LIP,
    INNER_UPPER_LIP,
    LOWER_LIDS,
    OUTER_LOWER_LIP,
    OUTER_UPPER_LIP,
    UPPER_LIDS,
    Points,
    coverage,
    crop_matrix,
    eye_polygons,
    lip_gap,
    lip_polygons,
)
from realtime.regions import Region
from tests.faces import drawn_face

SKIN, EYE = (214, 176, 150), (90, 80, 84)
COLOURS = {
    Region.UPPER_LIP: (150, 70, 76),
    Region.LOWER_LIP: (176, 84, 88),
    Region.MOUTH: (230, 226, 216),
}
LIPS = [i for line in (OUTER_UPPER_LIP, OUTER_LOWER_LIP) for i in line[3:-3]]
MOUTH = [i for line in (INNER_UPPER_LIP, INNER_LOWER_LIP) for i in line[3:-3]]
LIDS = [i for lids in (*UPPER_LIDS, *LOWER_LIDS) for i in lids[2:-2]]
CORNERS = [*np.ravel(EYE_CORNERS), 61, 291, 78, 308]


def face(gap: float) -> Points:
    return np.column_stack([drawn_face(gap), np.zeros(478)]).astype(np.float32)


def painted(points: Points) -> NDArray[np.uint8]:
    """Lips, mouth and eyes in one colour each, with a little noise."""
    picture = np.full((CROP, CROP, 3), SKIN, np.float32)
    whole = (slice(0, CROP), slice(0, CROP))
    outlines = [(EYE, eye) for eye in eye_polygons(points)]
    outlines += [(COLOURS[region], outline) for region, outline in lip_polygons(points).items()]
    for colour, outline in outlines:
        share = coverage(outline, whole)[..., None]
        picture += share * (np.array(colour, np.float32) - picture)
    picture += np.random.default_rng(1).normal(0, 2, picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)


def error(found: Points, true: Points, where: list[int]) -> float:
    """Pixels up or down, in the mean."""
    return float(np.abs(found[where, 1] - true[where, 1]).mean())


@pytest.mark.parametrize("shift", [-1.5, 1.5])
def test_outlines_move_to_where_colours_part(shift: float) -> None:
    true = face(gap=14)
    expected = true.copy()
    moving = [i for i in range(478) if i not in CORNERS]
    expected[moving, 1] += shift
    found = settled(painted(true), expected)
    for where in (LIPS, MOUTH, LIDS):
        assert error(found, true, where) < 0.6 * abs(shift)
    others = [i for i in range(468) if (expected[i] == found[i]).all()]
    assert set(CORNERS) <= set(others)
    np.testing.assert_array_equal(crop_matrix(found), crop_matrix(expected))


def test_a_seam_is_no_mouth() -> None:
    true, expected = face(gap=0), face(gap=1)
    found = settled(painted(true), expected)
    assert abs(lip_gap(found)) < 0.2


def test_where_nothing_parts_lips_stay() -> None:
    expected = face(gap=8)
    found = settled(np.full((CROP, CROP, 3), SKIN, np.uint8), expected)
    assert np.abs(found - expected)[[*LIPS, *MOUTH]].max() < 0.5
