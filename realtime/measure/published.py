"""Meters that others published, where the user has their networks: LPIPS, FID, FVD and LSE.

Files under the names they are published by, any of them, in one folder: vgg16.pt and
inception-2015-12-05.pt (StyleGAN2-ADA), i3d_torchscript.pt (StyleGAN-V), syncnet_v2.model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from realtime.clock import Sound
from realtime.errors import InputError
from realtime.measure.published_syncnet import lip_sync, load_published_syncnet
from realtime.models.torchscript import read_network
from realtime.training.perceptual import lpips

Picture = NDArray[np.uint8]

FILES = {
    "lpips": "vgg16.pt",
    "fid": "inception-2015-12-05.pt",
    "fvd": "i3d_torchscript.pt",
    "lse": "syncnet_v2.model",
}
_FEATURES = {"return_features": True}
_READERS: Mapping[str, Callable[[Path], Any]] = {"lse": load_published_syncnet}
_BATCH = 16
_WINDOW, _SIDE = 16, 224  # frames and pixels that I3D sees (Unterthiner et al. 2018)


class PublishedMeters:
    """Compares made with real pictures, both RGB uint8 [H, W, 3] and of one size.

    LPIPS (Zhang et al. 2018) is a clip's; FID (Heusel et al. 2017) over all pictures and FVD over
    all windows of 16 are known at the end, and flatter or scold where there are only a few.
    """

    def __init__(self, folder: Path) -> None:
        """Raises InputError where the folder holds none of the files, or not what they should."""
        self._networks = {
            name: _READERS.get(name, read_network)(folder / file)
            for name, file in FILES.items()
            if (folder / file).exists()
        }
        if not self._networks:
            wanted = ", ".join(FILES.values())
            raise InputError(f"expected one of {wanted} in {folder}, found none")
        self._features: dict[str, tuple[list[Tensor], list[Tensor]]] = {
            name: ([], []) for name in self._networks if name in ("fid", "fvd")
        }

    @torch.inference_mode()
    def compare(self, made: Sequence[Picture], real: Sequence[Picture]) -> dict[str, float]:
        """A clip's own figures; its features are remembered."""
        for name, (of_made, of_real) in self._features.items():
            of_made += self._seen(name, made)
            of_real += self._seen(name, real)
        if (network := self._networks.get("lpips")) is None:
            return {}
        apart = [lpips(network, *each) for each in zip(_batches(made), _batches(real), strict=True)]
        return {"lpips": float(torch.cat(apart).mean())}

    def lip_sync(self, faces: Sequence[Picture], sound: Sound) -> dict[str, float]:
        """How well a clip's faces, 224x224 px, fit its sound, where SyncNet is there."""
        network = self._networks.get("lse")
        return lip_sync(network, faces, sound) if network else {}

    def summary(self) -> dict[str, float]:
        """FID and FVD of all clips so far."""
        return {
            name: frechet(*(torch.cat(each).double().numpy() for each in features))
            for name, features in self._features.items()
        }

    def _seen(self, name: str, pictures: Sequence[Picture]) -> list[Tensor]:
        network = self._networks[name]
        if name == "fid":
            return [network(batch, **_FEATURES) for batch in _batches(pictures)]
        return [
            network(window, rescale=False, resize=False, **_FEATURES)
            for window in _windows(pictures)
        ]


def frechet(made: NDArray[np.float64], real: NDArray[np.float64]) -> float:
    """Squared Fréchet distance of two Gaussians that features [N, C] and [M, C] are taken for.

    With centred rows A and B the trace of (cov A cov B)^1/2 is the nuclear norm of A B^T over
    the root of (N - 1)(M - 1), which needs no matrix root and no more rows than features.
    """
    a, b = (each - each.mean(0) for each in (made, real))
    a, b = a / np.sqrt(len(a) - 1), b / np.sqrt(len(b) - 1)
    apart = np.square(made.mean(0) - real.mean(0)).sum()
    common = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    return float(apart + np.square(a).sum() + np.square(b).sum() - 2 * common)


def _batches(pictures: Sequence[Picture]) -> Iterator[Tensor]:
    """float32 [N, 3, H, W], 0..255."""
    for first in range(0, len(pictures), _BATCH):
        batch = torch.from_numpy(np.stack(pictures[first : first + _BATCH]))
        yield batch.permute(0, 3, 1, 2).float()


def _windows(pictures: Sequence[Picture]) -> Iterator[Tensor]:
    """Sixteen frames at a time, the rest left out: float32 [1, 3, 16, 224, 224], -1..1."""
    for batch in _batches(pictures[: len(pictures) // _WINDOW * _WINDOW]):
        small = F.interpolate(batch, (_SIDE, _SIDE), mode="bilinear", align_corners=False)
        yield (small / 127.5 - 1).transpose(0, 1)[None]
