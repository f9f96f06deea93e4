"""The twelve-region mask of a portrait: polygons of its landmarks, and rules for what lies around.

Inner face from landmarks; hair, ears and body from the matte, the place and the colour.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face import (
    BROWS,
    CROP,
    NOSE,
    OVAL,
    Points,
    crop_matrix,
    eye_centres,
    eye_polygons,
    lip_polygons,
    transform,
)
from realtime.regions import Region

Picture = NDArray[np.uint8]
Flags = NDArray[np.bool_]
Field = NDArray[np.float32]

_PERSON = 127  # a matte above this is the person
# The crop ends at the chin: rules that need clothes and hair look at this much more on each side.
_ASIDE = 128
_CLUSTERS = 3  # colours of hair, of skin, of clothes
_CLEANED = 7  # pixels: smaller specks of hair or skin go to what surrounds them
# Canonical pixels: cheeks begin this far below the eyes, clothes this far below the chin; half
# widths of chest and neck.
_LIDS, _COLLAR, _CHEST, _NECK = 16, 50, 90, 45
_EAR_REACH = 26  # pixels beside the oval
# Of what is above the forehead: with less the head is bald, with more nothing else is there.
_LEAST_HAIR, _FULL_HAIR = 0.15, 0.28


def region_mask(picture: Picture, matte: Picture, points: Points) -> NDArray[np.uint8]:
    """Region ids uint8 [256, 256] of the canonical crop of a portrait.

    picture: RGB uint8 [H, W, 3]. matte: uint8 [H, W]. points: float32 [478, 3] in its pixels.
    """
    matrix = crop_matrix(points)
    matrix[:, 2] += _ASIDE
    side = CROP + 2 * _ASIDE
    wide, wide_matte = (
        np.asarray(cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_AREA), np.uint8)
        for image in (picture, matte)
    )
    placed = transform(matrix, points)
    person = wide_matte > _PERSON
    oval = _filled([placed[list(OVAL)]], side)
    hair = _hair(wide, person, oval, placed)
    mask = np.zeros((side, side), np.uint8)
    mask[person] = _around(person & ~hair, oval, placed)[person]
    mask[oval] = Region.SKIN
    mask[hair] = Region.HAIR
    for region, polygons in _inner_face(placed).items():
        mask[_filled(polygons, side)] = region
    return mask[_ASIDE : _ASIDE + CROP, _ASIDE : _ASIDE + CROP].copy()


def _inner_face(points: Points) -> dict[Region, list[Points]]:
    """Outlines in the order in which they cover one another."""
    lips = {region: [outline] for region, outline in lip_polygons(points).items()}
    return {
        Region.BROWS: [points[list(brow)] for brow in BROWS],
        Region.EYES: eye_polygons(points),
        Region.NOSE: [points[list(NOSE)]],
        **lips,
    }


def _filled(polygons: list[Points], side: int) -> Flags:
    image = np.zeros((side, side), np.uint8)
    for polygon in polygons:
        cv2.fillPoly(image, [np.round(polygon * 16).astype(np.int32)], 1, shift=4)
    return image > 0


def _around(bare: Flags, oval: Flags, points: Points) -> NDArray[np.uint8]:
    """What a person's pixels are that are neither hair nor face: ears, bald scalp, body."""
    y = np.arange(len(bare))[:, None]
    mouth = points[[61, 291], 1].mean()
    brows = points[[i for brow in BROWS for i in brow], 1].mean()
    beside = cv2.dilate(oval.astype(np.uint8), np.ones((1, 2 * _EAR_REACH + 1), np.uint8)) > 0
    around = np.full(bare.shape, Region.BODY, np.uint8)
    around[bare & (y < mouth)] = Region.SKIN
    around[bare & beside & ~oval & (y > brows) & (y < mouth)] = Region.EARS
    return around


def _hair(picture: Picture, person: Flags, oval: Flags, points: Points) -> Flags:
    """Pixels of the person that look like the hair above the face rather than skin or clothes."""
    y = np.arange(len(person))[:, None]
    x = np.arange(len(person))
    eyes, chin = eye_centres(points)[:, 1].mean(), points[152, 1]
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB).astype(np.float32)
    lab = np.asarray(cv2.GaussianBlur(lab, (0, 0), 1.5), np.float32)
    skin = oval & (y > eyes + _LIDS) & (y < points[[61, 291], 1].mean())
    to_skin = _distance(lab, _colours(lab[skin]))
    # Above the forehead lies hair, or a bald scalp, which looks like the cheeks.
    above = person & ~oval & (y < eyes)
    seeds = above & (to_skin > _bare_distance(to_skin[skin]))
    share = seeds.sum() / max(above.sum(), 1)
    if share < _LEAST_HAIR:
        return np.zeros_like(person)
    to_hair = _distance(lab, _colours(lab[seeds]))
    hair = person & ~oval & (to_hair < to_skin)
    if share > _FULL_HAIR:
        hair |= above
    clothes = person & (y > chin + _COLLAR) & (np.abs(x - points[152, 0]) < _CHEST)
    if clothes.sum() > _CLUSTERS:
        to_clothes = _distance(lab, _colours(lab[clothes]))
        under_chin = (y > chin) & (np.abs(x - points[152, 0]) < _NECK)
        hair &= (y < chin) | ((to_hair < to_clothes) & ~under_chin)
    # A fringe covers the forehead.
    hair |= (
        oval
        & (y < points[[i for brow in BROWS for i in brow], 1].min())
        & (to_hair < 0.7 * to_skin)
    )
    return _connected(_without_specks(hair), above)


def _bare_distance(skin: Field) -> float:
    """How far from the cheeks' colours bare skin may lie."""
    return 1.3 * float(np.quantile(skin, 0.85))


def _colours(pixels: Field) -> Field:
    """The main colours of pixels [n, 3]: float32 [k, 3]."""
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    cv2.setRNGSeed(0)
    _, _, centres = cv2.kmeans(pixels, _CLUSTERS, None, criteria, 1, cv2.KMEANS_PP_CENTERS)
    return np.asarray(centres, np.float32)


def _distance(lab: Field, colours: Field) -> Field:
    """Distance of every pixel to the nearest of some colours: float32 [h, w]."""
    apart = np.linalg.norm(lab[:, :, None] - colours, axis=-1)
    return np.asarray(apart.min(-1), np.float32)


def _without_specks(flags: Flags) -> Flags:
    return cv2.medianBlur(flags.astype(np.uint8), _CLEANED) > 0


def _connected(flags: Flags, seeds: Flags) -> Flags:
    """The parts of `flags` that reach into `seeds`."""
    _, labels = cv2.connectedComponents(flags.astype(np.uint8))
    return flags & np.isin(labels, np.unique(labels[flags & seeds]))
