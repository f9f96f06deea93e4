"""Portraits in the palette's colours, small: what a caller chooses a look by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np

from realtime.avatar_file import Avatar
from realtime.enroll.edit import Edit, named_style, restyled
from realtime.enroll.palette import palette
from realtime.face import eye_centres
from realtime.frame import Picture
from realtime.gallery import Portraits
from realtime.models.face_parser import FaceParser
from realtime.view import face_height

_SIDE = 192
# In face heights: the side of what is shown, and how far its middle is below the eyes.
_SHOWN, _LOWER = 1.8, 0.15


class FittingRoom:
    """See `realtime.call.looks.Fitting`."""

    def __init__(self, gallery: Portraits, parser: FaceParser) -> None:
        self._gallery = gallery
        self._parser = parser

    def colours(self) -> Mapping[str, Sequence[str]]:
        """The names of the palette's colours, by part."""
        return {part: list(names) for part, names in palette().items()}

    def picture(self, avatar: str, part: str, colour: str) -> Picture:
        """RGB uint8 [192, 192, 3]; InputError if there is no such avatar, part or colour."""
        edit = Edit({} if colour == "own" else {part: named_style(part, colour)})
        return restyled(_head(self._gallery.load(avatar)), edit, self._parser)


def _head(avatar: Avatar) -> Avatar:
    """The head alone, small."""
    face = face_height(avatar.points)
    zoom = _SIDE / (_SHOWN * face)
    x, y = eye_centres(avatar.points).mean(0)
    shift = np.array([_SIDE / 2 - zoom * x, _SIDE / 2 - zoom * (y + _LOWER * face)], np.float32)
    matrix = np.array([[zoom, 0, shift[0]], [0, zoom, shift[1]]], np.float32)
    how, border = cv2.INTER_AREA, cv2.BORDER_REPLICATE
    picture, matte = (
        np.asarray(cv2.warpAffine(each, matrix, (_SIDE, _SIDE), None, how, border), np.uint8)
        for each in (avatar.picture, avatar.matte)
    )
    points = avatar.points * np.float32(zoom)
    points[:, :2] += shift
    return replace(avatar, picture=picture, matte=matte, points=points)
