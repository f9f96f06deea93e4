"""The hand-drawn masks: whole, simple, inside their pictures, and painted as drawn."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from realtime.errors import InputError
from realtime.measure.drawn_masks import DrawnMask, Outline, read_drawn_masks
from realtime.regions import Region

FOLDER = Path(__file__).parents[1] / "data" / "drawn_masks"
DRAWN = read_drawn_masks(FOLDER)
EVERYBODY_HAS = {
    Region.BACKGROUND,
    Region.SKIN,
    Region.BROWS,
    Region.EYES,
    Region.NOSE,
    Region.UPPER_LIP,
    Region.LOWER_LIP,
    Region.BODY,
}


def _square(low: float, high: float) -> Outline:
    return np.array([(low, low), (high, low), (high, high), (low, high)])


def _drawn(*painted: tuple[Region, Outline]) -> DrawnMask:
    return DrawnMask("a.jpg", hashlib.sha256(b"a picture").hexdigest(), 8, 6, painted)


def _crosses_itself(outline: Outline) -> bool:
    start, along = outline, np.roll(outline, -1, axis=0) - outline

    def side(points: Outline) -> Outline:  # [edge, point], > 0 left of the edge
        to = points[None] - start[:, None]
        return np.asarray(along[:, None, 0] * to[..., 1] - along[:, None, 1] * to[..., 0])

    parted = side(start) * side(start + along) < 0
    return bool((parted & parted.T).any())


def test_there_are_twenty_and_they_show_every_region() -> None:
    assert len(DRAWN) >= 20
    assert len({drawn.picture for drawn in DRAWN}) == len(DRAWN)
    assert {region for drawn in DRAWN for region, _ in drawn.painted} == set(Region)


@pytest.mark.parametrize("drawn", DRAWN, ids=lambda drawn: drawn.picture)
def test_every_drawing_is_whole(drawn: DrawnMask) -> None:
    for region, outline in drawn.painted:
        assert len(outline) >= 4, region
        assert outline.min() >= -0.5, region
        assert (outline.max(axis=0) <= (drawn.width - 0.5, drawn.height - 0.5)).all(), region
        assert not _crosses_itself(outline), region
    mask = drawn.paint()
    assert mask.shape == (drawn.height, drawn.width)
    assert set(np.unique(mask)) >= EVERYBODY_HAS
    centre = {region: np.argwhere(mask == region).mean(axis=0) for region in EVERYBODY_HAS}
    down = [Region.BROWS, Region.EYES, Region.NOSE, Region.UPPER_LIP, Region.LOWER_LIP, Region.BODY]
    rows = [centre[region][0] for region in down]
    assert rows == sorted(rows)


def test_an_outline_that_crosses_itself_is_seen() -> None:
    assert not _crosses_itself(_square(0, 4))
    assert _crosses_itself(_square(0, 4)[[0, 2, 1, 3]])


def test_later_is_painted_over_earlier_and_half_pixels_count() -> None:
    mask = _drawn((Region.HAIR, _square(0.5, 4.5)), (Region.SKIN, _square(1.9, 3.1))).paint()
    assert (mask == Region.HAIR).sum() == 16 - 4
    assert (mask[2:4, 2:4] == Region.SKIN).all()


def test_another_picture_is_refused() -> None:
    drawn = _drawn()
    assert drawn.check(b"a picture") == b"a picture"
    with pytest.raises(InputError, match=r"drawn on the file with SHA-256"):
        drawn.check(b"another")
