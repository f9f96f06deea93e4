"""Published meters: read where they lie, asked as their publishers do, and put together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from realtime.clock import FRAME_SAMPLES
from realtime.errors import InputError
from realtime.measure.published import FILES, PublishedMeters, frechet
from realtime.measure.published_syncnet import PublishedSyncNet

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")

RNG = np.random.default_rng(0)


class Brightness(nn.Module):
    """Stands for VGG: a picture's mean channels, as Zhang's weights would give them."""

    def forward(self, x: Tensor, resize_images: bool = True, return_lpips: bool = False) -> Tensor:
        assert return_lpips
        assert not resize_images
        return x.mean((2, 3))


class Film(nn.Module):
    """Stands for I3D: the mean channels of sixteen frames."""

    def forward(
        self, x: Tensor, rescale: bool = True, resize: bool = True, return_features: bool = False
    ) -> Tensor:
        assert return_features
        assert not rescale
        assert not resize
        assert list(x.shape[1:]) == [3, 16, 224, 224]
        return x.mean((2, 3, 4))


class Stills(nn.Module):
    """Stands for Inception: the mean channels of a picture."""

    def forward(self, x: Tensor, return_features: bool = False) -> Tensor:
        assert return_features
        return x.mean((2, 3))


def published(folder: Path, **networks: nn.Module) -> PublishedMeters:
    for name, network in networks.items():
        torch.jit.script(network).save(str(folder / FILES[name]))  # type: ignore[no-untyped-call]
    return PublishedMeters(folder)


def pictures(count: int, level: int) -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    levels = RNG.integers(level - 20, level + 20, count)
    return [np.full((32, 48, 3), value, np.uint8) for value in levels]


def test_equal_clips_are_no_distance_apart_and_others_are(tmp_path: Path) -> None:
    meters = published(tmp_path, lpips=Brightness(), fid=Stills(), fvd=Film())
    clip = pictures(40, 100)
    assert meters.compare(clip, clip) == {"lpips": 0.0}
    assert meters.summary() == pytest.approx({"fid": 0, "fvd": 0}, abs=1e-6)
    brighter = [picture + 50 for picture in clip]
    assert meters.compare(brighter, clip) == pytest.approx({"lpips": 3 * 50.0**2})
    figures = meters.summary()
    assert figures["fid"] > 3 * 25.0**2 - 1
    assert figures["fvd"] > 0.01


def test_what_is_not_there_is_not_measured(tmp_path: Path) -> None:
    meters = published(tmp_path, fid=Stills())
    assert meters.compare(pictures(3, 80), pictures(3, 80)) == {}
    assert list(meters.summary()) == ["fid"]


def test_lips_are_judged_where_syncnet_is_there(tmp_path: Path) -> None:
    faces, sound = pictures(7, 100), np.zeros(7 * FRAME_SAMPLES, np.int16)
    faces = [np.resize(face, (224, 224, 3)) for face in faces]
    assert published(tmp_path, fid=Stills()).lip_sync(faces, sound) == {}
    torch.save(PublishedSyncNet().state_dict(), tmp_path / FILES["lse"])
    meters = PublishedMeters(tmp_path)
    assert set(meters.lip_sync(faces, sound)) == {"lse_c", "lse_d"}
    meters.compare(faces, faces)
    assert list(meters.summary()) == ["fid"]


def test_a_folder_without_networks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"vgg16\.pt"):
        PublishedMeters(tmp_path)
    (tmp_path / "vgg16.pt").write_bytes(b"no network")
    with pytest.raises(InputError, match="TorchScript"):
        PublishedMeters(tmp_path)


def test_frechet_is_that_of_two_gaussians() -> None:
    a, b = RNG.normal(size=(200, 5)) @ RNG.normal(size=(5, 5)), RNG.normal(1, 2, (300, 5))
    roots = np.linalg.eigvals(np.cov(a.T) @ np.cov(b.T)).real
    apart = np.square(a.mean(0) - b.mean(0)).sum()
    direct = apart + np.trace(np.cov(a.T)) + np.trace(np.cov(b.T)) - 2 * np.sqrt(roots).sum()
    assert frechet(a, b) == pytest.approx(direct)
