"""Where a portrait stands in the frame, and what is shown where the photograph has ended."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face import OVAL, Points, eye_centres

Picture = NDArray[np.uint8]

# Shares of the frame's height.
_EYES_AT = 0.40
_FACE_HEIGHT, _LARGEST_FACE_HEIGHT = 0.46, 0.58
# A picture finer than this many pixels a frame pixel is reduced first, or it would shimmer.
_FINEST = 1.5
# Room around the frame, in frame pixels, for what a moving head pulls in.
_MARGIN = 24
# Shoulders go on falling this steeply beyond the sides; what is made up blurs within this share
# of the picture's width.
_SHOULDER_FALL = 0.6
_BLUR_WITHIN, _BLUR_SIGMA = 0.12, 0.025


def face_height(points: Points) -> float:
    """Distance from the top of the forehead to the chin, in the unit of the points."""
    return float(np.linalg.norm(points[152, :2] - points[10, :2]))


@dataclass(frozen=True)
class View:
    """A portrait laid out for a frame.

    picture: uint8 [h, w, 4], RGB and the person's matte, a little larger than the frame shows.
    points: float32 [478, 3] landmarks in pixels of that picture. scale: picture pixels a frame
    pixel. origin: picture pixel (x, y) of the frame's first pixel. size: frame (width, height).
    """

    picture: Picture
    points: Points
    scale: float
    origin: tuple[float, float]
    size: tuple[int, int]

    def map(self) -> NDArray[np.float32]:
        """Picture coordinates of every frame pixel: float32 [H, W, 2]."""
        width, height = self.size
        grid = np.empty((height, width, 2), np.float32)
        grid[..., 0] = self.origin[0] + self.scale * np.arange(width, dtype=np.float32)
        grid[..., 1] = self.origin[1] + self.scale * np.arange(height, dtype=np.float32)[:, None]
        return grid


def lay_out(picture: Picture, matte: Picture, points: Points, size: tuple[int, int]) -> View:
    """Head and shoulders of RGB [h, w, 3], matte [h, w] and points [478, 3] in a frame of `size`.

    The eyes lie at two fifths of the height where the picture allows it. Beyond its sides the
    background and the shoulders go on, blurred.
    """
    zoom, left, top = _placement(picture, matte, points, size)
    finer = 1 / zoom / _FINEST
    if finer > 1:
        shrink = (round(picture.shape[1] / finer), round(picture.shape[0] / finer))
        factor = shrink[0] / picture.shape[1]
        picture = np.asarray(cv2.resize(picture, shrink, interpolation=cv2.INTER_AREA), np.uint8)
        matte = np.asarray(cv2.resize(matte, shrink, interpolation=cv2.INTER_AREA), np.uint8)
        points, zoom = points * np.float32(factor), zoom / factor
        left, top = left * factor, top * factor
    scale = 1 / zoom
    margin = _MARGIN * scale
    height, width = matte.shape
    pads = (
        max(0, int(np.ceil(margin - left))),
        max(0, int(np.ceil(margin - top))),
        max(0, int(np.ceil(left + size[0] * scale + margin - width))),
        max(0, int(np.ceil(top + size[1] * scale + margin - height))),
    )
    moved = points + np.array([pads[0], pads[1], 0], np.float32)
    origin = (left + pads[0], top + pads[1])
    return View(extend(np.dstack([picture, matte]), pads), moved, scale, origin, size)


def _placement(
    picture: Picture, matte: Picture, points: Points, size: tuple[int, int]
) -> tuple[float, float, float]:
    """Frame pixels a picture pixel, and the picture position of the frame's first pixel."""
    width, height = size
    face = face_height(points)
    zoom = max(_FACE_HEIGHT * height / face, height / picture.shape[0])
    zoom = min(zoom, _LARGEST_FACE_HEIGHT * height / face)
    left = float(points[list(OVAL), 0].mean()) - width / 2 / zoom
    top = float(eye_centres(points)[:, 1].mean()) - _EYES_AT * height / zoom
    spare = picture.shape[0] - height / zoom
    if spare >= 0:
        return zoom, left, float(np.clip(top, 0, spare))
    # The picture is lower than the frame: above a cut head, or else below the body, nothing may
    # be made up.
    head_is_cut = bool((matte[0] > 127).any())
    return zoom, left, 0.0 if head_is_cut else float(np.clip(top, spare, 0))


def extend(picture: Picture, pads: tuple[int, int, int, int]) -> Picture:
    """A picture uint8 [h, w, c] going on by (left, top, right, bottom) pixels, ever softer."""
    left, top, right, bottom = pads
    height, width = picture.shape[:2]
    x = np.arange(-left, width + right, dtype=np.float32)[None]
    y = np.arange(-top, height + bottom, dtype=np.float32)[:, None]
    aside = np.maximum(np.maximum(-x, x - (width - 1)), 0)
    beyond = np.maximum(np.maximum(-y, y - (height - 1)), aside)
    columns = np.broadcast_to(np.clip(x, 0, width - 1), beyond.shape)
    rows = np.clip(y - _SHOULDER_FALL * aside, 0, height - 1)
    longer = cv2.remap(picture, columns, rows.astype(np.float32), cv2.INTER_LINEAR)
    soft = cv2.GaussianBlur(longer, (0, 0), max(_BLUR_SIGMA * width, 1.0))
    share = np.minimum(beyond / (_BLUR_WITHIN * width), 1)[..., None]
    mixed = np.asarray(np.rint(longer + share * (soft.astype(np.float32) - longer)), np.uint8)
    mixed[top : top + height, left : left + width] = picture
    return mixed
