"""The parts of a portrait that can be restyled: soft masks at the photograph's resolution."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.avatar_file import Avatar
from realtime.enroll.matte import guided_filter
from realtime.enroll.parse import Parsed
from realtime.face import (
    BROWS,
    OVAL,
    Points,
    between_eyes,
    coverage,
    eye_polygons,
    lip_polygons,
)
from realtime.regions import Region
from realtime.view import face_height

Picture = NDArray[np.uint8]
Field = NDArray[np.float32]

# MediaPipe's irises: centre, then right, top, left and bottom of the rim.
_IRISES = ((468, 469, 470, 471, 472), (473, 474, 475, 476, 477))
_SOFT = 0.012  # eye distances: how softly the parts that landmarks outline end
_BROW_ROOM = 0.03  # eye distances: brows are a little thicker than their landmarks say
_REFINE_RADIUS, _REFINE_SOFTNESS = 0.02, 0.0004
_LEAST_PERSON = 0.05  # where the parser sees less of the person, it cannot tell what of it is hair
_SKIN_LIKE = 12.0  # distance in Lab


def part_share(avatar: Avatar, part: str, parsed: Parsed) -> Field:
    """How much of each pixel of the picture, as parsed, is one of PARTS: float32 [H, W], 0..1."""
    return _SHARES[part](avatar, parsed)


def lab(picture: Picture) -> Field:
    """RGB uint8 [H, W, 3] -> CIE L*a*b*, float32 [H, W, 3]."""
    return np.asarray(cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)


def _lips(avatar: Avatar, _: Parsed) -> Field:
    outlines = lip_polygons(avatar.points)
    return _soft(avatar, [outlines[Region.UPPER_LIP], outlines[Region.LOWER_LIP]])


def _eyes(avatar: Avatar, _: Parsed) -> Field:
    """The irises, where lids leave them open."""
    inside = _soft(avatar, eye_polygons(avatar.points))
    discs = np.zeros_like(inside)
    y, x = np.mgrid[: discs.shape[0], : discs.shape[1]].astype(np.float32)
    for centre, *rim in _IRISES:
        middle = avatar.points[centre, :2]
        radius = float(np.linalg.norm(avatar.points[rim, :2] - middle, axis=1).mean())
        away = np.hypot(x - middle[0], y - middle[1])
        discs = np.maximum(discs, np.clip((radius - away) / (0.15 * radius) + 0.5, 0, 1))
    return np.minimum(discs, inside)


def _brows(avatar: Avatar, _: Parsed) -> Field:
    """The hairs of the brows: what is darker there than the skin around."""
    points, unit = avatar.points, between_eyes(avatar.points)
    hulls = [cv2.convexHull(points[list(brow), :2])[:, 0] for brow in BROWS]
    area = _soft(avatar, [np.asarray(hull, np.float32) for hull in hulls])
    width = 2 * round(_BROW_ROOM * unit) + 1
    wider = cv2.GaussianBlur(cv2.dilate(area, np.ones((width, width))), (0, 0), width / 3)
    light = lab(avatar.picture)[..., 0]
    dark = float(np.quantile(light[area > 0.9], 0.15))
    bright = float(np.quantile(light[wider > 0.05], 0.85))
    return np.asarray(wider * np.clip((bright - light) / max(bright - dark, 1.0), 0, 1), np.float32)


def _skin(avatar: Avatar, parsed: Parsed) -> Field:
    """Face, ears, neck and hands: what has the cheeks' colour, without hair, lips, eyes."""
    colours = cv2.GaussianBlur(lab(avatar.picture), (0, 0), 0.01 * face_height(avatar.points))
    inner = np.maximum(_lips(avatar, parsed), _soft(avatar, eye_polygons(avatar.points)))
    hair = _hair(avatar, parsed)
    oval = _soft(avatar, [avatar.points[list(OVAL), :2]])
    face = np.minimum(oval, 1 - hair) * (1 - inner)
    typical = np.median(colours[(face > 0.9)], axis=0)
    apart = np.linalg.norm((colours - typical) * (0.35, 1, 1), axis=-1)
    like = np.clip(2 - apart / _SKIN_LIKE, 0, 1).astype(np.float32)
    grey = lab(avatar.picture)[..., 0] / np.float32(100)
    radius = max(2, round(_REFINE_RADIUS * face_height(avatar.points)))
    near = guided_filter(grey, np.maximum(like, face), radius, _REFINE_SOFTNESS)
    share = np.clip(near, 0, 1) * (avatar.matte / np.float32(255))
    return np.asarray(share * (1 - inner) * (1 - hair) * (1 - _brows(avatar, parsed)), np.float32)


def _hair(avatar: Avatar, parsed: Parsed) -> Field:
    """What the parser holds for hair of the person, its edges where the picture has them."""
    size = avatar.matte.shape[1], avatar.matte.shape[0]
    person = np.maximum(1 - parsed.share(Region.BACKGROUND, size), _LEAST_PERSON)
    seen = np.asarray(parsed.share(Region.HAIR, size) / person, np.float32)
    radius = max(2, round(_REFINE_RADIUS * face_height(avatar.points)))
    grey = lab(avatar.picture)[..., 0] / np.float32(100)
    soft = guided_filter(grey, seen, radius, _REFINE_SOFTNESS)
    share = np.clip((soft - 0.1) / 0.8, 0, 1)
    return np.asarray(np.minimum(share, avatar.matte / np.float32(255)), np.float32)


def _soft(avatar: Avatar, polygons: list[Points]) -> Field:
    """Polygons of landmarks, filled, with a soft edge: float32 [H, W]."""
    height, width = avatar.matte.shape
    window = slice(0, height), slice(0, width)
    filled = np.clip(sum(coverage(polygon[:, :2], window) for polygon in polygons), 0, 1)
    soft = cv2.GaussianBlur(filled, (0, 0), _SOFT * between_eyes(avatar.points))
    return np.asarray(soft, np.float32)


_SHARES: Mapping[str, Callable[[Avatar, Parsed], Field]] = {
    "hair": _hair,
    "lips": _lips,
    "brows": _brows,
    "eyes": _eyes,
    "skin": _skin,
}
PARTS = tuple(_SHARES)
