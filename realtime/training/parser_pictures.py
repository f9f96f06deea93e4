"""Pictures for the face parser: a person of the truths in another light, attire and room.

A picture is a pure function of the truths and a random generator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face import transform
from realtime.models.face_parser import FACE_PX, network_input
from realtime.regions import Region
from realtime.training import parser_truth
from realtime.training.parser_attire import Person, dress
from realtime.training.parser_fringe import comb_fringe
from realtime.training.parser_rooms import make_room
from realtime.training.parser_truth import Truth
from realtime.training.side_light import side_light

Picture = NDArray[np.uint8]
Field = NDArray[np.float32]

SIDE = 256
_SCALES, _ASPECT, _ROLL, _SHIFT = (0.8, 1.35), 0.06, 6.0, 0.26
_OWN_ROOM, _RECOLOURED = 0.35, 0.5
_SIDE_LIGHT, _FRINGE = 0.5, 0.2
_JITTER = 1.0  # pixels by which landmarks err


@dataclass(frozen=True)
class ParserPicture:
    """x float32 [7, h, w], the network's input; alpha float32 [h, w]; regions uint8 [h, w].

    regions: which part of the person is here if alpha is not 0, UNKNOWN where nobody knows.
    known: float32 [h, w], 0 where the photograph had ended.
    """

    x: Field
    alpha: Field
    regions: Picture
    known: Field


def draw_picture(truths: Sequence[Truth], rng: np.random.Generator) -> ParserPicture:
    """One picture of a random person."""
    truth = truths[int(rng.integers(len(truths)))]
    matrix = _placement(truth, rng)
    size = SIDE, SIDE

    def placed(image: Picture, how: int = cv2.INTER_LINEAR) -> Field:
        border = cv2.BORDER_REPLICATE
        moved = cv2.warpAffine(image, matrix, size, flags=how, borderMode=border)
        return np.asarray(moved, np.float32)

    person = Person(
        placed(truth.foreground),
        placed(truth.alpha) / np.float32(255),
        placed(truth.regions, cv2.INTER_NEAREST).astype(np.uint8),
        transform(matrix, truth.points),
    )
    if rng.random() < _RECOLOURED:
        _recolour(person, rng)
    if rng.random() < _FRINGE:
        comb_fringe(person, rng)
    dress(person, rng)
    if rng.random() < _OWN_ROOM:
        room = placed(truth.background)
    else:
        room = make_room(truths, SIDE, rng)
        _shade(person, rng)
    share = person.alpha[..., None]
    picture, known = _ended(person.colour * share + room * (1 - share), truth, matrix)
    photograph = _photographed(picture, rng)
    points = person.points + rng.normal(0, _JITTER, 2).astype(np.float32)
    return ParserPicture(network_input(photograph, points), person.alpha, person.regions, known)


def _ended(picture: Field, truth: Truth, matrix: Field) -> tuple[Field, Field]:
    """The border of the photograph repeated where it has ended, and where it has not."""
    height, width = truth.alpha.shape
    back = cv2.invertAffineTransform(matrix)
    grid = np.dstack(np.meshgrid(*(np.arange(SIDE, dtype=np.float32),) * 2))
    inside = np.clip(there := grid @ back[:, :2].T + back[:, 2], 0, (width - 1, height - 1))
    places = (inside @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    known = (np.abs(there - inside).max(2) < 1).astype(np.float32)
    repeated = cv2.remap(picture, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(repeated, np.float32), known


def _placement(truth: Truth, rng: np.random.Generator) -> Field:
    """Truth pixels -> picture pixels, a similarity and a little more, maybe mirrored."""
    scale = FACE_PX / parser_truth.FACE_PX * np.exp(rng.uniform(*np.log(_SCALES)))
    aspect, roll = np.exp(rng.normal(0, _ASPECT / 2)), np.radians(rng.normal(0, _ROLL / 2))
    across, down = scale * aspect * rng.choice((-1, 1)), scale / aspect
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    linear = turn @ np.diag([across, down])
    middle = truth.points.mean(0)
    to = SIDE * (np.array([0.5, 0.48]) + rng.uniform(-_SHIFT, _SHIFT, 2) * (1, 0.7))
    return np.column_stack([linear, to - linear @ middle]).astype(np.float32)


def _recolour(person: Person, rng: np.random.Generator) -> None:
    """Other hair, other clothes: their colours multiplied, neck and strands kept as they are."""
    hair = (person.regions == Region.HAIR).astype(np.float32)
    body = (person.regions == Region.BODY).astype(np.float32)
    skin = person.colour[(person.regions == Region.SKIN) & (person.alpha > 0.9)]
    if len(skin) and rng.random() < 0.8:
        apart = np.linalg.norm(person.colour - np.median(skin, 0), axis=2)
        clothes = body * np.clip((apart - 40) / 60, 0, 1)
        _multiply(person.colour, clothes, rng.uniform(0.05, 1.1, 3))
    if rng.random() < 0.5:
        tint = np.array([1.0, rng.uniform(0.75, 1), rng.uniform(0.5, 1)])
        _multiply(person.colour, hair, rng.uniform(0.4, 1.6) * tint)


def _multiply(colour: Field, where: Field, factor: NDArray[np.float64]) -> None:
    soft = cv2.GaussianBlur(where, (0, 0), 1.0)[..., None]
    colour *= 1 + soft * (factor - 1).astype(np.float32)
    np.clip(colour, 0, 255, out=colour)


def _shade(person: Person, rng: np.random.Generator) -> None:
    """Light from one side, of some colour."""
    light = side_light(SIDE, _SIDE_LIGHT, rng)
    tint = rng.uniform(0.6, 1.15) * np.exp(rng.normal(0, 0.06, 3))
    person.colour = np.clip(person.colour * light * tint, 0, 255).astype(np.float32)


def _photographed(picture: Field, rng: np.random.Generator) -> Picture:
    """Exposure, colour, focus, noise and compression of a camera: uint8."""
    gain, gamma = np.exp(rng.normal(0, 0.12) + rng.normal(0, 0.05, 3)), np.exp(rng.normal(0, 0.2))
    exposed = 255 * np.clip(picture / 255 * gain, 0, 1) ** gamma
    if rng.random() < 0.1:
        exposed = np.broadcast_to(exposed.mean(2, keepdims=True), exposed.shape)
    if rng.random() < 0.4:
        exposed = cv2.GaussianBlur(exposed, (0, 0), rng.uniform(0.3, 1.3))
    noise = rng.standard_normal(exposed.shape, np.float32) * rng.uniform(0, 6)
    taken = np.clip(exposed + noise + 0.5, 0, 255).astype(np.uint8)
    if rng.random() < 0.4:
        how = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 95))]
        taken = cv2.imdecode(cv2.imencode(".jpg", taken, how)[1], cv2.IMREAD_UNCHANGED)
    return np.asarray(taken, np.uint8)
