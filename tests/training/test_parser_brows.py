"""Brows are found where the picture is dark, and not only where landmarks are."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face import BROWS, CROP, Points
from realtime.training.parser_brows import brow_hairs
from tests.faces import drawn_face

Flags = NDArray[np.bool_]


def _face() -> Points:
    """With brows 8 px thick, bent a little, 24 px above the eyes."""
    face = drawn_face()
    for brow, (outer, inner) in zip(BROWS, ((66, 112), (190, 144)), strict=True):
        x = np.linspace(outer, inner, 5)
        y = np.array([64, 61, 60, 61, 63])
        face[list(brow[:5])] = np.stack([x, y], 1)
        face[list(brow[:4:-1])] = np.stack([x, y + 8], 1)
    return face


def _filled(outlines: list[Points]) -> Flags:
    image = np.zeros((CROP, CROP), np.uint8)
    for outline in outlines:
        cv2.fillPoly(image, [np.round(outline * 16).astype(np.int32)], 1, shift=4)
    return image > 0


def _overlap(first: Flags, second: Flags) -> float:
    return float((first & second).sum() / (first | second).sum())


def _skin() -> NDArray[np.uint8]:
    return np.full((CROP, CROP, 3), (214, 176, 150), np.uint8)


def test_hairs_are_found_where_they_are() -> None:
    face = _face()
    by_landmarks = _filled([face[list(brow)] for brow in BROWS])
    lower = _filled([face[list(brow)] + np.array([0, 3], np.float32) for brow in BROWS])
    true = cv2.dilate(lower.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    picture = _skin()
    picture[true] = (60, 44, 40)
    found = brow_hairs(picture, face)
    assert _overlap(found, true) > 0.8
    assert _overlap(found, true) > _overlap(by_landmarks, true) + 0.1


def test_where_nothing_is_dark_there_are_none() -> None:
    assert not brow_hairs(_skin(), _face()).any()
