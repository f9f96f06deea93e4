"""Fringes, combed over the foreheads of people who wear none."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face import BROWS, OVAL, eye_centres
from realtime.regions import Region
from realtime.training.parser_attire import Person
from realtime.view import face_height

Field = NDArray[np.float32]

# Where fringes end below the top of the brows, in face heights, and how ragged they are.
_ENDS, _RAGGED = (-0.12, 0.1), 0.02
# So far above the hairline hair hides the skin, in face heights.
_FULL = 0.03
# The share of the forehead's width that is bare at either side at most, and the least hair.
_BARE, _LEAST_HAIR = 0.3, 0.05


def comb_fringe(person: Person, rng: np.random.Generator) -> None:
    """Hair mirrored at the hairline, down to the brows, in place; the bald are left as they are."""
    face, eyes = face_height(person.points), eye_centres(person.points)[:, 1].mean()
    oval = person.points[list(OVAL)]
    left, right = (round(float(edge)) for edge in (oval[:, 0].min(), oval[:, 0].max()))
    height, width = person.alpha.shape
    columns = np.arange(max(left, 0), min(right, width))
    if len(columns) < 2:
        return
    hair = (person.regions == Region.HAIR) & (person.alpha > 0.5)
    hair[max(int(eyes), 0) :] = False
    hair = hair[:, columns]
    thick = hair.sum(0)
    if np.quantile(thick, 0.2) < _LEAST_HAIR * face:
        return
    # A little above the lowest row of hair in every column, and how far the fringe reaches below.
    hairline = (height - 1 - hair[::-1].argmax(0) - _FULL * face).astype(np.float32)
    brows = person.points[[i for brow in BROWS for i in brow], 1].min()
    ends = brows + face * (rng.uniform(*_ENDS) + _noise(len(columns), rng))
    reach = np.maximum(ends - hairline, 0) * _width(len(columns), rng)
    y, x = np.mgrid[:height, columns[0] : columns[-1] + 1].astype(np.float32)
    below = y - hairline
    share = np.zeros((height, width), np.float32)
    share[:, columns] = (below > 0) & (below <= reach) & (thick > 0)
    share = np.asarray(cv2.GaussianBlur(share, (0, 0), 0.7), np.float32)
    # To and fro within the hair above.
    deep = np.maximum(thick - _FULL * face, 1).astype(np.float32)
    there = hairline - (deep - np.abs(deep - np.maximum(below, 0) % (2 * deep)))
    combed = person.colour.copy()
    combed[:, columns] = cv2.remap(person.colour, x, there, cv2.INTER_LINEAR)
    person.colour += share[..., None] * (combed - person.colour)
    person.regions[share > 0.5] = Region.HAIR


def _noise(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """How ragged the lower edge is: broad waves and single strands, in face heights."""
    waves = sum(
        cv2.GaussianBlur(rng.standard_normal((1, count)), (0, 0), wide)[0] * wide**0.5
        for wide in (1.0, 4.0, 16.0)
    )
    return np.asarray(_RAGGED * waves, np.float64)


def _width(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """1 under the fringe, falling to 0 at its two sides."""
    x = np.linspace(0, 1, count)
    start, end = rng.uniform(-0.2, _BARE), 1 - rng.uniform(-0.2, _BARE)
    rise = rng.uniform(0.05, 0.3)
    return np.asarray(np.clip(np.minimum(x - start, end - x) / rise, 0, 1))
