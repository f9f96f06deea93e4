"""One video in, of a person who speaks, one avatar out: its head moves as it was filmed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime import film
from realtime.audio.sources import read_sound
from realtime.avatar_file import Avatar
from realtime.clock import FRAME_RATE
from realtime.enroll.filmed import (
    canonical,
    early_ms,
    filmed_face,
    habit_of,
    in_step,
    told,
    track,
)
from realtime.enroll.landmarks import Landmarker
from realtime.enroll.portrait import shown_part
from realtime.enroll.speaker import study
from realtime.errors import PortraitError
from realtime.face import Points, lip_gap
from realtime.film_file import MOST_MOUTHS
from realtime.filmed_face import Film
from realtime.models.networks import Networks
from realtime.models.syncnet import SyncNet
from realtime.mouths import JAW, LIPS
from realtime.rigid import Similarity

Picture = NDArray[np.uint8]
Array = NDArray[np.float32]
# A portrait RGB uint8 [H, W, 3] -> its avatar; raises PortraitError.
Enroll = Callable[[Picture], Avatar]

_LEAST, _MOST = 5 * FRAME_RATE, 300 * FRAME_RATE
_SHOWN = 10 * FRAME_RATE  # so much of the video is shown, there and back
_LONGEST_SIDE = 720
_LIP_WEIGHT = 40.0  # degrees of turn that parted lips, in eye distances, count for


def enroll_video(
    path: Path,
    networks: Networks,
    judge: SyncNet,
    landmarker: Landmarker,
    enroll: Enroll,
    advance: Callable[[], None],
    *,
    tune: bool = False,
) -> Avatar:
    """The avatar of the one person in a video of 5 s to 5 min; raises InputError.

    `judge` tells how far picture and sound are apart; `enroll` makes the portrait it is known by;
    `advance` is called for every picture looked at; with `tune` it is learnt, too, how the lips
    stand at each phone.
    """
    points = track(landmarker, islice(film.pictures(path), _MOST + 1), advance)
    if not _LEAST <= len(points) <= _MOST:
        raise PortraitError(
            f"expected 5 s to 5 min of video, found {len(points) / FRAME_RATE:.0f} s in {path.name}"
        )
    speaker = study(points)
    heads = [speaker.place(face) for face in points]
    sound = read_sound(path)
    aligned = in_step(sound, early_ms(judge, points, sound), len(points))
    heard = told(networks, aligned, len(points), tune=tune)
    habit = habit_of(speaker, points, heard, networks.lips.basis.numpy())
    away = _aside(heads)
    shown = _calmest(away)
    front = min(shown, key=lambda i: away[i] + _LIP_WEIGHT * lip_gap(speaker.motion(points[i])))
    chosen = _various(canonical(speaker, points))
    part, factor = _layout(next(film.pictures(path)).shape, points[shown].mean(0))
    pictures: dict[int, Picture] = {}
    base: list[Picture] = []
    for index, picture in enumerate(islice(film.pictures(path), len(points))):
        if index in shown:
            base.append(_smaller(picture[part], factor))
        if index == front or index in chosen:
            pictures[index] = picture
    face = filmed_face(speaker, [pictures[i] for i in chosen], points[chosen], habit)
    there_and_back = [*shown, *shown[-2:0:-1]]
    corner = np.array([part[1].start, part[0].start, 0])
    places = np.stack([_placed(heads[i], corner, factor) for i in there_and_back])
    video = film.encoded([*base, *base[-2:0:-1]])
    return replace(enroll(pictures[front]), film=Film(video, places, face))


def _aside(heads: Sequence[Similarity]) -> NDArray[np.float64]:
    """Degrees that each head is turned from how they are held in the mean: float64 [T]."""
    turns = np.stack([head.turn() for head in heads])
    u, _, vt = np.linalg.svd(turns.mean(0))
    cosine = (np.einsum("tij,ij->t", turns, u @ vt) - 1) / 2
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1, 1))), np.float64)


def _calmest(away: NDArray[np.float64]) -> range:
    """The stretch to show: where the head is turned aside least."""
    length = min(_SHOWN, len(away))
    sums = np.convolve(away, np.ones(length), "valid")
    first = int(sums.argmin())
    return range(first, first + length)


def _various(points: Points) -> list[int]:
    """The frames to keep lower faces of, each as unlike those before as can be."""
    seen = points[:, [*LIPS, *JAW]]
    chosen = [0]
    away = np.full(len(seen), np.inf)
    for _ in range(min(MOST_MOUTHS, len(seen)) - 1):
        away = np.minimum(away, np.linalg.norm(seen - seen[chosen[-1]], axis=-1).mean(1))
        chosen.append(int(away.argmax()))
    return sorted(set(chosen))


def _layout(shape: tuple[int, ...], points: Points) -> tuple[tuple[slice, slice], float]:
    """The part of every picture to show, and how much smaller."""
    rows, columns = shown_part(shape, points)
    longest = max(rows.stop - rows.start, columns.stop - columns.start)
    return (rows, columns), min(1.0, _LONGEST_SIDE / longest)


def _smaller(picture: Picture, factor: float) -> Picture:
    """So much smaller, its sides cut to even, as H.264 asks."""
    size = round(picture.shape[1] * factor), round(picture.shape[0] * factor)
    smaller = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.asarray(smaller[: size[1] // 2 * 2, : size[0] // 2 * 2], np.uint8)


def _placed(head: Similarity, corner: NDArray[np.int64], factor: float) -> Array:
    matrix = factor * np.column_stack([head.linear, head.shift - corner])
    return np.asarray(matrix, np.float32)
