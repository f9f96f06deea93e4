"""Who is in front: a soft matte of the person, cut from the picture by colour and landmarks."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face import OVAL, Points
from realtime.view import face_height

Picture = NDArray[np.uint8]
Field = NDArray[np.float32]

# The cut is made on a picture whose face is this high, whatever the portrait's own size.
_CUT_FACE_PX = 170
_CUTS = 2
# In half axes of the face oval: the skin that is surely the person, the scalp above it, the hair
# that may be, and beyond which nothing above the shoulders is. The skull is higher than the oval.
_SURE, _SCALP, _MAYBE, _NEVER = 0.95, 1.2, 1.45, 2.6
_SKULL = 1.2
# Half width of the neck, and the line of the shoulders: so far below the chin at its middle, and
# falling so steeply. In face heights; surely the person below the one, maybe below the other.
_NECK = 0.20
_SURE_SHOULDERS, _MAYBE_SHOULDERS = (0.16, 0.20), (0.00, 0.10)
# The lowest part of the picture shows the chest: its share of the height, and half its width.
_CHEST_ROWS, _CHEST = 0.05, 0.60
_REFINE_RADIUS, _REFINE_SOFTNESS = 0.025, 0.0004


def person_matte(picture: Picture, points: Points) -> Picture:
    """RGB uint8 [H, W, 3] and landmarks in its pixels -> matte uint8 [H, W], 255 the person."""
    factor = min(1.0, _CUT_FACE_PX / face_height(points))
    size = round(picture.shape[1] * factor), round(picture.shape[0] * factor)
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    seeds = _seeds(small.shape[:2], points * np.float32(factor))
    background, person = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)  # grabCut's clusters start at random
    cv2.grabCut(small, seeds, (0, 0, 0, 0), background, person, _CUTS, cv2.GC_INIT_WITH_MASK)
    found = np.isin(seeds, (cv2.GC_FGD, cv2.GC_PR_FGD))
    # Below the chin a person has no holes: under a shoulder there is an arm.
    chin = round(float(points[152, 1]) * factor)
    found[chin:] = np.logical_or.accumulate(found[chin:], axis=0)
    cut = _largest(found)
    whole = cv2.resize(cut, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    radius = max(2, round(_REFINE_RADIUS * face_height(points)))
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / np.float32(255)
    soft = guided_filter(grey, np.asarray(whole, np.float32), radius, _REFINE_SOFTNESS)
    # The filter leaves a veil far from edges: stretch it away.
    return np.asarray(np.clip((soft - 0.1) / 0.8, 0, 1) * 255 + 0.5, np.uint8)


def guided_filter(guide: Field, image: Field, radius: int, softness: float) -> Field:
    """`image` float32 [H, W] with edges where `guide` has them (He, Sun, Tang 2010)."""

    def mean(values: Field) -> Field:
        return np.asarray(cv2.blur(values, (2 * radius + 1, 2 * radius + 1)), np.float32)

    guide_mean, image_mean = mean(guide), mean(image)
    variance = mean(guide * guide) - guide_mean**2
    slope = (mean(guide * image) - guide_mean * image_mean) / (variance + np.float32(softness))
    level = image_mean - slope * guide_mean
    return mean(slope) * guide + mean(level)


def _seeds(shape: tuple[int, int], points: Points) -> NDArray[np.uint8]:
    """What the landmarks say of each pixel, in grabCut's terms: uint8 [h, w]."""
    height, width = shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    oval = points[list(OVAL), :2]
    centre, half = (oval.min(0) + oval.max(0)) / 2, (oval.max(0) - oval.min(0)) / 2
    down = (y - centre[1]) / half[1]
    radius = np.hypot((x - centre[0]) / half[0], np.where(down < 0, down / _SKULL, down))
    face = face_height(points)
    below = (y - points[152, 1]) / face
    aside = np.abs(x - points[152, 0]) / face

    seeds = np.full(shape, cv2.GC_PR_BGD, np.uint8)
    maybe_body, body = (
        below > start + fall * aside for start, fall in (_MAYBE_SHOULDERS, _SURE_SHOULDERS)
    )
    seeds[(radius < _MAYBE) | maybe_body] = cv2.GC_PR_FGD
    seeds[(radius > _NEVER) & ~maybe_body] = cv2.GC_BGD
    rim = (x < 2) | (x > width - 3) | (y < 2)
    seeds[rim & (radius > _MAYBE) & ~maybe_body] = cv2.GC_BGD
    chest = (y > (1 - _CHEST_ROWS) * height) & (aside < _CHEST)
    scalp = (radius < _SCALP) & (down < -0.3)
    neck = (below > -0.1) & (aside < _NECK)
    seeds[neck | body | chest | scalp | (radius < _SURE)] = cv2.GC_FGD
    return seeds


def _largest(mask: NDArray[np.bool_]) -> Field:
    """The largest connected part, its holes filled and its edge smoothed: float32, 0..1."""
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    largest = labels == 1 + int(statistics[1:, cv2.CC_STAT_AREA].argmax())
    outlines, _ = cv2.findContours(
        largest.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    filled = np.zeros(mask.shape, np.float32)
    cv2.drawContours(filled, outlines, -1, 1.0, cv2.FILLED)
    return np.asarray(cv2.GaussianBlur(filled, (0, 0), 1.0), np.float32)
