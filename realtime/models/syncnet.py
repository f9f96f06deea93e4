"""SyncNet in the domain of masks: do these lips belong to this sound?

Five frames of the lower face as one-hot masks and the log-mel around them become one point each on
a sphere of 512 dimensions; what belongs together lies close (Chung and Zisserman 2016; on masks
as in SegTalker, arXiv 2409.03605). Lips are shaped by the sounds before and after as well, so that
0.52 s are heard for 0.2 s of lips. It judges lips; the live path does without it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import gelu, normalize, pad

from realtime.audio.mel import BANDS, HOPS_PER_FRAME
from realtime.face import CROP, OVAL, Points, Window, coverage, lip_polygons
from realtime.models.weights import default_path, load_weights
from realtime.regions import Region

NAME = "syncnet"
FRAMES = 5
HOPS = FRAMES * HOPS_PER_FRAME
# So many frames of sound are heard before and after those of the lips.
AROUND = 4
SIZE = 64
WIDTH = 512
# What landmarks alone can draw, skin first; the last channel is everything else.
_LIPS = (Region.UPPER_LIP, Region.LOWER_LIP, Region.MOUTH)
CHANNELS = len(_LIPS) + 2
# The lower half of the canonical crop at half its resolution.
_SCALE = SIZE / (CROP // 2)
_WINDOW: Window = (slice(60, 60 + SIZE), slice(32, 32 + SIZE))


def lower_face(points: Points) -> NDArray[np.float32]:
    """Canonical points [478, 2] -> soft one-hot mask float32 [5, 64, 64] of the lower face.

    Channels: skin, upper lip, lower lip, inside of the mouth, all else.
    """
    small = points * np.float32(_SCALE)
    mask = np.zeros((CHANNELS, SIZE, SIZE), np.float32)
    mask[0] = coverage(small[list(OVAL)], _WINDOW)
    mask[-1] = 1 - mask[0]
    outlines = lip_polygons(small)
    for channel, region in enumerate(_LIPS, 1):
        share = coverage(outlines[region], _WINDOW)
        mask *= 1 - share
        mask[channel] += share
    return mask


class _Conv(nn.Module):
    """Convolution over time without padding, layer norm, GELU: [B, C, T] -> [B, C', T']."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, kernel, stride)
        self.norm = nn.LayerNorm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return gelu(self.norm(self.conv(x).transpose(1, 2))).transpose(1, 2)


class _Around(nn.Module):
    """Adds what the frames before and after say: [B, C, T] -> [B, C, T - 2]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.conv = nn.Conv1d(width, width, 3)

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.conv(gelu(self.norm(x.transpose(1, 2))).transpose(1, 2))
        return x[..., 1:-1] + change


class SyncNet(nn.Module):
    """Two embeddings; a frame's mask is read once for all the windows it lies in.

    `threshold`, a cosine: what lies above counts as in sync.
    """

    mel_mean: Tensor
    mel_std: Tensor
    threshold: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.frame = nn.Sequential(
            nn.Conv2d(CHANNELS, 32, 6, 4, 1),
            nn.GELU(),
            nn.Conv2d(32, 64, 3, 2, 1),
            nn.GELU(),
            nn.Conv2d(64, 96, 3, 2, 1),
            nn.GELU(),
            nn.Flatten(),
            nn.Linear(96 * (SIZE // 16) ** 2, 128),
        )
        self.lips = nn.Sequential(_Conv(128, 256, 3), nn.Conv1d(256, WIDTH, FRAMES - 2))
        # 5, 4, 3 and 3 wide with strides of 1, 2, 2 and 1: sees 20 hops, moves by 4; each of those
        # between sees 8 more.
        self.sound = nn.Sequential(
            *(_Conv(BANDS, 160, 5), _Conv(160, 192, 4, 2), _Conv(192, 256, 3, 2)),
            *(_Around(256) for _ in range(AROUND)),
            nn.Conv1d(256, WIDTH, 3),
        )
        self.register_buffer("mel_mean", torch.zeros(BANDS))
        self.register_buffer("mel_std", torch.ones(BANDS))
        self.register_buffer("threshold", torch.zeros(()))

    def see(self, masks: Tensor) -> Tensor:
        """Masks float32 [B, T, 5, 64, 64] -> unit vectors [B, T - 4, 512], one a window."""
        return self.join(self.frame(masks.flatten(0, 1)).unflatten(0, masks.shape[:2]))

    def join(self, frames: Tensor) -> Tensor:
        """What `frame` made of single masks, [B, T, 128] -> unit vectors [B, T - 4, 512]."""
        return normalize(self.lips(frames.transpose(1, 2)), dim=1).transpose(1, 2)

    def hear(self, mel: Tensor) -> Tensor:
        """log-mel float32 [B, 4 T, 80] -> unit vectors [B, T - 4, 512], one a window.

        Beyond its ends it sounds as at its ends.
        """
        normal = ((mel - self.mel_mean) / self.mel_std).transpose(1, 2)
        longer = pad(normal, (AROUND * HOPS_PER_FRAME,) * 2, mode="replicate")
        return normalize(self.sound(longer), dim=1).transpose(1, 2)


def shipped_path() -> Path:
    """Where the shipped SyncNet lies."""
    return default_path().with_name(f"{NAME}.safetensors")


def load_syncnet(path: Path | None = None) -> SyncNet:
    """The shipped network, or that of `path`; raises ModelError when missing or damaged."""
    network = SyncNet()
    load_weights(path or shipped_path()).restore(NAME, network)
    return network
