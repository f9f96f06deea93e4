"""The twelve-region mask of a portrait: its landmarks' outlines in what the face parser sees."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.enroll.outlines import lab_of, parted
from realtime.enroll.parse import Parsed
from realtime.face import (
    BROWS,
    CROP,
    NOSE,
    WHOLE,
    Points,
    coverage,
    crop_matrix,
    crop_picture,
    eye_polygons,
    lip_polygons,
    transform,
)
from realtime.models.face_parser import CLASSES
from realtime.regions import Region

Flags = NDArray[np.bool_]
Picture = NDArray[np.uint8]
Field = NDArray[np.float32]

_ISLAND_PX = 64  # fewer pixels than anything worn has
_BROW_ERROR = 2.0  # pixels by which the outline of an expected brow errs


def region_mask(picture: Picture, points: Points, parsed: Parsed) -> NDArray[np.uint8]:
    """Region ids uint8 [256, 256] of the canonical crop of a portrait, RGB uint8 [H, W, 3].

    points: float32 [478, 3] landmarks in the portrait's pixels. Outside the picture: background.
    """
    matrix = crop_matrix(points)
    placed = transform(matrix, points)
    from_small = matrix.copy()
    from_small[:, :2] /= np.float32(parsed.factor)
    shares = np.stack(
        [
            cv2.warpAffine(share, from_small, (CROP, CROP), flags=cv2.INTER_CUBIC)
            for share in parsed.shares
        ]
    )
    mask: NDArray[np.uint8] = np.array(CLASSES, np.uint8)[shares.argmax(0)]
    hairs = mask == Region.BROWS
    mask[hairs] = Region.SKIN
    mask[_islands(mask)] = Region.SKIN
    lab = lab_of(crop_picture(picture, matrix))
    for brow in BROWS:
        # What the parser takes for brows beyond their landmarks is the shadow beside the nose.
        expected = hairs & _filled(placed[list(brow)])
        mask[_brow(lab, expected) & (mask == Region.SKIN)] = Region.BROWS
    for region, outlines in _inner_face(placed).items():
        seen = mask != Region.ACCESSORIES if region == Region.NOSE else True
        for outline in outlines:
            mask[_filled(outline) & seen] = region
    return mask


def _islands(mask: Picture) -> Flags:
    """Small patches in the midst of the skin: creases and shines that were taken for things."""
    elsewhere = (mask != Region.SKIN).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(elsewhere)
    small = stats[:, cv2.CC_STAT_AREA] < _ISLAND_PX
    return np.asarray(small[labels] & (elsewhere > 0), np.bool_)


def _brow(lab: Field, expected: Flags) -> Flags:
    """The hairs of a brow, by their colours [256, 256, 3], near where they are expected."""
    inside, outside = (
        cv2.distanceTransform(flags.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        for flags in (expected, ~expected)
    )
    # The outline runs between pixels.
    far = (inside - outside + np.where(expected, -0.5, 0.5)).astype(np.float32)
    return np.asarray(parted(lab, np.stack([far, -far]), _BROW_ERROR)[0] > 0.5, np.bool_)


def _inner_face(points: Points) -> dict[Region, list[Points]]:
    """Outlines in the order in which they cover one another."""
    lips = {region: [outline] for region, outline in lip_polygons(points).items()}
    return {
        Region.EYES: eye_polygons(points),
        Region.NOSE: [points[list(NOSE)]],
        **lips,
    }


def _filled(outline: Points) -> Flags:
    """The pixels of the canonical crop that an outline covers half or more."""
    return np.asarray(coverage(outline, WHOLE) >= 0.5, np.bool_)
