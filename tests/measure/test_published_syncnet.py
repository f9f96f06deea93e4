"""The published SyncNet: its file's layout, what it is shown, and how LSE is counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from realtime.clock import FRAME_SAMPLES
from realtime.errors import InputError
from realtime.face import LANDMARKS
from realtime.measure.mfcc import mfcc
from realtime.measure.published_syncnet import (
    PublishedSyncNet,
    face_pictures,
    lip_sync,
    lip_sync_error,
    load_published_syncnet,
)

RNG = np.random.default_rng(0)


def points(count: int) -> torch.Tensor:
    return torch.from_numpy(RNG.normal(size=(count, 1024))).float()


def test_layers_lie_as_in_the_published_file() -> None:
    shapes = {name: tuple(each.shape) for name, each in PublishedSyncNet().state_dict().items()}
    assert shapes["netcnnaud.4.weight"] == (192, 64, 3, 3)
    assert shapes["netcnnaud.18.weight"] == (512, 256, 5, 4)
    assert shapes["netcnnlip.0.weight"] == (96, 3, 5, 7, 7)
    assert shapes["netcnnlip.18.weight"] == (512, 256, 1, 6, 6)
    assert shapes["netfclip.1.running_var"] == (512,)
    assert shapes["netfcaud.3.bias"] == (1024,)


def test_a_window_of_lips_and_of_sound_is_one_point_each() -> None:
    network = PublishedSyncNet().eval()
    with torch.inference_mode():
        assert network.see(torch.zeros(1, 3, 5, 224, 224)).shape == (1, 1024)
        assert network.hear(torch.zeros(2, 1, 13, 20)).shape == (2, 1024)


class Notes(PublishedSyncNet):
    """Writes down what it is shown: a pixel's colours, and sound."""

    def __init__(self) -> None:
        super().__init__()
        self.colours: list[torch.Tensor] = []
        self.sound: list[torch.Tensor] = []

    def hear(self, cepstra: torch.Tensor) -> torch.Tensor:
        self.sound += cepstra
        return torch.zeros(len(cepstra), 1024)

    def see(self, faces: torch.Tensor) -> torch.Tensor:
        self.colours += faces[..., 0, 0]
        return torch.zeros(len(faces), 1024)


def test_five_frames_meet_the_sound_that_begins_with_them() -> None:
    network = Notes()
    faces = [np.full((224, 224, 3), (i, 100 + i, 200 + i), np.uint8) for i in range(24)]
    sound = RNG.integers(-3000, 3000, 24 * FRAME_SAMPLES).astype(np.int16)
    lip_sync(network, faces, sound)
    assert len(network.colours) == len(network.sound) == 19
    assert network.colours[7].tolist() == [[c + 7 + i for i in range(5)] for c in (200, 100, 0)]
    assert network.sound[7].shape == (1, 13, 20)
    np.testing.assert_allclose(network.sound[7][0].T, mfcc(sound)[28:48], rtol=1e-5)
    with pytest.raises(ValueError, match="6 frames"):
        lip_sync(network, faces[:5], sound)


def test_error_is_the_least_mean_distance_and_how_far_the_median_lies_above() -> None:
    seen = points(40)
    heard = torch.cat([points(4), seen[:-4]])  # the sound is four frames late
    found = lip_sync_error(seen, heard)
    means = []
    for shift in range(-15, 16):
        at = [i + shift for i in range(40)]
        there = [heard[i] if 0 <= i < 40 else torch.zeros(1024) for i in at]
        means.append(float((seen - torch.stack(there)).norm(dim=1).mean()))
    assert int(np.argmin(means)) == 15 + 4
    assert found["lse_d"] == pytest.approx(min(means), abs=1e-3)
    assert found["lse_c"] == pytest.approx(np.median(means) - min(means), abs=1e-3)
    strange = lip_sync_error(seen, points(40))
    assert strange["lse_c"] < 0.2 * found["lse_c"]


def test_a_face_fills_its_square_and_grey_lies_beyond_the_picture() -> None:
    picture = np.zeros((200, 100, 3), np.uint8)
    picture[40:120, 10:60] = 255
    corners = np.zeros((20, LANDMARKS, 3), np.float32)
    corners[:, ::2, :2], corners[:, 1::2, :2] = (10, 40), (60, 120)
    corners[9] += 50  # a frame in which the landmarks jumped
    faces = face_pictures([picture] * 20, corners)
    face = faces[9]
    assert face.shape == (224, 224, 3)
    scale = 224 / 112
    rows, columns = (slice(*(round(x * scale) for x in each)) for each in ((0, 80), (31, 81)))
    assert face[rows, columns][4:-4, 4:-4].min() == 255
    assert face[int(84 * scale) :, int(35 * scale) : int(77 * scale)].max() == 0
    assert (face[:, :36] == 110).all()


def test_a_published_file_is_read_and_another_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "syncnet_v2.model"
    network = PublishedSyncNet()
    torch.save(network.state_dict(), path)
    loaded = load_published_syncnet(path)
    assert not loaded.training
    torch.testing.assert_close(loaded.netfclip[0].weight, network.netfclip[0].weight)
    for content in ({"weight": torch.zeros(1)}, [1]):
        torch.save(content, path)
        with pytest.raises(InputError, match="published SyncNet"):
            load_published_syncnet(path)
    path.write_bytes(b"no network")
    with pytest.raises(InputError, match="published SyncNet"):
        load_published_syncnet(path)
