"""Where a portrait stands in the frame, and what is shown where the photograph has ended."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face import OVAL, Points, eye_centres

Picture = NDArray[np.uint8]
Field = NDArray[np.float32]

# Shares of the frame's height. A face is shown larger than usual where its photograph would end
# above the foot of the frame: a face so near is usual in calls, shoulders made up are not.
_EYES_AT = 0.40
_FACE_HEIGHT, _LARGEST_FACE_HEIGHT = 0.46, 0.80
# A picture finer than this many pixels a frame pixel is reduced first, or it would shimmer.
_FINEST = 1.5
# Room around the frame, in frame pixels, for what a moving head pulls in.
MARGIN = 24
# Shoulders go on falling this steeply beyond the sides; what is made up blurs within this share
# of the picture's width.
_SHOULDER_FALL = 0.6
_BLUR_WITHIN, _BLUR_SIGMA = 0.05, 0.025
_PERSON = 127  # a matte above this is the person
_EDGE = 4  # pixels above the person that its outline may tint


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

    def spread(self, frame: Picture) -> Picture:
        """What a frame uint8 [H, W, 3] shows at every pixel of the picture; beyond it, its rim."""
        placed = np.array([[self.scale, 0, self.origin[0]], [0, self.scale, self.origin[1]]])
        size = self.picture.shape[1], self.picture.shape[0]
        seen = cv2.warpAffine(frame, placed, size, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(seen, np.uint8)

    def cut(self, margin: float) -> View:
        """The same view of no more of the picture than the frame and so many of its pixels around
        it show, where the picture goes that far."""
        (x, y), (width, height) = self.origin, self.size
        left, top = (max(math.floor(at - margin * self.scale), 0) for at in (x, y))
        right, bottom = (
            math.ceil(at + (side + margin) * self.scale) for at, side in ((x, width), (y, height))
        )
        points = self.points - np.array([left, top, 0], np.float32)
        picture = self.picture[top:bottom, left:right]
        return View(picture, points, self.scale, (x - left, y - top), self.size)

    def finer(self, times: int) -> View:
        """The same view of a picture with `times` as many pixels each way, smooth between them."""
        between = (times - 1) / 2  # the new pixel in the middle of an old one's
        finer = cv2.resize(self.picture, None, fx=times, fy=times, interpolation=cv2.INTER_LANCZOS4)
        points = times * self.points + np.array([between, between, 0], np.float32)
        origin = times * self.origin[0] + between, times * self.origin[1] + between
        return View(np.asarray(finer, np.uint8), points, times * self.scale, origin, self.size)


def sample(picture: Picture, places: Field) -> Picture:
    """A picture, linearly, at places float32 [h, w, 2]; beyond its rim, that."""
    sampled = cv2.remap(picture, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(sampled, np.uint8)


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
    margin = MARGIN * scale
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
    """RGB and matte uint8 [h, w, 4] going on by (left, top, right, bottom) pixels, ever softer.

    The background goes on level, without the person; the shoulders go on falling before it.
    """
    left, top, right, bottom = pads
    height, width = picture.shape[:2]
    x = np.arange(-left, width + right, dtype=np.float32)[None]
    y = np.arange(-top, height + bottom, dtype=np.float32)[:, None]
    columns, rows = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    aside = np.abs(x - columns)
    beyond = np.maximum(np.abs(y - rows), aside)
    level = _at(_without_person(picture), columns, np.broadcast_to(rows, beyond.shape))
    falling = _at(picture, columns, np.maximum(rows - _SHOULDER_FALL * aside, 0))
    share = np.where(aside > 0, falling[..., 3] / np.float32(255), 1)[..., None]
    longer = level + share * (falling - level)
    longer[..., 3] = falling[..., 3]
    soft = _blurred(longer, _BLUR_SIGMA * width)
    blurred = np.minimum(beyond / (_BLUR_WITHIN * width), 1)[..., None]
    mixed = np.asarray(np.clip(longer + blurred * (soft - longer) + 0.5, 0, 255), np.uint8)
    mixed[top : top + height, left : left + width] = picture
    return mixed


def _at(picture: Picture, columns: Field, rows: Field) -> Field:
    columns = np.broadcast_to(columns, rows.shape)
    sampled = cv2.remap(
        picture, np.ascontiguousarray(columns), np.ascontiguousarray(rows), cv2.INTER_LINEAR
    )
    return np.asarray(sampled, np.float32)


def _blurred(picture: Field, sigma: float) -> Field:
    """A wide blur, computed on a small copy."""
    size = picture.shape[1::-1]
    less = max(sigma / 2, 1.0)
    small = cv2.resize(
        picture, (round(size[0] / less), round(size[1] / less)), interpolation=cv2.INTER_AREA
    )
    soft = cv2.GaussianBlur(small, (0, 0), sigma / less)
    return np.asarray(cv2.resize(soft, size, interpolation=cv2.INTER_CUBIC), np.float32)


def _without_person(picture: Picture) -> Picture:
    """Every column's background going on down where the person begins, so far as it is seen."""
    person = picture[..., 3] > _PERSON
    seen = np.where(person.any(0), person.argmax(0), len(picture))
    rows = np.minimum(np.arange(len(picture))[:, None], np.maximum(seen - _EDGE, 0))
    return np.take_along_axis(picture, rows[..., None], 0)
