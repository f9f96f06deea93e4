"""Where a head stands, whatever its face does: similarities fitted to what does not speak."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Corners of the eyes, bridge of the nose, forehead, temples: they keep their places in speech.
RIGID = (
    *(33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 8, 9, 10, 151, 108, 337, 54, 284),
    *(127, 356, 234, 454),
)


@dataclass(frozen=True)
class Similarity:
    """Turn, scale and shift in space: linear float64 [3, 3], shift float64 [3]."""

    linear: Array
    shift: Array

    def __call__(self, points: NDArray[np.floating]) -> Array:
        """Points [..., 3] moved: float64 [..., 3]."""
        return np.asarray(points @ self.linear.T + self.shift)

    def inverse(self) -> Similarity:
        back = np.asarray(np.linalg.inv(self.linear), np.float64)
        return Similarity(back, -back @ self.shift)

    def turn(self) -> Array:
        """The rotation alone, float64 [3, 3]."""
        return np.asarray(self.linear / np.cbrt(np.linalg.det(self.linear)))


def similarity(source: NDArray[np.floating], target: NDArray[np.floating]) -> Similarity:
    """What brings `source` nearest to `target`, each [N, 3] (Umeyama 1991)."""
    centre, place = source.mean(0), target.mean(0)
    u, s, vt = np.linalg.svd((target - place).T @ (source - centre))
    flip = np.diag([1, 1, np.sign(np.linalg.det(u @ vt))])
    scale = (s * np.diag(flip)).sum() / np.square(source - centre).sum()
    linear = np.asarray(scale * (u @ flip @ vt), np.float64)
    return Similarity(linear, np.asarray(place - linear @ centre, np.float64))


def common(tracks: NDArray[np.floating]) -> Array:
    """The shape of what stays rigid in points [T, N, 3], each laid onto the first: [N, 3]."""
    target: Array = tracks[0].astype(np.float64)
    for _ in range(2):
        target = np.mean([similarity(frame, target)(frame) for frame in tracks], 0)
    return target
