"""The twelve-region mask of a portrait: its landmarks' polygons in what the face parser sees."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.enroll.parse import Parsed
from realtime.face import (
    BROWS,
    CROP,
    NOSE,
    Points,
    crop_matrix,
    eye_polygons,
    lip_polygons,
    transform,
)
from realtime.models.face_parser import CLASSES
from realtime.regions import Region

Flags = NDArray[np.bool_]


def region_mask(points: Points, parsed: Parsed) -> NDArray[np.uint8]:
    """Region ids uint8 [256, 256] of the canonical crop of a portrait.

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
    # What the parser takes for brows beyond their landmarks is the shadow beside the nose.
    expected = _filled([placed[list(brow)] for brow in BROWS], CROP)
    mask[(mask == Region.BROWS) & ~expected] = Region.SKIN
    for region, polygons in _inner_face(placed).items():
        seen = mask != Region.ACCESSORIES if region == Region.NOSE else True
        mask[_filled(polygons, CROP) & seen] = region
    return mask


def _inner_face(points: Points) -> dict[Region, list[Points]]:
    """Outlines in the order in which they cover one another."""
    lips = {region: [outline] for region, outline in lip_polygons(points).items()}
    return {
        Region.EYES: eye_polygons(points),
        Region.NOSE: [points[list(NOSE)]],
        **lips,
    }


def _filled(polygons: list[Points], side: int) -> Flags:
    image = np.zeros((side, side), np.uint8)
    for polygon in polygons:
        cv2.fillPoly(image, [np.round(polygon * 16).astype(np.int32)], 1, shift=4)
    return image > 0
