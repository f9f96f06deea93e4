"""The 16-number basis of the lower face, fitted on real motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime.models.lip_code import CODES, LOWER_LIP, UPPER_LIP

Array = NDArray[np.float32]

# Heights below the eye corners, in eye distances: nothing moves above the first, everything
# below the second; the nose tip at 0.6 moves a little.
_STILL_ABOVE, _FREE_BELOW = 0.30, 0.90
_LIP_WEIGHT, _DEPTH_WEIGHT = 3.0, 0.5

LEFT_CORNER, RIGHT_CORNER = 61, 291


@dataclass(frozen=True)
class LipBasis:
    """`basis` float32 [16, 478, 3] and `encode` float32 [48, 16]: motion coefficients -> code."""

    basis: Array
    encode: Array

    @property
    def gap(self) -> Array:
        """float32 [16]: how far each number parts the lips, in eye distances."""
        return self.basis[:, LOWER_LIP, 1] - self.basis[:, UPPER_LIP, 1]

    @property
    def width(self) -> Array:
        """float32 [16]: how much each number widens the mouth, in eye distances."""
        return self.basis[:, RIGHT_CORNER, 0] - self.basis[:, LEFT_CORNER, 0]


def taper(mean: Array) -> Array:
    """Mean face [478, 3] -> float32 [478]: 0 above the nose, rising smoothly to 1 at the mouth."""
    t = np.clip((mean[:, 1] - _STILL_ABOVE) / (_FREE_BELOW - _STILL_ABOVE), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def fit_basis(
    speakers: Sequence[Array], mean: Array, basis: Array, lips: NDArray[np.int64]
) -> LipBasis:
    """Weighted principal components of the lower face, not centred: zero stays rest.

    speakers: motion coefficients minus rest, [T, 48] each, balanced by the root of their length;
    mean [478, 3] and basis [48, 478, 3]: the data's own; lips: indices of the lip points.
    """
    weight = np.full(mean.shape, 1.0, np.float32)
    weight[lips] = _LIP_WEIGHT
    weight[:, 2] *= _DEPTH_WEIGHT
    space = (basis * taper(mean)[:, None] * weight).reshape(len(basis), -1)
    cloud = np.concatenate([c / len(c) ** 0.25 for c in speakers]) @ space
    _, vectors = np.linalg.eigh(cloud.T @ cloud)
    axes = vectors[:, ::-1][:, :CODES].T
    return LipBasis(
        np.asarray(axes.reshape(CODES, *mean.shape) / weight, np.float32),
        np.asarray(space @ axes.T, np.float32),
    )
