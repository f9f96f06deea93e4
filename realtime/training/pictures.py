"""Made pictures: a photograph warped to a mouth that really spoke, so that everything is known.

A picture is a pure function of the people, the motions and a random generator. The landmarks of a
photograph, lips closed, are moved by the lower-face motion of somebody else; the photograph is
warped along, and in the opening stands the mouth plate, shaded towards the lips.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.enroll.mesh import backward_flow, sample
from realtime.face import (
    CROP,
    MOUTH_WINDOW,
    Points,
    coverage,
    jaw_drop,
    lip_polygons,
    move_lips,
    overlay,
)
from realtime.models.face_parser import network_input
from realtime.models.tsg import RestingMask
from realtime.mouth_plate import MouthPlate
from realtime.regions import Region, one_hot
from realtime.training.lip_basis import taper
from realtime.training.parser_attire import Person, put_on_glasses
from realtime.training.people import Photo, own_plate, smile_plate
from realtime.training.side_light import side_light

Array = NDArray[np.float32]

# Light left at the rim of the opening, how much comes with depth, how far the rim reaches (px), and
# where the upper lip's shadow falls (px further down). With these, mouths are as bright beside
# their skin as in the smiles of clean/faces and the films of clean/video.
_RIM_LIGHT, _RIM_GAIN, _RIM_REACH, _LIP_SHADOW = 0.40, 0.80, 3.0, 1.5
_FULL_LIGHT = 1.1
_FIRST_MASKS = 0.3
_SMILE_PLATES, _GLASSES = 0.35, 0.1
_SIDE_LIGHT = 0.35
# The parser sees the canonical crop at about the size of face it was trained on; of what it is
# told, only the place beside the eyes changes its sign in a mirror.
PARSED_PX = 160
_MIRRORED = np.array([1, 1, -1, 1], np.float32)[:, None, None]


@dataclass(frozen=True)
class Motions:
    """Lower-face displacements of people who speak, in eye distances, as coefficients of a basis.

    coefficients: per speaker float32 [T, K], rest subtracted, rows in the order of the lip gap;
    basis float32 [K, 478, 2], faded out above the nose.
    """

    coefficients: Sequence[Array]
    basis: Array

    def draw(self, rng: np.random.Generator) -> Array:
        """A random frame of a random speaker, open ones preferred: float32 [478, 2]."""
        return np.tensordot(self.draw_coefficients(rng), self.basis, 1)

    def still(self) -> Motions:
        """Of people who say nothing."""
        return replace(self, coefficients=[np.zeros_like(self.coefficients[0][:1])])

    def draw_coefficients(self, rng: np.random.Generator) -> Array:
        """The same before the basis, a little exaggerated or damped: float32 [K]."""
        frames = self.coefficients[int(rng.integers(len(self.coefficients)))]
        row = frames[int(len(frames) * rng.random() ** 0.6)]
        return np.asarray(rng.uniform(0.7, 1.3) * row, np.float32)


@dataclass(frozen=True)
class Picture:
    """One training picture; the window's arrays are [h, w, ...], the photograph's [256, 256, ...].

    photo uint8 RGB, mask uint8 ids: what the avatar was enrolled with. target float32 [12, h, w]
    and plate float32 RGB 0..1: what a frame brings. truth float32 RGB 0..1, flow float32 (x, y)
    canonical px, matte float32 0..1: the answer. parsed float32 [4, 160, 160]: what a face parser
    is told of the answer's face, the whole crop's.
    """

    photo: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    target: Array
    plate: Array
    truth: Array
    flow: Array
    matte: Array
    parsed: Array


def load_motions(folder: Path) -> Motions:
    """The motions of `data/clean/motion`; raises FileNotFoundError without its basis.npz."""
    with np.load(folder / "basis.npz") as archive:
        mean, basis = archive["mean"].astype(np.float32), archive["basis"].astype(np.float32)
    speakers = sorted(path for path in folder.glob("*.npz") if path.name != "basis.npz")
    lower_face = basis[..., :2] * taper(mean)[:, None]
    return Motions([_sorted_frames(path, basis) for path in speakers], lower_face)


def draw_picture(photos: Sequence[Photo], motions: Motions, rng: np.random.Generator) -> Picture:
    """A random picture of the mouth window."""
    photo = photos[int(rng.integers(len(photos)))]
    moved = move_lips(photo.closed, motions.draw(rng))
    if rng.random() < _GLASSES:
        photo = with_glasses(photo, rng)
    plate = _draw_plate(photo, rng)
    photo, plate = _relight(photo, plate, rng)
    picture = make_picture(photo, moved, plate, from_points=rng.random() < _FIRST_MASKS)
    return _mirror(picture) if rng.random() < 0.5 else picture


def make_picture(
    photo: Photo, moved: Points, plate: MouthPlate, *, from_points: bool = False
) -> Picture:
    """The photograph with its lower face at `moved` float32 [478, 2], seen in the mouth window.

    With `from_points` the target mask is the one drawn from the landmarks, else the warped one.
    """
    mouth = coverage(lip_polygons(moved)[Region.MOUTH], MOUTH_WINDOW)
    flow = backward_flow(photo.points, moved, mouth, MOUTH_WINDOW)
    behind = plate.compose(MOUTH_WINDOW, jaw_drop(moved, photo.points))
    truth = _unit(sample(photo.crop, flow, MOUTH_WINDOW))
    _blend(truth, behind * _shade(mouth)[..., None], mouth)
    if from_points:
        target = RestingMask(one_hot(photo.mask), photo.points, MOUTH_WINDOW).moved(moved)
    else:
        target = warped_mask(photo, moved, flow)
    return Picture(
        photo=photo.crop,
        mask=photo.mask,
        target=target,
        plate=behind,
        truth=truth,
        flow=flow,
        matte=mouth,
        parsed=_parsed(moved),
    )


def warped_mask(photo: Photo, moved: Points, flow: Array) -> Array:
    """The photograph's mask moved by its flow, lips drawn sharply: float32 [12, h, w]."""
    ids = sample(photo.mask, flow, MOUTH_WINDOW, nearest=True)
    ids[np.isin(ids, (Region.UPPER_LIP, Region.LOWER_LIP, Region.MOUTH))] = Region.SKIN
    mask = one_hot(ids)
    for region, polygon in lip_polygons(moved).items():
        overlay(mask, region, coverage(polygon, MOUTH_WINDOW))
    return mask


def stack(pictures: Sequence[Picture]) -> dict[str, NDArray[np.generic]]:
    """Pictures as a batch: each field of Picture with a leading axis."""
    return {
        field.name: np.stack([getattr(picture, field.name) for picture in pictures])
        for field in fields(Picture)
    }


def _sorted_frames(path: Path, basis: Array) -> Array:
    """One speaker's motion coefficients float32 [T, K], from closed to open lips."""
    with np.load(path) as archive:
        frames = archive["coef"].astype(np.float32) - archive["rest"].astype(np.float32)
        frames = frames[archive["filled"] == 0]
    gap = frames @ (basis[:, 14, 1] - basis[:, 13, 1])
    return np.asarray(frames[np.argsort(gap, kind="stable")])


def with_glasses(photo: Photo, rng: np.random.Generator) -> Photo:
    """The same with glasses on; their rims, and dark lenses, are accessories in its mask."""
    alpha = np.ones(photo.mask.shape, np.float32)
    person = Person(photo.crop.astype(np.float32), alpha, photo.mask.copy(), photo.points)
    put_on_glasses(person, rng)
    crop = np.clip(person.colour, 0, 255).astype(np.uint8)
    return replace(photo, crop=crop, mask=person.regions)


def _draw_plate(photo: Photo, rng: np.random.Generator) -> MouthPlate:
    if photo.smile is not None and rng.random() < _SMILE_PLATES:
        return smile_plate(photo)
    shift = (float(rng.normal(0, 1.0)), float(rng.normal(0, 1.5)))
    tint = np.clip(rng.normal(1.0, 0.05, 3) * rng.normal(0.97, 0.08), 0.7, 1.2)
    tinted = replace(photo, light=(photo.light * tint).astype(np.float32))
    return own_plate(tinted, scale=float(rng.uniform(0.9, 1.12)), shift=shift)


def _relight(photo: Photo, plate: MouthPlate, rng: np.random.Generator) -> tuple[Photo, MouthPlate]:
    """Photograph and plate in another light; the photograph also by a poorer camera."""
    gain = np.clip(rng.normal(1, 0.08, 3) * rng.normal(1, 0.12), 0.6, 1.35)
    gamma = float(np.clip(rng.normal(1, 0.12), 0.7, 1.4))
    ramp = (np.arange(256)[:, None] / 255) ** gamma * gain
    table = np.clip(255 * ramp, 0, 255).astype(np.uint8)[None]  # [1, 256, 3]
    crop = np.asarray(cv2.LUT(photo.crop, table), np.uint8)
    if rng.random() < 0.3:
        crop = np.clip(crop * side_light(CROP, _SIDE_LIGHT, rng), 0, 255).astype(np.uint8)
    if rng.random() < 0.25:
        crop = np.asarray(cv2.GaussianBlur(crop, (0, 0), rng.uniform(0.4, 0.9)), np.uint8)
    if rng.random() < 0.3:
        grain = rng.standard_normal(crop.shape, np.float32) * rng.uniform(1, 6)
        crop = np.clip(crop + grain + 0.5, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        crop = _compressed(crop, int(rng.integers(50, 95)))
    light = plate.light * gain.astype(np.float32)
    relit = MouthPlate(_relit(plate.upper, table), _relit(plate.lower, table), light)
    return replace(photo, crop=crop), relit


def _compressed(crop: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    _, data = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _relit(layer: NDArray[np.uint8], table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.dstack([cv2.LUT(np.ascontiguousarray(layer[..., :3]), table), layer[..., 3]])


def _mirror(picture: Picture) -> Picture:
    """Left and right exchanged; the window lies symmetric in the crop."""
    flow = picture.flow[:, ::-1] * np.array([-1, 1], np.float32)
    return Picture(
        photo=picture.photo[:, ::-1],
        mask=picture.mask[:, ::-1],
        target=picture.target[..., ::-1],
        plate=picture.plate[:, ::-1],
        truth=picture.truth[:, ::-1],
        flow=flow,
        matte=picture.matte[:, ::-1],
        parsed=picture.parsed[..., ::-1] * _MIRRORED,
    )


def _parsed(points: Points) -> Array:
    blank = np.zeros((PARSED_PX, PARSED_PX, 3), np.uint8)
    return network_input(blank, points * np.float32(PARSED_PX / CROP))[3:]


def _shade(mouth: Array) -> Array:
    """Light in the mouth, 0..1.1 [h, w]: less near the lips and in narrow openings."""
    down = np.array([[1, 0, 0], [0, 1, _LIP_SHADOW]], np.float32)
    depth = cv2.GaussianBlur(mouth, (0, 0), _RIM_REACH)
    depth = cv2.warpAffine(depth, down, (mouth.shape[1], mouth.shape[0]))
    return np.asarray(np.minimum(_RIM_LIGHT + _RIM_GAIN * depth, _FULL_LIGHT), np.float32)


def _unit(picture: NDArray[np.uint8]) -> Array:
    return picture.astype(np.float32) / np.float32(255)


def _blend(picture: Array, other: Array, share: Array) -> None:
    """`other` over `picture` by `share` [h, w], in place."""
    picture += share[..., None] * (other - picture)
