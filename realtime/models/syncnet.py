"""SyncNet in the domain of masks: do these lips belong to this sound?

Five frames of the lower face as one-hot masks and the sound around them become one point each on
a sphere of 512 dimensions; what belongs together lies close (Chung and Zisserman 2016; on masks
as in SegTalker, arXiv 2409.03605). Of the sound it is told which phones an audio encoder hears, and
how loud they are: the same whoever speaks, so that few speakers are enough to learn what their lips
do. It judges lips; the live path does without it. Lips made from what that encoder heard it judges
kindly: what the encoder mishears, both mishear.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import gelu, normalize, pad

from realtime.audio.mel import HOPS_PER_FRAME
from realtime.face import CROP, OVAL, Points, Window, coverage, lip_polygons
from realtime.models.audio_encoder import HINDSIGHTS, PHONES, AudioEncoder, AudioEncoderConfig
from realtime.models.weights import default_path, load_weights
from realtime.regions import Region

NAME = "syncnet"
FRAMES = 5
HOPS = FRAMES * HOPS_PER_FRAME
# A window is told of the frames from two before its first to six after its last: lips are shaped by
# the sounds around them, and the encoder is surer of a phone once it has passed.
BEFORE, AFTER = 2, 6
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

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, kernel)
        self.norm = nn.LayerNorm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return gelu(self.norm(self.conv(x).transpose(1, 2))).transpose(1, 2)


class SyncNet(nn.Module):
    """Two embeddings; a frame's mask is read once for all the windows it lies in.

    `ear`, a copy of the audio encoder it was trained with, is its own: a later encoder changes
    nothing of what it says. `threshold`, a cosine: what lies above counts as in sync.
    """

    threshold: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.frame = nn.Sequential(
            nn.Conv2d(CHANNELS, 24, 6, 4, 1),
            nn.GELU(),
            nn.Conv2d(24, 48, 3, 2, 1),
            nn.GELU(),
            nn.Conv2d(48, 64, 3, 2, 1),
            nn.GELU(),
            nn.Flatten(),
            nn.Linear(64 * (SIZE // 16) ** 2, 128),
        )
        self.lips = nn.Sequential(
            *(nn.Linear((FRAMES + 1) * 128, 384), nn.LayerNorm(384), nn.GELU()),
            nn.Linear(384, WIDTH),
        )
        self.ear = AudioEncoder(AudioEncoderConfig()).requires_grad_(False)
        # 5, 3, 3 and 5 wide: 13 frames.
        self.sound = nn.Sequential(
            *(_Conv(HINDSIGHTS * len(PHONES) + 1, 256, 5), _Conv(256, 256, 3), _Conv(256, 256, 3)),
            nn.Conv1d(256, WIDTH, BEFORE + FRAMES + AFTER - 8),
        )
        self.register_buffer("threshold", torch.zeros(()))

    def see(self, masks: Tensor) -> Tensor:
        """Masks float32 [B, T, 5, 64, 64] -> unit vectors [B, T - 4, 512], one a window."""
        return self.join(self.frame(masks.flatten(0, 1)).unflatten(0, masks.shape[:2]))

    def join(self, frames: Tensor) -> Tensor:
        """What `frame` made of single masks, [B, T, 128] -> unit vectors [B, T - 4, 512]."""
        seen = frames.unfold(1, FRAMES, 1)
        held = seen.mean(3, keepdim=True)
        # Apart from how the lips are held, which is each person's own, it sees how they move.
        return normalize(self.lips(torch.cat([held, seen - held], 3).flatten(2)), dim=2)

    def hear(self, mel: Tensor) -> Tensor:
        """log-mel float32 [B, 4 T, 80] -> unit vectors [B, T - 4, 512], one a window.

        Before its beginning there was silence; beyond its ends it sounds as at its ends.
        """
        with torch.no_grad():
            heard, _ = self.ear(mel, self.ear.start(len(mel)))
        told = heard.e[..., self.ear.config.features :].transpose(1, 2)
        longer = pad(told, (BEFORE, AFTER), mode="replicate")
        return normalize(self.sound(longer), dim=1).transpose(1, 2)


def shipped_path() -> Path:
    """Where the shipped SyncNet lies."""
    return default_path().with_name(f"{NAME}.safetensors")


def load_syncnet(path: Path | None = None) -> SyncNet:
    """The shipped network, or that of `path`; raises ModelError when missing or damaged."""
    network = SyncNet()
    load_weights(path or shipped_path()).restore(NAME, network)
    return network
