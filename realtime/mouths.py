"""A person's lower face as a video has shown it: the frames nearest to what speech asks for are
warped to it and mixed.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime import mesh
from realtime.face import (
    INNER_LOWER_LIP,
    INNER_UPPER_LIP,
    OUTER_LOWER_LIP,
    OUTER_UPPER_LIP,
    OVAL,
    Matrix,
    Points,
    Window,
    coverage,
)

Picture = NDArray[np.uint8]
Field = NDArray[np.float32]

# The part of the canonical plane, it goes on below the crop, that holds every lower face.
LOWER_WINDOW: Window = (slice(112, 288), slice(16, 240))
SHAPE = (176, 224, 3)
JAW = OVAL[10:27]  # from below one ear round the chin to the other
LIPS = tuple(sorted({*OUTER_UPPER_LIP, *INNER_UPPER_LIP, *INNER_LOWER_LIP, *OUTER_LOWER_LIP}))

_UNDER_NOSE = 2
# Canonical pixels: how far a speaking chin comes down; how softly the lower face ends, and in half
# how many it rises softly over the cheeks, where a turned head would show a seam.
_DROP, _SOFT, _RISE = 14.0, 4, 6
# So many frames are mixed; one that is so many canonical pixels farther away weighs 1 / e. Eight
# would come 0.2 dB nearer to real mouths (`eval`), for twice the time and softer teeth.
_MIXED, _REACH = 4, 1.5


def lower_face(rest: Points) -> Field:
    """The part of LOWER_WINDOW that speech moves: float32 [176, 224], 1 and softly 0 beyond.

    From the nose's foot to below where a chin comes down, whatever this one does.
    """
    jaw = rest[list(JAW), :2].copy()
    middle, half = jaw[:, 0].mean(), np.ptp(jaw[:, 0]) / 2
    jaw[:, 1] += _DROP * (1 - ((jaw[:, 0] - middle) / half) ** 2)
    inside = coverage(np.concatenate([jaw, rest[[_UNDER_NOSE], :2]]), LOWER_WINDOW)
    wider = cv2.dilate(inside, np.ones((_SOFT + 1, _SOFT + 1), np.uint8))
    soft = np.maximum(inside, cv2.blur(wider, (_SOFT + 1, _SOFT + 1)))
    risen = np.concatenate([soft[_RISE:], np.zeros_like(soft[:_RISE])])
    return np.asarray(np.maximum(soft, cv2.blur(risen, (1, 2 * _RISE + 1))), np.float32)


@dataclass(frozen=True)
class Mouths:
    """pictures: RGB uint8 [N, 176, 224, 3], LOWER_WINDOW of canonical crops. points: float32
    [N, 478, 2], their canonical landmarks. triangles: int [T, 3], corner numbers of the face's
    mesh; from 478 on they count the ring around the oval, which stands still."""

    pictures: Picture
    points: Points
    triangles: NDArray[np.int64]

    def show(self, target: Points, share: Field) -> Field:
        """The lower face with its landmarks at `target` [478, 2], where a `share` [176, 224] of it
        is asked for: RGB float32 [176, 224, 3]."""
        heard = [*LIPS, *JAW]
        away = np.linalg.norm(self.points[:, heard] - target[heard], axis=-1).mean(1)
        nearest = np.argsort(away, kind="stable")[:_MIXED]
        weights = np.exp((away[nearest[0]] - away[nearest]) / _REACH)
        part, window = _asked(share)
        after = _with_ring(target, target)[self.triangles]
        ids = mesh.filled(mesh.painted(after, window))
        places = mesh.grid(window)
        corner = np.array([side.start for side in LOWER_WINDOW[::-1]], np.float32)
        shown = np.zeros(self.pictures.shape[1:], np.float32)
        for number, weight in zip(nearest, weights / weights.sum(), strict=True):
            before = _with_ring(self.points[number], target)[self.triangles]
            steps = cv2.split(mesh.flow(before, after, ids, places))
            # Where a turned face folds over its outline, slim triangles leave specks.
            there = places + cv2.merge([cv2.medianBlur(step, 3) for step in steps]) - corner
            seen = cv2.remap(
                self.pictures[number], there, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
            )
            shown[part] += np.float32(weight) * seen
        return shown


def _asked(share: Field) -> tuple[Window, Window]:
    """The smallest part of LOWER_WINDOW that holds all that is asked for; and in the canonical
    plane."""
    left, top, width, height = cv2.boundingRect((share > 0).astype(np.uint8))
    part = slice(top, top + height), slice(left, left + width)
    rows, columns = (
        slice(whole.start + inner.start, whole.start + inner.stop)
        for whole, inner in zip(LOWER_WINDOW, part, strict=True)
    )
    return part, (rows, columns)


def _with_ring(points: Points, target: Points) -> Points:
    return np.concatenate([points, mesh.still_ring(target[list(OVAL)])])


def cut(picture: Picture, to_crop: Matrix) -> Picture:
    """LOWER_WINDOW of the canonical crop of RGB uint8 [H, W, 3]: uint8 [176, 224, 3]."""
    rows, columns = LOWER_WINDOW
    matrix = to_crop - np.array([[0, 0, columns.start], [0, 0, rows.start]], np.float32)
    size = columns.stop - columns.start, rows.stop - rows.start
    part = cv2.warpAffine(
        picture, matrix, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(part, np.uint8)


def lay_on(picture: Picture, to_crop: Matrix, shown: Field, share: Field) -> None:
    """Lays a lower face and its share over RGB uint8 [H, W, 3] in place."""
    _, (rows, columns) = _asked(share)
    back = cv2.invertAffineTransform(to_crop)
    corners = np.array(
        [(x, y, 1) for x in (columns.start, columns.stop) for y in (rows.start, rows.stop)]
    )
    there = corners @ back.T
    size = np.array(picture.shape[1::-1])
    left, top = np.clip(np.floor(there.min(0)).astype(int), 0, size)
    right, bottom = np.clip(np.ceil(there.max(0)).astype(int) + 1, 0, size)
    box = slice(top, bottom), slice(left, right)
    corner = [side.start for side in LOWER_WINDOW[::-1]]
    places = cv2.transform(mesh.grid(box), to_crop) - np.array(corner, np.float32)
    laid = cv2.remap(shown, places, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    shares = cv2.remap(share, places, None, cv2.INTER_LINEAR)[..., None]
    under = picture[box].astype(np.float32)
    picture[box] = np.clip(under + shares * (laid - under) + np.float32(0.5), 0, 255)
