"""A face as 478 landmarks: which point is what, the canonical crop, and how points move.

Landmarks are MediaPipe's Face Landmarker topology. Points are float32 [478, 2], x right, y down,
in pixels; canonical points lie in the 256x256 canonical crop.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.regions import Region

Points = NDArray[np.float32]
Matrix = NDArray[np.float32]
Picture = NDArray[np.uint8]
Window = tuple[slice, slice]  # rows and columns of the canonical crop

LANDMARKS = 478
CROP = 256
WHOLE: Window = (slice(0, CROP), slice(0, CROP))
EYE_DISTANCE = 0.30 * CROP
EYE_HEIGHT = 0.36 * CROP
# The parts of the crop that speech and blinks change; the generator wants multiples of 16 px, for
# the lips of 8. However far they open, everybody's lips stay in the lips' window.
MOUTH_WINDOW: Window = (slice(96, 256), slice(48, 208))
LIPS_WINDOW: Window = (slice(136, 232), slice(72, 184))
EYE_WINDOWS: tuple[Window, ...] = (
    (slice(64, 128), slice(32, 128)),
    (slice(64, 128), slice(128, 224)),
)
# What moves in the mouth's window goes on moving around it, ever less: within so many pixels at its
# sides and top, and below.
FADE, FADE_BELOW = 24, 48

INNER_UPPER_LIP = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
INNER_LOWER_LIP = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
OUTER_UPPER_LIP = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
OUTER_LOWER_LIP = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
# Between outer and inner edge lie two more rows of points on either lip, outer one first.
UPPER_LIP_ROWS = (
    (76, 184, 74, 73, 72, 11, 302, 303, 304, 408, 306),
    (62, 183, 42, 41, 38, 12, 268, 271, 272, 407, 292),
)
LOWER_LIP_ROWS = (
    (76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306),
    (62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292),
)
# Closed outlines of the lips and of what lies between them.
LIP_OUTLINES = {
    Region.UPPER_LIP: (*OUTER_UPPER_LIP, *INNER_UPPER_LIP[::-1]),
    Region.LOWER_LIP: (*OUTER_LOWER_LIP, *INNER_LOWER_LIP[::-1]),
    Region.MOUTH: (*INNER_UPPER_LIP, *INNER_LOWER_LIP[::-1]),
}
CHIN = (148, 152, 377, 175)
OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
BROWS = (
    (70, 63, 105, 66, 107, 55, 65, 52, 53, 46),
    (300, 293, 334, 296, 336, 285, 295, 282, 283, 276),
)
NOSE = (
    *(168, 193, 122, 196, 174, 198, 49, 48, 64, 98, 97, 2),
    *(326, 327, 294, 278, 279, 420, 399, 419, 351, 417),
)
# Per eye (image left first): outer and inner corner, then lids in pairs, and the skin fold above.
EYE_CORNERS = ((33, 133), (263, 362))
UPPER_LIDS = ((246, 161, 160, 159, 158, 157, 173), (466, 388, 387, 386, 385, 384, 398))
LOWER_LIDS = ((7, 163, 144, 145, 153, 154, 155), (249, 390, 373, 374, 380, 381, 382))
LID_FOLDS = ((247, 30, 29, 27, 28, 56, 190), (467, 260, 259, 257, 258, 286, 414))

# A closing upper lid comes down most of the way, the lower one rises for the rest, and the fold
# above is drawn after: shares of the eye's own opening.
UPPER_LID_TRAVEL, LOWER_LID_TRAVEL, _FOLD_TRAVEL = 0.88, 0.10, 0.12
# Sub-pixel edges come from painting at this multiple and averaging.
_OVERSAMPLE = 4


def within(inner: Window, outer: Window) -> Window:
    """The inner window's rows and columns counted from the outer one's corner."""
    rows, columns = (
        slice(part.start - whole.start, part.stop - whole.start)
        for part, whole in zip(inner, outer, strict=True)
    )
    return rows, columns


def eye_centres(points: Points) -> NDArray[np.float32]:
    """The two eye centres (mean of the corners), image left first: float32 [2, 2]."""
    return np.stack([points[list(pair), :2].mean(0) for pair in EYE_CORNERS])


def between_eyes(points: Points) -> float:
    """How far the eye centres are apart, in the unit of the points."""
    return float(np.linalg.norm(np.subtract(*eye_centres(points))))


def crop_matrix(points: Points) -> Matrix:
    """Similarity float32 [2, 3] from picture pixels to the canonical crop.

    Roll is removed; the eye centres come to lie level at 36 % of the height, 30 % of the width
    apart, their middle at half the width.
    """
    left, right = eye_centres(points).astype(np.float64)
    across = right - left
    scale = EYE_DISTANCE / float(np.hypot(*across))
    cosine, sine = across / np.hypot(*across) * scale
    linear = np.array([[cosine, sine], [-sine, cosine]])
    shift = np.array([CROP / 2, EYE_HEIGHT]) - linear @ ((left + right) / 2)
    return np.column_stack([linear, shift]).astype(np.float32)


def transform(matrix: Matrix, points: Points) -> Points:
    """Points [N, >=2] through an affine matrix [2, 3]: float32 [N, 2]."""
    return (points[:, :2] @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def crop_picture(picture: Picture, matrix: Matrix) -> Picture:
    """The canonical crop of RGB uint8 [H, W, 3]: uint8 [256, 256, 3], its edges going on beyond."""
    crop = cv2.warpAffine(
        picture, matrix, (CROP, CROP), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(crop, np.uint8)


def planes(picture: Picture) -> NDArray[np.float32]:
    """RGB uint8 [h, w, 3] as networks take it: float32 [3, h, w], 0..1."""
    return np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32) / np.float32(255)


def lip_gap(points: Points) -> float:
    """Opening between the inner lips at their middle, in the unit of the points."""
    return float(points[14, 1] - points[13, 1])


def jaw_drop(points: Points, rest: Points) -> float:
    """How far the chin stands below its resting place, in the unit of the points."""
    chin = list(CHIN)
    return float((points[chin, 1] - rest[chin, 1]).mean())


def close_lips(points: Points) -> Points:
    """The same face with its lips together: what a motion of zero stands for.

    Each pair of facing inner points meets where an upper lip is stretched over the teeth: three
    tenths of the gap come down, the rest comes up. The outer edges follow by half, and what lies
    between by shares between.
    """
    closed = points.copy()
    upper_rows = (OUTER_UPPER_LIP, *UPPER_LIP_ROWS, INNER_UPPER_LIP)
    lower_rows = (OUTER_LOWER_LIP, *LOWER_LIP_ROWS, INNER_LOWER_LIP)
    upper, lower = list(INNER_UPPER_LIP[1:-1]), list(INNER_LOWER_LIP[1:-1])
    gaps = np.maximum(points[lower, 1] - points[upper, 1], 0)
    for share, above, below in zip((3 / 6, 4 / 6, 5 / 6, 1), upper_rows, lower_rows, strict=True):
        closed[list(above[1:-1]), 1] += 0.3 * share * gaps
        closed[list(below[1:-1]), 1] -= 0.7 * share * gaps
    return closed


def move_lips(rest: Points, motion: NDArray[np.float32]) -> Points:
    """Canonical resting points moved by `motion` [..., 478, >=2] in eye distances: [..., 478, 2].

    Lips never cross.
    """
    return uncrossed(rest[..., :2] + np.float32(EYE_DISTANCE) * motion[..., :2])


def uncrossed(points: Points) -> Points:
    """Points [..., 478, >=2] whose lips, where they crossed, meet half way."""
    moved = points.astype(np.float32)
    upper, lower = list(INNER_UPPER_LIP), list(INNER_LOWER_LIP)
    crossed = np.maximum(moved[..., upper, 1] - moved[..., lower, 1], 0)
    moved[..., upper, 1] -= crossed / 2
    moved[..., lower, 1] += crossed / 2
    return moved


def close_eyes(points: Points, amount: float) -> Points:
    """Points with both eyes closed by `amount` in 0 (as they are) .. 1 (shut)."""
    moved = points.copy()
    for uppers, lowers, folds in zip(UPPER_LIDS, LOWER_LIDS, LID_FOLDS, strict=True):
        for upper, lower, fold in zip(uppers, lowers, folds, strict=True):
            gap = points[lower] - points[upper]
            moved[upper] += UPPER_LID_TRAVEL * amount * gap
            moved[lower] -= LOWER_LID_TRAVEL * amount * gap
            moved[fold] += _FOLD_TRAVEL * amount * gap
    return moved


def lip_polygons(points: Points) -> dict[Region, Points]:
    """Closed outlines of upper lip, lower lip and the inside of the mouth."""
    return {region: points[list(outline), :2] for region, outline in LIP_OUTLINES.items()}


def eye_polygons(points: Points) -> list[Points]:
    """Closed outlines of the two eye openings, image left first."""
    return [
        points[[outer, *uppers, inner, *lowers[::-1]]][:, :2]
        for (outer, inner), uppers, lowers in zip(EYE_CORNERS, UPPER_LIDS, LOWER_LIDS, strict=True)
    ]


def coverage(polygon: Points, window: Window) -> NDArray[np.float32]:
    """Share of every pixel of `window` (rows, columns) that lies inside: float32 [h, w], 0..1.

    Pixel (i, j) covers the unit square centred on (j, i).
    """
    rows, columns = window
    height, width = rows.stop - rows.start, columns.stop - columns.start
    fine = np.zeros((height * _OVERSAMPLE, width * _OVERSAMPLE), np.uint8)
    offset = np.array([columns.start, rows.start], np.float32)
    # Centre of fine pixel k lies at (k + 0.5) / OVERSAMPLE - 0.5 in coarse pixels.
    placed = (polygon - offset + 0.5) * _OVERSAMPLE - 0.5
    cv2.fillPoly(fine, [np.round(placed * 16).astype(np.int32)], 255, shift=4)
    coarse = cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA)
    return coarse.astype(np.float32) / np.float32(255)


def overlay(mask: NDArray[np.float32], region: Region, share: NDArray[np.float32]) -> None:
    """Lays a region over a soft one-hot mask [12, h, w] in place; the sum over regions stays."""
    mask *= 1 - share
    mask[region] += share
