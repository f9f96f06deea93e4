"""The shipped portraits: faces of nobody, averaged from generated CC0 pictures.

Hair, clothes and room are one picture's; the inner face is the average of three, each warped onto
a shape between theirs. The base's own fine detail and eyes are kept, so nothing looks blurred.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime import avatar_file
from realtime.enroll.landmarks import Landmarker
from realtime.enroll.portrait import enroll, read_picture
from realtime.face import EYE_CORNERS, OVAL, Points, close_eyes, eye_polygons
from realtime.models.face_parser import FaceParser
from realtime.models.networks import Networks

Picture = NDArray[np.uint8]
Field = NDArray[np.float32]

SOURCE = "faker"  # the set of clean/faces under CC0
CONSENT = (
    "A face of nobody: averaged from three generated pictures of "
    "faker-js/assets-person-portrait (CC0 1.0)."
)

# How far the base's shape goes to the mean shape, and what every picture gives to the average.
_SHAPE_SHARE = 0.5
_WEIGHTS = (0.34, 0.33, 0.33)
# Below this many pixels detail is the base's own and the average's, in these shares.
_DETAIL_SIGMA, _BASE_DETAIL, _AVERAGE_DETAIL = 3.0, 0.55, 0.75
# The average fills this much of the face oval; edges of face and eyes are this soft, in pixels.
_FILLED, _FACE_FEATHER, _EYE_FEATHER = 0.93, 12.0, 3.0
_EYE_MARGIN = 4
_SMOOTHING = 1e-4
# A warp is exact at landmarks and computed at every n-th pixel between.
_WARP_STEP = 4
# Points that do not speak or smile: eye corners, nose bridge, temples, forehead.
_STILL = (*EYE_CORNERS[0], *EYE_CORNERS[1], 168, 6, 127, 356, 10, 151)


class Recipe(NamedTuple):
    """The base, the two averaged with it, and by what share of their opening its eyes are opened.

    A squint hides blinks: nobody sees a narrow eye close.
    """

    base: str
    others: tuple[str, str]
    wider_eyes: float


RECIPES = {
    "ava": Recipe("female_86", ("female_49", "female_47"), 0.0),
    "max": Recipe("male_78", ("male_02", "male_90"), 0.35),
}


def make(
    data: Path,
    out: Path,
    *,
    created: str,
    landmarker: Landmarker,
    parser: FaceParser,
    networks: Networks,
) -> list[Path]:
    """Writes every shipped avatar into the folder `out`, from the pictures of `data`/clean/faces.

    `created` is an ISO date; `networks` give the style codes.
    """
    paths = []
    for name, recipe in RECIPES.items():
        base, *others = read_portraits(data, (recipe.base, *recipe.others))
        avatar = enroll(
            new_face(base, others, recipe.wider_eyes),
            name,
            CONSENT,
            created=created,
            landmarker=landmarker,
            parser=parser,
            networks=networks,
        )
        paths.append(out / f"{name}.avatar")
        avatar_file.save(avatar, paths[-1])
    return paths


@dataclass(frozen=True)
class Portrait:
    """A picture RGB uint8 [H, W, 3] and its landmarks float32 [478, 2] in pixels."""

    picture: Picture
    points: Points


def read_portraits(data: Path, names: Sequence[str]) -> list[Portrait]:
    """Portraits of `data`/clean/faces by their names in the CC0 set."""
    folder = data / "clean" / "faces"
    with (folder / "index.tsv").open(newline="") as file:
        order = [row["file"] for row in csv.DictReader(file, delimiter="\t")]
    with np.load(folder / "landmarks.npz") as stored:
        landmarks, scale = stored["lm"], stored["scale"]
    files = [f"{SOURCE}/{name}.jpg" for name in names]
    return [
        Portrait(
            read_picture(folder / file),
            np.asarray(landmarks[order.index(file), :, :2] * scale, np.float32),
        )
        for file in files
    ]


def new_face(base: Portrait, others: Sequence[Portrait], wider_eyes: float) -> Picture:
    """Somebody else with the base's hair, clothes and room: RGB uint8 of the base's size.

    `wider_eyes` is the recipe's.
    """
    portraits = (base, *others)
    aligned = [_aligned(each.points, base.points) for each in portraits]
    target = base.points + _SHAPE_SHARE * (np.mean(aligned, axis=0) - base.points)
    target = close_eyes(np.asarray(target, np.float32), -wider_eyes)
    shape = base.picture.shape[:2]
    room = _warped(base, target, shape, anchors=_border(shape))
    donors = [_warped(each, target, shape, anchors=target[:0]) for each in others]
    face = _soft([_scaled(target[list(OVAL)], _FILLED)], shape, 0, _FACE_FEATHER)
    eyes = _soft(eye_polygons(target), shape, _EYE_MARGIN, _EYE_FEATHER)
    matched = [room, *(_colour_matched(each, room, face > 0.5) for each in donors)]
    average = np.tensordot(np.array(_WEIGHTS, np.float32), np.stack(matched), 1)
    made = (
        _low(average)
        + _BASE_DETAIL * (room - _low(room))
        + _AVERAGE_DETAIL * (average - _low(average))
    )
    share = (face * (1 - eyes))[..., None]
    return np.asarray(np.clip(room + share * (made - room), 0, 255) + 0.5, np.uint8)


def _aligned(points: Points, onto: Points) -> Points:
    """Points by the similarity that best lays their still points onto those of `onto`."""
    still = list(_STILL)
    matrix, _ = cv2.estimateAffinePartial2D(points[still], onto[still], method=cv2.LMEDS)
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2], np.float32)


def _border(shape: tuple[int, int]) -> Points:
    """Corners and middles of the sides of a picture: float32 [8, 2]."""
    height, width = shape
    places = [(x, y) for x in (0, 0.5, 1) for y in (0, 0.5, 1) if (x, y) != (0.5, 0.5)]
    return np.array(places, np.float32) * np.array([width - 1, height - 1], np.float32)


def _warped(portrait: Portrait, target: Points, shape: tuple[int, int], anchors: Points) -> Field:
    """The portrait with its landmarks at `target`: float32 [H, W, 3], 0..255.

    Points of `anchors` stay where they are.
    """
    height, width = shape
    x, y = (np.arange(0, side + _WARP_STEP, _WARP_STEP, dtype=np.float32) for side in shape[::-1])
    grid = np.dstack(np.meshgrid(x, y))
    centres = np.vstack([target, anchors])
    moves = np.vstack([portrait.points - target, np.zeros_like(anchors)])
    offsets = spline(centres, moves, grid.reshape(-1, 2)).reshape(grid.shape)
    coarse = np.array([[1 / _WARP_STEP, 0, 0], [0, 1 / _WARP_STEP, 0]])
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    places = cv2.warpAffine(grid + offsets, coarse, (width, height), flags=how)
    warped = cv2.remap(
        portrait.picture, places, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(warped, np.float32)


def spline(centres: Points, values: Points, places: Points) -> Points:
    """Thin-plate spline through `values` [n, 2] at `centres` [n, 2], at `places` [m, 2].

    Slightly smoothed, since landmarks are not exact to a pixel.
    """
    size = float(np.ptp(centres, axis=0).max())
    at, where = centres.astype(np.float64) / size, places.astype(np.float64) / size
    ones = np.column_stack([np.ones(len(at)), at])
    system = np.zeros((len(at) + 3, len(at) + 3))
    system[: len(at), : len(at)] = _plate_energy(at, at) + _SMOOTHING * np.eye(len(at))
    system[: len(at), len(at) :] = ones
    system[len(at) :, : len(at)] = ones.T
    weights = np.linalg.solve(system, np.vstack([values, np.zeros((3, 2))]))
    bent = _plate_energy(where, at) @ weights[: len(at)]
    flat = np.column_stack([np.ones(len(where)), where]) @ weights[len(at) :]
    return np.asarray(bent + flat, np.float32)


def _plate_energy(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """r^2 log r for all pairs: float64 [n, m]."""
    squared = ((first[:, None] - second) ** 2).sum(-1)
    return np.asarray(0.5 * squared * np.log(np.maximum(squared, 1e-12)))


def _scaled(polygon: Points, factor: float) -> Points:
    middle = polygon.mean(0)
    return np.asarray(middle + factor * (polygon - middle), np.float32)


def _soft(polygons: Sequence[Points], shape: tuple[int, int], grow: int, feather: float) -> Field:
    """1 inside the polygons, grown by `grow` pixels, 0 outside, soft between: float32 [H, W]."""
    image = np.zeros(shape, np.float32)
    for polygon in polygons:
        cv2.fillPoly(image, [np.round(polygon).astype(np.int32)], 1.0)
    grown = cv2.dilate(image, np.ones((2 * grow + 1, 2 * grow + 1), np.uint8))
    return np.asarray(cv2.GaussianBlur(grown, (0, 0), feather), np.float32)


def _colour_matched(picture: Field, model: Field, where: NDArray[np.bool_]) -> Field:
    """The picture with the model's mean and spread of colour, in Lab, over `where`."""
    lab, wanted = (
        cv2.cvtColor(each / np.float32(255), cv2.COLOR_RGB2LAB) for each in (picture, model)
    )
    mean, spread = lab[where].mean(0), lab[where].std(0)
    lab = (lab - mean) / spread * wanted[where].std(0) + wanted[where].mean(0)
    matched = cv2.cvtColor(lab.astype(np.float32), cv2.COLOR_LAB2RGB)
    return np.asarray(np.clip(matched, 0, 1) * 255, np.float32)


def _low(picture: Field) -> Field:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), _DETAIL_SIGMA), np.float32)
