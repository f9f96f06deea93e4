"""An avatar's face in the canonical crop, as the networks know it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from realtime.avatar_file import Avatar
from realtime.face import Points, crop_matrix, crop_picture, planes, transform
from realtime.models.networks import Networks
from realtime.regions import one_hot


@dataclass(frozen=True, eq=False)
class CanonicalFace:
    """crop: RGB uint8 [256, 256, 3]. points: float32 [478, 2], lips as photographed. mask: float32
    [12, 256, 256]."""

    crop: NDArray[np.uint8]
    points: Points
    mask: NDArray[np.float32]

    @classmethod
    def of(cls, avatar: Avatar) -> CanonicalFace:
        matrix = crop_matrix(avatar.points)
        crop = crop_picture(avatar.picture, matrix)
        return cls(crop, transform(matrix, avatar.points), one_hot(avatar.mask))

    @property
    def photo(self) -> NDArray[np.float32]:
        """The crop as networks take it: float32 [3, 256, 256], 0..1."""
        return planes(self.crop)

    def codes(self, avatar: Avatar, networks: Networks) -> torch.Tensor:
        """The avatar's style codes [12, 64]; made anew if other weights made its own."""
        fresh = avatar.weights_hash == networks.digest
        return torch.from_numpy(avatar.codes if fresh else networks.codes(self.photo, self.mask))
