"""How well the generator makes pictures of people it never saw, given the true mask."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from realtime.enroll.mesh import sample
from realtime.face import (
    MOUTH_WINDOW,
    Points,
    move_lips,
)
from realtime.models.generator import Generator
from realtime.models.renderer import Backend, Layers, prepare, render
from realtime.models.style_encoder import StyleEncoder
from realtime.models.weights import Weights
from realtime.regions import Region, one_hot
from realtime.training.people import Photo, load_photos, own_plate, smile_plate
from realtime.training.pictures import Motions, Picture, load_motions, make_picture
from realtime.training.recipe import Recipe

Array = NDArray[np.float32]

_FRAMES = 8  # motions per photograph
_SHOWN = 3  # motions per photograph on the sheet
# The mouth box reaches this far beyond the lips; fewer pixels inside than this are not judged.
_BOX_MARGIN, _LEAST_INSIDE = 6, 40
_MOUTH = slice(Region.UPPER_LIP, Region.MOUTH + 1)


class Renderer:
    """Style encoder and generator of one file of weights, on whole pictures, in float32."""

    def __init__(self, weights: Weights) -> None:
        self._style, self._generator = StyleEncoder(), Generator()
        weights.restore("style", self._style)
        weights.restore("generator", self._generator)

    @torch.inference_mode()
    def layers(self, picture: Picture) -> Layers:
        photo = np.ascontiguousarray(_unit(picture.photo).transpose(2, 0, 1))
        mask = one_hot(picture.mask)
        codes = self._style(torch.from_numpy(photo)[None], torch.from_numpy(mask)[None])[0]
        prepared = prepare(self._generator, photo, mask, codes, Backend())
        plate = np.ascontiguousarray(picture.plate.transpose(2, 0, 1))
        return render(prepared, picture.target, plate)


@dataclass
class Score:
    """Sums of one way of making pictures: squared errors and pixels by place, and sharpness.

    sharpness: standard deviation of the Laplacian inside the lips, over the truth's; its mean
    over pictures is told.
    """

    errors: dict[str, float]
    pixels: dict[str, float]
    sharpness: list[float]

    @classmethod
    def empty(cls) -> Score:
        return cls({}, {}, [])

    def add(self, made: Array, picture: Picture, places: Mapping[str, NDArray[np.bool_]]) -> None:
        """Judges RGB float32 [h, w, 3], 0..1, against the picture's truth."""
        error = np.square(np.clip(made, 0, 1) - picture.truth).mean(2)
        for name, place in places.items():
            self.errors[name] = self.errors.get(name, 0.0) + float(error[place].sum())
            self.pixels[name] = self.pixels.get(name, 0.0) + float(place.sum())
        if "inside" in places:
            inside = places["inside"]
            true = _sharpness(picture.truth, inside)
            self.sharpness.append(_sharpness(made, inside) / max(true, 1e-6))

    def row(self) -> dict[str, float]:
        """PSNR in dB of the squared errors of all pictures together, by place; and sharpness."""
        psnr = {
            f"{name}_psnr": round(-10 * float(np.log10(self.errors[name] / self.pixels[name])), 2)
            for name in self.errors
        }
        sharpness = round(float(np.mean(self.sharpness)), 3) if self.sharpness else 0.0
        return {**psnr, "sharpness_inside": sharpness}


def evaluate(
    weights: Weights, data: Path, recipe: Recipe | None = None
) -> dict[str, dict[str, float]]:
    """Rows `generator` and `copy` (of the photograph) over the people held out from training.

    data: the folder that holds `clean`. recipe: what the weights were trained with. Places: the
    mouth window, the box around the lips, and inside the lips.
    """
    renderer, recipe = Renderer(weights), recipe or Recipe()
    made, copied = Score.empty(), Score.empty()
    for picture in _pictures(data, _FRAMES):
        places = _places(picture)
        given = picture if recipe.plate else replace(picture, plate=np.zeros_like(picture.plate))
        layers = renderer.layers(given)
        if not recipe.flow:
            layers = replace(layers, flow=np.zeros_like(layers.flow))
        made.add(composite(layers, picture), picture, places)
        copied.add(_unit(picture.photo[MOUTH_WINDOW]), picture, places)
    return {"generator": made.row(), "copy": copied.row()}


def composite(layers: Layers, picture: Picture) -> Array:
    """The face that the layers make of the photograph: RGB float32 [h, w, 3], 0..1."""
    moved = _unit(sample(picture.photo, layers.flow, MOUTH_WINDOW))
    return np.asarray(moved + layers.matte[..., None] * (layers.inside - moved), np.float32)


def sheet(weights: Weights, data: Path) -> NDArray[np.uint8]:
    """Held-out people in columns; photograph, truth, result, matte and inside in rows: RGB."""
    renderer = Renderer(weights)
    columns = []
    for picture in _pictures(data, _SHOWN):
        layers = renderer.layers(picture)
        matte = np.repeat(layers.matte[..., None], 3, 2)
        photo, face = _unit(picture.photo[MOUTH_WINDOW]), composite(layers, picture)
        columns.append(np.concatenate([photo, picture.truth, face, matte, layers.inside]))
    return np.round(255 * np.clip(_wrapped(columns), 0, 1)).astype(np.uint8)


def _wrapped(columns: Sequence[Array], across: int = 10) -> Array:
    """Columns of pictures, so many side by side, the rest below."""
    blank = np.zeros_like(columns[0])
    filled = [*columns, *[blank] * (-len(columns) % across)]
    lines = [np.concatenate(filled[k : k + across], 1) for k in range(0, len(filled), across)]
    return np.concatenate(lines)


def _pictures(data: Path, frames: int) -> Iterator[Picture]:
    """The same pictures every time: each held-out photograph speaks."""
    motions = load_motions(data / "clean" / "motion")
    for photo in _two_each(load_photos(data / "clean" / "faces", held_out=True)):
        rng = np.random.default_rng(zlib.crc32(photo.name.encode()))
        for number in range(frames):
            plate = smile_plate(photo) if photo.smile is not None and number % 2 else None
            moved = _spoken(photo, motions, rng)
            yield make_picture(photo, moved, plate or own_plate(photo))


def _two_each(photos: Sequence[Photo]) -> list[Photo]:
    """The first and the last photograph of every person, so that everybody counts alike."""
    first = {photo.person: photo for photo in reversed(photos)}
    last = {photo.person: photo for photo in photos}
    names = {photo.name for photo in (*first.values(), *last.values())}
    return [photo for photo in photos if photo.name in names]


def _spoken(photo: Photo, motions: Motions, rng: np.random.Generator) -> Points:
    return move_lips(photo.closed, motions.draw(rng))


def _places(picture: Picture) -> dict[str, NDArray[np.bool_]]:
    whole = np.ones(picture.matte.shape, bool)
    y, x = np.nonzero(picture.target[_MOUTH].sum(0) > 0.5)
    box = np.zeros_like(whole)
    box[
        max(y.min() - _BOX_MARGIN, 0) : y.max() + _BOX_MARGIN + 1,
        max(x.min() - _BOX_MARGIN, 0) : x.max() + _BOX_MARGIN + 1,
    ] = True
    places = {"window": whole, "mouth": box}
    inside = picture.matte > 0.5
    return {**places, "inside": inside} if inside.sum() >= _LEAST_INSIDE else places


def _unit(picture: NDArray[np.uint8]) -> Array:
    return picture.astype(np.float32) / np.float32(255)


def _sharpness(picture: Array, inside: NDArray[np.bool_]) -> float:
    grey = np.ascontiguousarray(picture.mean(2), np.float32)
    return float(cv2.Laplacian(grey, cv2.CV_32F)[inside].std())
