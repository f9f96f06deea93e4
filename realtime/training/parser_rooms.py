"""Rooms that nobody was ever in: walls, furniture, foliage and blurred views."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.training.parser_truth import Truth

Field = NDArray[np.float32]


def make_room(truths: Sequence[Truth], side: int, rng: np.random.Generator) -> Field:
    """A background, RGB float32 [side, side, 3] in 0..255."""
    kind = rng.random()
    if kind < 0.45:
        room = _view(truths[int(rng.integers(len(truths)))], side, rng)
    elif kind < 0.65:
        room = texture(side, rng)
    else:
        room = _furnished(side, rng)
    if rng.random() < 0.3:
        room = _chair(room, rng)
    if rng.random() < 0.5:
        sigma = float(np.exp(rng.uniform(np.log(0.5), np.log(8))))
        room = np.asarray(cv2.GaussianBlur(room, (0, 0), sigma), np.float32)
    return np.asarray(np.clip(room, 0, 255), np.float32)


def texture(side: int, rng: np.random.Generator) -> Field:
    """A colour that drifts, with grain of several sizes and maybe stripes: [side, side, 3]."""
    colour = rng.uniform(0, 255, 3) if rng.random() < 0.6 else np.full(3, rng.uniform(0, 255))
    grain = np.zeros((side, side, 3), np.float32)
    for cells in (2, 6, 20, 64, side):
        # Most things have one colour, lighter here and darker there.
        channels = 3 if rng.random() < 0.3 else 1
        coarse = rng.standard_normal((cells, cells, channels), np.float32) * rng.exponential(10)
        fine = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
        grain += fine.reshape(side, side, -1)
    if rng.random() < 0.25:
        y, x = np.mgrid[:side, :side].astype(np.float32)
        turn, period = rng.uniform(0, np.pi), np.exp(rng.uniform(np.log(3), np.log(60)))
        wave = np.sin(2 * np.pi * (x * np.cos(turn) + y * np.sin(turn)) / period)
        grain += np.clip(wave * 3, -1, 1)[..., None] * rng.uniform(0, 60, 3).astype(np.float32)
    return np.asarray(np.clip(colour + grain, 0, 255), np.float32)


def _view(truth: Truth, side: int, rng: np.random.Generator) -> Field:
    """A cut of the room behind somebody else."""
    height, width = truth.alpha.shape
    empty = np.where(truth.alpha[..., None] < 20, truth.background, 0).astype(np.float32)
    filled = _without_holes(empty, (truth.alpha < 20).astype(np.float32))
    zoom = side / min(height, width) * rng.uniform(1, 2.5)
    turn = np.radians(rng.choice((0, 0, 90, 180)) + rng.normal(0, 8))
    linear = zoom * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    linear[:, 0] *= rng.choice((-1, 1))
    middle = np.array([width, height]) * rng.uniform(0.3, 0.7, 2)
    matrix = np.column_stack([linear, side / 2 - linear @ middle])
    seen = cv2.warpAffine(filled, matrix, (side, side), borderMode=cv2.BORDER_REFLECT_101)
    if rng.random() < 0.5:
        seen = seen * np.exp(rng.normal(0, 0.2, 3)) * rng.uniform(0.4, 1.2)
    return np.asarray(seen, np.float32)


def _without_holes(picture: Field, known: Field) -> Field:
    """What is not known filled from ever coarser means of what is (pull-push)."""
    height, width = known.shape
    if min(height, width) < 4:
        return np.asarray(picture / np.maximum(known, 1e-3)[..., None], np.float32)
    size = (width + 1) // 2, (height + 1) // 2
    smaller, seen = (
        np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.float32)
        for image in (picture, known)
    )
    coarse = _without_holes(smaller, seen)
    under = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(picture + (1 - known)[..., None] * under, np.float32)


def _furnished(side: int, rng: np.random.Generator) -> Field:
    """Shelves, frames, windows, leaves and lamps: many simple shapes on a wall."""
    room = texture(side, rng)
    leaves = rng.random() < 0.35
    for _ in range(int(rng.integers(3, 120 if leaves else 40))):
        colour = [float(c) for c in np.clip(rng.uniform(0, 255, 3), 0, 255)]
        x, y = (int(v) for v in rng.integers(-20, side + 20, 2))
        size = np.exp(rng.uniform(np.log(3), np.log(30 if leaves else 90), 2)).astype(int)
        thick = int(rng.choice((-1, -1, 1, 2, 4)))
        shape = "leaf" if leaves else rng.choice(["box", "line", "disc"], p=(0.6, 0.25, 0.15))
        if shape == "box":
            cv2.rectangle(room, (x, y), (x + int(size[0]), y + int(size[1])), colour, thick)
        elif shape == "line":
            end = (x + int(rng.normal(0, 90)), y + int(rng.normal(0, 90)))
            cv2.line(room, (x, y), end, colour, abs(thick), cv2.LINE_AA)
        else:
            angle = float(rng.uniform(0, 180)) if leaves else 0.0
            if leaves:
                colour = [c * f for c, f in zip(colour, (0.5, 0.9, 0.4), strict=True)]
            half = int(size[0]), int(max(2, size[1] // 2) if leaves else size[0])
            cv2.ellipse(room, (x, y), half, angle, 0, 360, colour, -1, cv2.LINE_AA)
    return room


def _chair(room: Field, rng: np.random.Generator) -> Field:
    """The back of a chair, rounded, somewhere behind the shoulders."""
    side = len(room)
    y, x = np.mgrid[:side, :side].astype(np.float32)
    across = np.abs(x - side * rng.uniform(0.3, 0.7)) / (side * rng.uniform(0.15, 0.4))
    down = np.maximum(side * rng.uniform(0.25, 0.75) - y, 0) / (side * 0.2)
    share = np.clip((1 - across**4 - down**2) * 20, 0, 1)[..., None]
    return np.asarray(room + share * (texture(side, rng) - room), np.float32)
