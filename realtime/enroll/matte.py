"""Who is in front: a soft matte of the person at the portrait's own resolution."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.enroll.parse import Parsed
from realtime.face import Points
from realtime.regions import Region
from realtime.view import face_height

Picture = NDArray[np.uint8]
Field = NDArray[np.float32]

# The person is cut out of a picture whose face is so many pixels high. There the parser is believed
# beyond these, and the person's colours are learnt where it sees this much of a person at least: a
# room that is half believed to be a person must not teach them.
_CUT_PX, _CERTAIN, _LEAST_PERSON = 160, (0.005, 0.995), 0.8
_CUT_ROUNDS = 3
_CUT = 0.85  # what the cut counts beside the parser
# In face heights: how far around a pixel colours speak for it, and how far beyond a doubt they are
# asked.
_NEAR, _BAND = 0.3, 0.02
# A pixel is sure beyond these; what is known before counts for this share beside the colours.
_SURE, _PRIOR = (0.1, 0.9), 0.75
_ROUNDS = 2
# Least variance of a colour (L*a*b* over 255, squared), and the most that colours may say, nats.
_LEAST_VARIANCE, _LOUDEST = 2e-4, 12.0
# In face heights; and how much of the picture's own contrast (0..1, squared) is no edge.
_REFINE_RADIUS, _REFINE_SOFTNESS = 0.015, 0.0004
# The filter leaves a veil far from edges: what lies beyond these is stretched away.
_VEIL = 0.2


def person_matte(picture: Picture, points: Points, parsed: Parsed) -> Picture:
    """RGB uint8 [H, W, 3] and landmarks in its pixels -> matte uint8 [H, W], 255 the person."""
    face = face_height(points)
    size = picture.shape[1], picture.shape[0]
    seen, cut = 1 - parsed.share(Region.BACKGROUND, size), _cut_out(picture, parsed, face)
    rough = _CUT * cv2.resize(cut, size) + (1 - _CUT) * seen
    radius = max(2, round(_REFINE_RADIUS * face))
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / np.float32(255)
    soft = guided_filter(grey, _by_colour(picture, rough, face), radius, _REFINE_SOFTNESS)
    return np.asarray(np.clip((soft - _VEIL) / (1 - 2 * _VEIL), 0, 1) * 255 + 0.5, np.uint8)


def _cut_out(picture: Picture, parsed: Parsed, face: float) -> Field:
    """1 for the person, 0 for the room, seen small: where the parser doubts, along the edge that
    parts their colours best (GrabCut: Rother, Kolmogorov, Blake 2004)."""
    factor = min(1.0, _CUT_PX / face)
    size = round(picture.shape[1] * factor), round(picture.shape[0] * factor)
    share = 1 - parsed.share(Region.BACKGROUND, size)
    labels = np.where(share > _LEAST_PERSON, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[share < _CERTAIN[0]], labels[share > _CERTAIN[1]] = cv2.GC_BGD, cv2.GC_FGD
    person = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
    if person.any() and not person.all():
        cv2.setRNGSeed(0)  # its colours start from OpenCV's own random numbers
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        room, own = np.zeros((2, 1, 65))
        cv2.grabCut(small, labels, (0,) * 4, room, own, _CUT_ROUNDS, cv2.GC_INIT_WITH_MASK)
        person = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
    return person.astype(np.float32)


def _by_colour(picture: Picture, share: Field, face: float) -> Field:
    """Where there is doubt, what a pixel's colour says for person or room, as both look nearby.

    Person and room are a Gaussian each, with independent channels of L*a*b*, of the sure pixels
    around every pixel; Bayes' rule, with `share` as what is known before.
    """
    colours = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB).astype(np.float32) / np.float32(255)
    before = np.log((share + 0.02) / (1.02 - share))
    near, band = max(3, round(_NEAR * face)), max(2, round(_BAND * face))
    for _ in range(_ROUNDS):
        person, room = share > _SURE[1], share < _SURE[0]
        own, seen = _log_density(colours, person, near)
        other, seen_other = _log_density(colours, room, near)
        trust = np.clip(10 * np.minimum(seen, seen_other), 0, 1)
        said = np.clip(own - other, -_LOUDEST, _LOUDEST) * trust
        odds = _PRIOR * before + (1 - _PRIOR) * said
        doubted = _mean(((share > 0.02) & (share < 0.98)).astype(np.float32), band) > 0
        share = np.where(doubted, 1 / (1 + np.exp(-odds)), share).astype(np.float32)
    return share


def _log_density(colours: Field, flags: NDArray[np.bool_], radius: int) -> tuple[Field, Field]:
    """Of each colour under the Gaussian of the flagged ones around it, and the share of these."""
    weights = flags.astype(np.float32)
    share = _mean(weights, radius)
    known = share[..., None] + np.float32(1e-4)
    mean = _mean(colours * weights[..., None], radius) / known
    square = _mean(colours**2 * weights[..., None], radius) / known
    variance = np.maximum(square - mean**2, 0) + np.float32(_LEAST_VARIANCE)
    density = -((colours - mean) ** 2 / variance + np.log(variance)).sum(-1) / 2
    return np.asarray(density, np.float32), share


def _mean(values: Field, radius: int) -> Field:
    return np.asarray(cv2.blur(values, (2 * radius + 1, 2 * radius + 1)), np.float32)


def guided_filter(guide: Field, image: Field, radius: int, softness: float) -> Field:
    """`image` float32 [H, W] with edges where `guide` has them (He, Sun, Tang 2010)."""
    guide_mean, image_mean = _mean(guide, radius), _mean(image, radius)
    variance = _mean(guide * guide, radius) - guide_mean**2
    slope = (_mean(guide * image, radius) - guide_mean * image_mean) / (variance + softness)
    level = image_mean - slope * guide_mean
    return np.asarray(_mean(slope, radius) * guide + _mean(level, radius), np.float32)
