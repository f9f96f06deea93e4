"""One photograph in, one avatar out, in seconds and without training."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.avatar_file import LONGEST_SIDE, Avatar
from realtime.enroll.landmarks import Landmarker, portrait_points
from realtime.enroll.mask import region_mask
from realtime.enroll.matte import person_matte
from realtime.enroll.outlines import settled
from realtime.enroll.parse import parse
from realtime.enroll.shut import shut_mouth
from realtime.enroll.teeth import with_own_teeth
from realtime.errors import PortraitError
from realtime.face import (
    Points,
    crop_matrix,
    crop_picture,
    eye_centres,
    planes,
    transform,
)
from realtime.models.face_parser import FaceParser
from realtime.models.networks import Networks
from realtime.mouth_plate import default_denture, fit_denture, mouth_light
from realtime.picture_bytes import decode
from realtime.regions import one_hot
from realtime.view import face_height

SUFFIXES = frozenset({".jpeg", ".jpg", ".png", ".webp"})  # of pictures

Picture = NDArray[np.uint8]

_LARGEST_BYTES = 30_000_000
_LARGEST_PIXELS = 50_000_000
# What is kept of the photograph around the eyes, in face heights: enough for a wide frame.
_ASIDE, _ABOVE, _BELOW = 2.1, 1.15, 1.6


def pictures_under(folder: Path) -> list[Path]:
    """The picture files in a folder and the folders in it, by path."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def read_picture(path: Path) -> Picture:
    """A JPEG, PNG or WebP, upright: RGB uint8 [H, W, 3].

    Raises PortraitError if it is none, is damaged, or is larger than 30 MB or 50 megapixels.
    """
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= _LARGEST_BYTES else b""
    except OSError as error:
        raise PortraitError(f"expected a picture at {path}, found {error.strerror}") from error
    picture = decode(data, cv2.IMREAD_COLOR_RGB, _LARGEST_PIXELS)
    if picture is None:
        raise PortraitError(
            "expected a JPEG, PNG or WebP picture of at most 30 MB and 50 megapixels, "
            f"found something else in {path.name}"
        )
    return picture


def enroll(
    picture: Picture,
    name: str,
    consent: str,
    *,
    created: str,
    landmarker: Landmarker,
    parser: FaceParser,
    networks: Networks,
) -> Avatar:
    """The avatar of the one person in RGB uint8 [H, W, 3]; raises PortraitError.

    `consent` is the statement under which it is made, `created` an ISO date; `networks` give the
    style codes, and say how mouths open.
    """
    as_it_was, found = head_and_shoulders(picture, portrait_points(landmarker, picture))
    parted = settled(as_it_was, found)
    opening = networks.lips.landmarks(networks.lips.parting()).numpy()
    picture, points = shut_mouth(as_it_was, parted, opening)
    parsed = parse(parser, picture, points)
    matte = person_matte(picture, points, parsed)
    mask = region_mask(picture, points, parsed)
    matrix = crop_matrix(points)
    closed = transform(matrix, points)
    crop = crop_picture(picture, matrix)
    plate = fit_denture(default_denture(), closed, mouth_light(crop, closed))
    return Avatar(
        name=name,
        picture=picture,
        points=points,
        mask=mask,
        matte=matte,
        plate=with_own_teeth(plate, crop_picture(as_it_was, matrix), transform(matrix, parted)),
        codes=networks.codes(planes(crop), one_hot(mask)),
        consent=consent,
        created=created,
        weights_hash=networks.digest,
    )


def head_and_shoulders(picture: Picture, points: Points) -> tuple[Picture, Points]:
    """The part a frame can show, at most 1280 pixels long, and the landmarks in it."""
    rows, columns = shown_part(picture.shape, points)
    cut = picture[rows, columns]
    moved = points - np.array([columns.start, rows.start, 0], np.float32)
    factor = min(1.0, LONGEST_SIDE / max(cut.shape[:2]))
    size = round(cut.shape[1] * factor), round(cut.shape[0] * factor)
    smaller = cv2.resize(cut, size, interpolation=cv2.INTER_AREA)
    return np.asarray(smaller, np.uint8), moved * np.float32(factor)


def shown_part(shape: tuple[int, ...], points: Points) -> tuple[slice, slice]:
    """Rows and columns around a face that a frame can show of a picture [H, W, ...]."""
    face = face_height(points)
    x, y = eye_centres(points).mean(0)
    height, width = shape[:2]
    left, right = max(0, round(x - _ASIDE * face)), min(width, round(x + _ASIDE * face))
    top, bottom = max(0, round(y - _ABOVE * face)), min(height, round(y + _BELOW * face))
    return slice(top, bottom), slice(left, right)
