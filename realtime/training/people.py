"""The people of the training pictures: photographs in the canonical crop, and who is held out."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face import (
    EYE_DISTANCE,
    WHOLE,
    Points,
    close_lips,
    coverage,
    crop_picture,
    lip_gap,
    lip_polygons,
    transform,
)
from realtime.mouth_plate import MouthPlate, default_denture, fit_denture, mouth_light
from realtime.regions import Region

HELD_OUT = (
    *("london_008", "london_009", "london_030", "london_042", "london_096", "london_173"),
    *("canada_024f", "faker_female_25", "faker_male_42", "op_P008"),
)

_UNUSABLE = frozenset({"tongue", "hand", "headwear", "yaw", "small", "hair_mask_doubtful"})
# Lips farther apart than this, in eye distances, cannot be closed by moving them.
_WIDEST = 0.2
# A smile opens this much of the face's height, with this share of teeth, before its teeth serve.
_OPEN_SMILE, _BRIGHT_TEETH = 0.04, 0.7


@dataclass(frozen=True)
class Photo:
    """One photograph: crop RGB uint8 [256, 256, 3], points float32 [478, 2], mask uint8 ids."""

    person: str
    name: str
    crop: NDArray[np.uint8]
    points: Points
    mask: NDArray[np.uint8]
    light: NDArray[np.float32]
    smile: NDArray[np.uint8] | None
    """The person's own upper teeth where a photograph shows them: RGBA uint8 [256, 256, 4]."""

    @property
    def closed(self) -> Points:
        """The points with the lips together, from which motion counts."""
        return close_lips(self.points)


def load_photos(faces: Path, *, held_out: bool) -> list[Photo]:
    """The usable photographs of `data/clean/faces`, either without HELD_OUT or of HELD_OUT only.

    Raises FileNotFoundError where index.tsv, landmarks.npz or a picture is missing.
    """
    with open(faces / "index.tsv", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    with np.load(faces / "landmarks.npz") as archive:
        landmarks = archive["lm"].astype(np.float32) * np.float32(archive["scale"])
    photos: list[Photo] = []
    smiles: dict[str, NDArray[np.uint8]] = {}
    for row, points in zip(rows, landmarks, strict=True):
        if (row["person"] in HELD_OUT) != held_out or _flags(row) & _UNUSABLE:
            continue
        photo = _load(faces, row, points)
        if float(row["mouth_open"]) > _OPEN_SMILE and float(row["teeth"]) > _BRIGHT_TEETH:
            smiles[photo.person] = _teeth(photo)
        if lip_gap(photo.points) <= _WIDEST * EYE_DISTANCE:
            photos.append(photo)
    return [replace(photo, smile=smiles.get(photo.person)) for photo in photos]


def own_plate(
    photo: Photo, *, scale: float = 1.0, shift: tuple[float, float] = (0, 0)
) -> MouthPlate:
    """The default denture behind this person's lips; scale and shift (px) give variety."""
    closed = photo.closed + np.array(shift, np.float32)
    return fit_denture(default_denture(), closed, photo.light, scale=scale)


def smile_plate(photo: Photo) -> MouthPlate:
    """The person's own upper teeth, over the default denture's lower ones.

    Raises ValueError where no photograph shows them.
    """
    if photo.smile is None:
        raise ValueError(f"expected a photograph that shows teeth, found none of {photo.person}")
    return replace(own_plate(photo), upper=photo.smile)


def _flags(row: dict[str, str]) -> set[str]:
    return set(row["flags"].replace(";", ",").split(","))


def _load(faces: Path, row: dict[str, str], points: Points) -> Photo:
    matrix = np.array(row["matrix"].split(","), np.float32).reshape(2, 3)
    picture = cv2.imread(str(faces / row["file"]))
    mask = cv2.imread(
        str((faces / "masks" / row["file"]).with_suffix(".png")), cv2.IMREAD_GRAYSCALE
    )
    if picture is None or mask is None:
        raise FileNotFoundError(f"expected picture and mask of {row['file']}, found not both")
    crop = crop_picture(np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8), matrix)
    placed = transform(matrix, points)
    return Photo(
        person=row["person"],
        name=row["file"],
        crop=crop,
        points=placed,
        mask=np.asarray(mask, np.uint8),
        light=mouth_light(crop, placed),
        smile=None,
    )


def _teeth(photo: Photo) -> NDArray[np.uint8]:
    """The inside of an open smile, softly cut: RGBA uint8 [256, 256, 4]."""
    inside = coverage(lip_polygons(photo.points)[Region.MOUTH], WHOLE)
    # The outermost pixel is half lip.
    eroded = cv2.erode(inside, np.ones((3, 3), np.uint8))
    alpha = np.round(255 * cv2.GaussianBlur(eroded, (0, 0), 0.7))
    return np.dstack([photo.crop, alpha.astype(np.uint8)])
