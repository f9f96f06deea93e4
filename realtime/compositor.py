"""Canonical face, moving head, photograph: one frame, with a single sampling of the photograph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.avatar_file import Avatar
from realtime.backdrop import Background
from realtime.face import FADE, FADE_BELOW, crop_matrix, transform
from realtime.head_pose import HeadPose
from realtime.setting import Setting
from realtime.view import sample

Picture = NDArray[np.uint8]
Field = NDArray[np.float32]
Box = tuple[slice, slice]

_UNSEEN = 1 / 255  # a matte below this paints nothing
_WHOLE = slice(None), slice(None)


@dataclass(frozen=True)
class Layer:
    """What the generator says of one window of the canonical crop.

    window: rows and columns. flow: float32 [h, w, 2], canonical pixels (x, y): where a pixel is
    fetched, relative to where it is shown; None where nothing moves. matte: float32 [h, w], share
    of `inside`. inside: float32 [h, w, 3] RGB 0..1.
    """

    window: Box
    flow: Field | None
    matte: Field
    inside: Field


class Compositor:
    """Shows one avatar at one size; `compose` may be called for any pose in any order."""

    def __init__(
        self,
        avatar: Avatar,
        size: tuple[int, int] = (512, 512),
        background: Background = None,
    ) -> None:
        """size: (width, height). Everything that does not depend on the frame is done here."""
        setting = Setting.of(avatar, size, background)
        view, self._warp = setting.view, setting.warp
        self._box = self._warp.box
        self._scene, self._behind = setting.scene, setting.behind
        self._size, self._picture = size, view.picture
        self._frame_pixel = np.float32(view.scale)
        self._to_crop = crop_matrix(view.points)
        self._from_crop = cv2.invertAffineTransform(self._to_crop).astype(np.float32)
        places = view.map()
        corner = places[self._box][0, 0]
        self._crop_to_box = (self._from_crop - _shift(*corner)) / self._frame_pixel
        self._places = places[self._box].copy()
        self._shown = sample(self._picture, places)
        self._still = self._before_backdrop(self._shown, _WHOLE)

    def compose(self, pose: HeadPose, layers: Sequence[Layer] = ()) -> Picture:
        """The frame, RGB uint8 [H, W, 3]: the photograph moved, with `layers` on its face."""
        if self._scene is not None:
            self._behind = self._scene.picture(self._size)
            self._still = self._before_backdrop(self._shown, _WHOLE)
        frame = self._still.copy()
        moved = self._warp.grid(pose)
        reach = float(np.abs(moved).max())
        places = self._places + self._warp.everywhere(moved * self._frame_pixel)
        flows = [
            self._flow(layer, layer.flow, places, reach)
            for layer in layers
            if layer.flow is not None
        ]
        paints = [
            self._paint(layer, places, reach) for layer in layers if layer.matte.max() > _UNSEEN
        ]
        for box, flow in flows:
            places[box] += flow
        moving = self._before_backdrop(sample(self._picture, places), self._box)
        for box, paint in paints:
            _blend(moving[box], paint)
        frame[self._box] = moving
        return frame

    def _flow(self, layer: Layer, flow: Field, places: Field, reach: float) -> tuple[Box, Field]:
        """The layer's flow in picture pixels for the part of `places` that it moves."""
        rows, columns = layer.window
        left, top = columns.start - FADE, rows.start - FADE
        flow = _turn(_fade_out(flow), self._from_crop)
        box = self._seen((left, top, flow.shape[1], flow.shape[0]), reach)
        # OpenCV looks up four channels in a third of the time of two.
        twice = np.asarray(cv2.merge([flow, flow]), np.float32)
        seen = _look_up(twice, self._to_crop - _shift(left, top), places[box])
        return box, np.asarray(cv2.merge(cv2.split(seen)[:2]), np.float32)

    def _paint(self, layer: Layer, places: Field, reach: float) -> tuple[Box, Field]:
        """The layer's inside times matte, and matte, float32 [h, w, 4], where any is to be seen."""
        left, top, width, height = cv2.boundingRect((layer.matte > _UNSEEN).astype(np.uint8))
        part = slice(top, top + height), slice(left, left + width)
        matte = layer.matte[part][..., None]
        paint = np.concatenate([layer.inside[part] * matte, matte], axis=-1)
        left, top = left + layer.window[1].start, top + layer.window[0].start
        box = self._seen((left, top, width, height), reach)
        return box, _look_up(paint, self._to_crop - _shift(left, top), places[box])

    def _seen(self, rectangle: tuple[int, int, int, int], reach: float) -> Box:
        """Part of the moving box that may show a canonical rectangle (left, top, width, height)."""
        left, top, width, height = rectangle
        corners = np.array([(x, y) for x in (0, width) for y in (0, height)], np.float32)
        shown = transform(self._crop_to_box, corners + np.array([left, top], np.float32))
        low = np.floor(shown.min(0) - reach - 1).astype(int)
        high = np.ceil(shown.max(0) + reach + 1).astype(int)
        size = np.array(self._places.shape[1::-1])
        (x0, y0), (x1, y1) = np.clip(low, 0, size).tolist(), np.clip(high, 0, size).tolist()
        return slice(y0, y1), slice(x0, x1)

    def _before_backdrop(self, sampled: Picture, box: Box) -> Picture:
        """Sampled pixels of `box` as they are shown: before the backdrop, if there is one."""
        colours = cv2.cvtColor(sampled, cv2.COLOR_RGBA2RGB)
        if self._behind is None:
            return np.asarray(colours, np.uint8)
        room = cv2.bitwise_not(cv2.extractChannel(sampled, 3))
        seen = cv2.multiply(self._behind[box], cv2.merge([room, room, room]), scale=1 / 255)
        return np.asarray(cv2.add(colours, seen), np.uint8)


def _shift(x: float, y: float) -> Field:
    return np.array([[0, 0, x], [0, 0, y]], np.float32)


def _look_up(canvas: Field, matrix: Field, places: Field) -> Field:
    """A canvas [h, w, 4] at `places` seen through an affine matrix; zero outside it."""
    places = np.asarray(cv2.transform(places, matrix), np.float32)
    return np.asarray(cv2.remap(canvas, places, None, cv2.INTER_LINEAR), np.float32)


def _turn(flow: Field, matrix: Field) -> Field:
    """Flow vectors through the linear part of an affine matrix."""
    return np.asarray(cv2.transform(flow, matrix[:, :2]), np.float32)


def _fade_out(flow: Field) -> Field:
    """Flow going on beyond its window and dying away: float32 [h + 72, w + 48, 2]."""
    wider = cv2.copyMakeBorder(flow, FADE, FADE_BELOW, FADE, FADE, cv2.BORDER_REPLICATE)
    return np.asarray(wider * _fading(*flow.shape[:2]), np.float32)


@cache
def _fading(height: int, width: int) -> Field:
    """How much is left of the flow of a window, and around it: float32 [h + 72, w + 48, 2]."""
    above, below = _ease(FADE), _ease(FADE_BELOW)[::-1]
    rows = np.concatenate([above, np.ones(height, np.float32), below])
    columns = np.concatenate([above, np.ones(width, np.float32), above[::-1]])
    return np.repeat((rows[:, None] * columns)[..., None], 2, axis=2)


def _ease(length: int) -> Field:
    """A smooth rise from nearly 0 to nearly 1 in `length` steps."""
    share = np.arange(1, length + 1, dtype=np.float32) / np.float32(length + 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def _blend(picture: Picture, paint: Field) -> None:
    """Lays premultiplied paint [h, w, 4] over RGB uint8 [h, w, 3] in place."""
    mixed = picture * (1 - paint[..., 3:]) + paint[..., :3] * np.float32(255)
    picture[:] = np.clip(mixed + np.float32(0.5), 0, 255)
