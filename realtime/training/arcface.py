"""ArcFace (Deng et al. 2019), for those who have such a network: who a face is."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from realtime.face import CROP, EYE_DISTANCE, EYE_HEIGHT

_SIDE = 112
# Where its five-point template has the eyes: how far apart, and their middle.
_APART, _ACROSS, _DOWN = 35.24, 55.91, 51.60

_SCALE = EYE_DISTANCE / _APART
_WIDE = round(_SIDE * _SCALE)
_LEFT, _ABOVE = round(CROP / 2 - _ACROSS * _SCALE), round(_DOWN * _SCALE - EYE_HEIGHT)


class ArcFace(nn.Module):
    """Any network that takes RGB [N, 3, 112, 112], -1..1, placed by the five points."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, crop: Tensor) -> Tensor:
        """Canonical crops RGB [N, 3, 256, 256], 0..1 -> unit vectors [N, D].

        Above the crop its first row goes on.
        """
        taller = F.pad(crop, (0, 0, _ABOVE, 0), mode="replicate")
        face = taller[..., :_WIDE, _LEFT : _LEFT + _WIDE]
        small = F.interpolate(face, (_SIDE, _SIDE), mode="bilinear", antialias=True)
        return F.normalize(self.network(2 * small - 1), dim=1)
