"""LSE-D and LSE-C (Prajwal et al. 2020) by the published SyncNet (Chung and Zisserman 2016).

Its weights are `syncnet_v2.model`, where the user has them; layers stand here in their file's order
and under its names.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from realtime.audio.mel import HOPS_PER_FRAME
from realtime.clock import FRAME_SAMPLES, Sound
from realtime.errors import InputError
from realtime.measure.mfcc import mfcc

Picture = NDArray[np.uint8]

_FRAMES, _POINT = 5, 1024
_HOPS = _FRAMES * HOPS_PER_FRAME
_MOST_SHIFT = 15  # frames
_BATCH = 16
# The face as the network was shown it: a square around the face's box, of which it takes up so much
# more on either side and below, in halves of the box's longer side; grey beyond the picture.
_SIDE, _ASIDE, _BELOW = 224, 1.4, 1.8
_STEADY = 13  # frames over which the median box is taken
_GREY = (110, 110, 110)


class PublishedSyncNet(nn.Module):
    """Five frames of a face and their 0.2 s of sound as points, near each other when they fit."""

    def __init__(self) -> None:
        super().__init__()
        self.netcnnaud = nn.Sequential(
            *_layers(nn.Conv2d(1, 64, 3, padding=1), nn.Identity()),
            *_layers(nn.Conv2d(64, 192, 3, padding=1), nn.MaxPool2d(3, (1, 2))),
            *_layers(nn.Conv2d(192, 384, 3, padding=1)),
            *_layers(nn.Conv2d(384, 256, 3, padding=1)),
            *_layers(nn.Conv2d(256, 256, 3, padding=1), nn.MaxPool2d(3, 2)),
            *_layers(nn.Conv2d(256, 512, (5, 4))),
        )
        halved, around = (1, 2, 2), (0, 1, 1)
        self.netcnnlip = nn.Sequential(
            *_layers(nn.Conv3d(3, 96, (5, 7, 7), halved), nn.MaxPool3d((1, 3, 3), halved)),
            *_layers(
                nn.Conv3d(96, 256, (1, 5, 5), halved, around),
                nn.MaxPool3d((1, 3, 3), halved, around),
            ),
            *_layers(nn.Conv3d(256, 256, (1, 3, 3), padding=around)),
            *_layers(nn.Conv3d(256, 256, (1, 3, 3), padding=around)),
            *_layers(
                nn.Conv3d(256, 256, (1, 3, 3), padding=around), nn.MaxPool3d((1, 3, 3), halved)
            ),
            *_layers(nn.Conv3d(256, 512, (1, 6, 6))),
        )
        self.netfcaud, self.netfclip = (
            nn.Sequential(*_layers(nn.Linear(512, 512)), nn.Linear(512, _POINT)) for _ in range(2)
        )

    def hear(self, cepstra: Tensor) -> Tensor:
        """float32 [N, 1, 13, 20] -> [N, 1024]."""
        point: Tensor = self.netfcaud(self.netcnnaud(cepstra).flatten(1))
        return point

    def see(self, faces: Tensor) -> Tensor:
        """BGR float32 [N, 3, 5, 224, 224], 0..255 -> [N, 1024]."""
        point: Tensor = self.netfclip(self.netcnnlip(faces).flatten(1))
        return point


def _layers(weighted: nn.Conv2d | nn.Conv3d | nn.Linear, *pool: nn.Module) -> Iterator[nn.Module]:
    """What the file holds for one layer: weights, norm, rectifier and perhaps pooling."""
    norms = {nn.Conv2d: nn.BatchNorm2d, nn.Conv3d: nn.BatchNorm3d, nn.Linear: nn.BatchNorm1d}
    yield weighted
    yield norms[type(weighted)](len(weighted.weight))
    yield nn.ReLU()
    yield from pool


def load_published_syncnet(path: Path) -> PublishedSyncNet:
    """Raises InputError where the file is another one."""
    network = PublishedSyncNet()
    try:
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except (RuntimeError, TypeError, EOFError, pickle.UnpicklingError) as error:
        raise InputError(f"expected the published SyncNet in {path.name}, found none") from error
    return network.eval()


@torch.inference_mode()
def lip_sync(network: PublishedSyncNet, faces: Sequence[Picture], sound: Sound) -> dict[str, float]:
    """LSE-D and LSE-C of faces RGB uint8 [224, 224, 3], see `face_pictures`, and their sound.

    Raises ValueError for fewer than six frames.
    """
    count = min(len(faces), len(sound) // FRAME_SAMPLES) - _FRAMES
    if count < 1:
        raise ValueError(f"expected {_FRAMES + 1} frames and their sound, found fewer")
    cepstra = torch.from_numpy(mfcc(sound)).float().T
    heard = cepstra.unfold(1, _HOPS, HOPS_PER_FRAME).transpose(0, 1)[:count, None]
    bgr = torch.from_numpy(np.stack(faces)[..., ::-1].copy())
    seen = bgr.unfold(0, _FRAMES, 1)[:count].permute(0, 3, 4, 1, 2)
    return lip_sync_error(
        torch.cat([network.see(batch.float()) for batch in torch.split(seen, _BATCH)]),
        torch.cat([network.hear(batch) for batch in torch.split(heard, _BATCH)]),
    )


def lip_sync_error(seen: Tensor, heard: Tensor) -> dict[str, float]:
    """Points [N, 1024] of lips and sound -> their least mean distance over shifts of up to 15
    frames (lse_d), and how far the median shift's lies above it (lse_c).

    Beyond either end sound is the point nought, as its authors count.
    """
    around = F.pad(heard, (0, 0, _MOST_SHIFT, _MOST_SHIFT))
    shifted = around.unfold(0, len(seen), 1).transpose(1, 2)
    apart = torch.stack([F.pairwise_distance(seen, each).mean() for each in shifted])
    return {"lse_d": float(apart.min()), "lse_c": float(apart.median() - apart.min())}


def face_pictures(pictures: Sequence[Picture], points: NDArray[np.float32]) -> list[Picture]:
    """Faces with landmarks [T, 478, 3] cut from RGB pictures as the network knows them.

    Its authors' detector gives a box from forehead to chin; here it is that of the landmarks.
    """
    low, high = points[..., :2].min(1), points[..., :2].max(1)
    half = (high - low).max(1, keepdims=True) / 2
    boxes = _steadied(np.concatenate([(low + high) / 2, half], 1))
    return [_cut(picture, *box) for picture, box in zip(pictures, boxes, strict=True)]


def _steadied(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Running medians of rows [T, N]."""
    padded = np.pad(rows, ((_STEADY // 2, _STEADY // 2), (0, 0)), mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, _STEADY, 0), 2)


def _cut(picture: Picture, x: float, y: float, half: float) -> Picture:
    scale = _SIDE / (2 * _ASIDE * half)
    corner = np.array([x - _ASIDE * half, y - (2 * _ASIDE - _BELOW) * half])
    matrix = np.column_stack([scale * np.eye(2), (0.5 - corner) * scale - 0.5])
    return np.asarray(cv2.warpAffine(picture, matrix, (_SIDE, _SIDE), borderValue=_GREY), np.uint8)
