"""The parts of a portrait that can be restyled: soft masks at the photograph's resolution."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.avatar_file import Avatar
from realtime.enroll.matte import guided_filter
from realtime.face import (
    BROWS,
    OVAL,
    Points,
    coverage,
    eye_centres,
    eye_polygons,
    lip_polygons,
)
from realtime.regions import Region
from realtime.view import face_height

Picture = NDArray[np.uint8]
Field = NDArray[np.float32]
Flags = NDArray[np.bool_]

# Which regions of the mask, and so which style codes, a part stands for.
REGIONS_OF: Mapping[str, tuple[Region, ...]] = {
    "hair": (Region.HAIR,),
    "lips": (Region.UPPER_LIP, Region.LOWER_LIP),
    "brows": (Region.BROWS,),
    "eyes": (Region.EYES,),
    "skin": (Region.SKIN, Region.NOSE, Region.EARS),
}

# MediaPipe's irises: centre, then right, top, left and bottom of the rim.
_IRISES = ((468, 469, 470, 471, 472), (473, 474, 475, 476, 477))
_SOFT = 0.012  # eye distances: how softly the parts that landmarks outline end
_BROW_ROOM = 0.03  # eye distances: brows are a little thicker than their landmarks say
# Hair is cut from a picture whose face is this high.
_CUT_FACE_PX, _CUTS = 170, 4
_REFINE_RADIUS, _REFINE_SOFTNESS = 0.02, 0.0004
# In half axes of the oval, whose top lies at the hairline: no hair is further away.
_SURELY_SKIN, _FARTHEST = 0.85, 3.2
_HAIR_SHADE, _SKIN_LIKE = 14.0, 12.0  # distances in Lab


def part_share(avatar: Avatar, part: str) -> Field:
    """How much of each picture pixel belongs to a part of REGIONS_OF: float32 [H, W], 0..1."""
    return _SHARES[part](avatar)


def lab(picture: Picture) -> Field:
    """RGB uint8 [H, W, 3] -> CIE L*a*b*, float32 [H, W, 3]."""
    return np.asarray(cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)


def _lips(avatar: Avatar) -> Field:
    outlines = lip_polygons(avatar.points)
    return _soft(avatar, [outlines[Region.UPPER_LIP], outlines[Region.LOWER_LIP]])


def _eyes(avatar: Avatar) -> Field:
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


def _brows(avatar: Avatar) -> Field:
    """The hairs of the brows: what is darker there than the skin around."""
    points, unit = avatar.points, _eye_distance(avatar.points)
    hulls = [cv2.convexHull(points[list(brow), :2])[:, 0] for brow in BROWS]
    area = _soft(avatar, [np.asarray(hull, np.float32) for hull in hulls])
    width = 2 * round(_BROW_ROOM * unit) + 1
    wider = cv2.GaussianBlur(cv2.dilate(area, np.ones((width, width))), (0, 0), width / 3)
    light = lab(avatar.picture)[..., 0]
    dark = float(np.quantile(light[area > 0.9], 0.15))
    bright = float(np.quantile(light[wider > 0.05], 0.85))
    return np.asarray(wider * np.clip((bright - light) / max(bright - dark, 1.0), 0, 1), np.float32)


def _skin(avatar: Avatar) -> Field:
    """Face, ears, neck and hands: what has the cheeks' colour, without hair, lips, eyes."""
    colours = cv2.GaussianBlur(lab(avatar.picture), (0, 0), 0.01 * face_height(avatar.points))
    inner = np.maximum(_lips(avatar), _soft(avatar, eye_polygons(avatar.points)))
    oval = _soft(avatar, [avatar.points[list(OVAL), :2]])
    face = np.minimum(oval, 1 - _hair(avatar)) * (1 - inner)
    typical = np.median(colours[(face > 0.9)], axis=0)
    apart = np.linalg.norm((colours - typical) * (0.35, 1, 1), axis=-1)
    like = np.clip(2 - apart / _SKIN_LIKE, 0, 1).astype(np.float32)
    grey = lab(avatar.picture)[..., 0] / np.float32(100)
    radius = max(2, round(_REFINE_RADIUS * face_height(avatar.points)))
    near = guided_filter(grey, np.maximum(like, face), radius, _REFINE_SOFTNESS)
    share = np.clip(near, 0, 1) * (avatar.matte / np.float32(255))
    return np.asarray(share * (1 - inner) * (1 - _hair(avatar)) * (1 - _brows(avatar)), np.float32)


def _hair(avatar: Avatar) -> Field:
    """Cut from the person by the colours of what surely is hair, and what surely is not."""
    factor = min(1.0, _CUT_FACE_PX / face_height(avatar.points))
    size = tuple(round(side * factor) for side in avatar.matte.shape[::-1])
    small = np.asarray(cv2.resize(avatar.picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    person = cv2.resize(avatar.matte, size, interpolation=cv2.INTER_AREA) > 127
    found = _hair_cut(small, person, avatar.points * np.float32(factor))
    whole = cv2.resize(found.astype(np.float32), avatar.matte.shape[::-1])
    radius = max(2, round(_REFINE_RADIUS * face_height(avatar.points)))
    grey = lab(avatar.picture)[..., 0] / np.float32(100)
    soft = guided_filter(grey, np.asarray(whole, np.float32), radius, _REFINE_SOFTNESS)
    share = np.clip((soft - 0.1) / 0.8, 0, 1)
    return np.asarray(np.minimum(share, avatar.matte / np.float32(255)), np.float32)


def _hair_cut(picture: Picture, person: Flags, points: Points) -> Flags:
    """bool [h, w] of a small picture; nothing where no hair is seen."""
    colours = cv2.GaussianBlur(lab(picture), (0, 0), 1.5)
    y, x = np.mgrid[: person.shape[0], : person.shape[1]].astype(np.float32)
    oval = points[list(OVAL), :2]
    centre, half = (oval.min(0) + oval.max(0)) / 2, (oval.max(0) - oval.min(0)) / 2
    radius = np.hypot((x - centre[0]) / half[0], (y - centre[1]) / half[1])
    eyes = eye_centres(points)[:, 1].mean()
    cheeks = (radius < _SURELY_SKIN) & (y > eyes + 0.15 * half[1]) & (y < points[0, 1])
    skin = colours[cheeks]
    typical = np.median(skin, axis=0)
    away = np.linalg.norm(colours - typical, axis=-1)
    bare = max(float(np.quantile(np.linalg.norm(skin - typical, axis=-1), 0.9)), _HAIR_SHADE)
    above = person & (radius > 1) & (y < eyes)
    seeds = above & (away > 1.3 * bare)
    if seeds.sum() < 0.12 * max(above.sum(), 1):
        return np.zeros_like(person)
    # Below the chin are clothes, too: only what looks like the hair above can be hair.
    tones = np.quantile(colours[seeds], np.linspace(0.1, 0.9, 9), axis=0)
    unlike = np.linalg.norm(colours[:, :, None] - tones, axis=-1).min(-1) > _HAIR_SHADE
    labels = np.full(person.shape, cv2.GC_PR_BGD, np.uint8)
    labels[person & (away > bare) & (radius < _FARTHEST)] = cv2.GC_PR_FGD
    labels[seeds] = cv2.GC_FGD
    chest = (y > points[152, 1] + 0.35 * half[1]) & (abs(x - centre[0]) < 0.5 * half[0])
    chest |= unlike & (y > points[152, 1])
    labels[~person | (radius < _SURELY_SKIN) | chest | (radius > _FARTHEST)] = cv2.GC_BGD
    cv2.setRNGSeed(0)  # grabCut's clusters start at random
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(picture, labels, (0, 0, 0, 0), *models, _CUTS, cv2.GC_INIT_WITH_MASK)
    found = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
    _, parts = cv2.connectedComponents(found.astype(np.uint8))
    return found & np.isin(parts, np.unique(parts[seeds]))


def _eye_distance(points: Points) -> float:
    return float(np.linalg.norm(np.subtract(*eye_centres(points))))


def _soft(avatar: Avatar, polygons: list[Points]) -> Field:
    """Polygons of landmarks, filled, with a soft edge: float32 [H, W]."""
    height, width = avatar.matte.shape
    window = slice(0, height), slice(0, width)
    filled = np.clip(sum(coverage(polygon[:, :2], window) for polygon in polygons), 0, 1)
    soft = cv2.GaussianBlur(filled, (0, 0), _SOFT * _eye_distance(avatar.points))
    return np.asarray(soft, np.float32)


_SHARES: Mapping[str, Callable[[Avatar], Field]] = {
    "hair": _hair,
    "lips": _lips,
    "brows": _brows,
    "eyes": _eyes,
    "skin": _skin,
}
