"""Trains the face generator and the style encoder on made pictures."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset

from realtime.face import EYES_WINDOW, MOUTH_WINDOW, Window
from realtime.models.generator import Generator, compose
from realtime.models.style_encoder import StyleEncoder
from realtime.models.weights import save_weights
from realtime.regions import REGIONS, Region
from realtime.training.people import Photo, load_photos
from realtime.training.pictures import Motions, draw_picture, load_motions, stack
from realtime.training.precision import autocast
from realtime.training.progress import new_progress
from realtime.training.timed import Batch, Run, train_for

_BATCH = 6
# Every sixth batch blinks: eyes are half the pixels and much the easier half.
_BLINK_EVERY = 6
_BETAS = (0.5, 0.99)
_LARGEST_GRADIENT = 5.0
_SAVE_EVERY_S = 180.0
# Weights of the losses: composite, gradients, flow, matte, colour of the whole window.
_FACE, _GRADIENT, _FLOW, _MATTE, _INSIDE = 10.0, 5.0, 0.5, 0.5, 1.0
_MOUTH_WEIGHT, _MOUTH_REACH = 5.0, 9


class FaceNetworks(nn.Module):
    """Both networks side by side; their names are the prefixes of the weights file."""

    def __init__(self) -> None:
        super().__init__()
        self.style = StyleEncoder()
        self.generator = Generator()

    def forward(self, batch: Batch, window: Window) -> Tensor:
        """Summed heads [N, 7, h, w] of a batch from `to_tensors`."""
        codes = self.style(batch["photo"], batch["mask"])
        heads: Tensor = self.generator(
            batch["photo"], batch["mask"], codes, batch["target"], batch["plate"], window
        )
        return heads


@dataclass(frozen=True)
class PictureBatches(Dataset[dict[str, Tensor]]):
    """Batch number n, always the same for a seed: n in [first, last)."""

    photos: Sequence[Photo]
    motions: Motions
    seed: int
    first: int

    def __len__(self) -> int:
        return 1 << 30

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        step = self.first + index
        rng = np.random.default_rng((self.seed, step))
        window = window_of(step)
        pictures = [draw_picture(self.photos, self.motions, window, rng) for _ in range(_BATCH)]
        return {name: torch.from_numpy(array) for name, array in stack(pictures).items()}


def train(
    data: Path,
    out: Path,
    *,
    minutes: float,
    seed: int,
    device: str = "cpu",
    resume: bool = False,
    now: Callable[[], float] = time.monotonic,
) -> Path:
    """Trains for `minutes` in all and writes `out`/generator.safetensors, whose path it returns.

    data: the folder that holds `clean`; resume: go on from `out`/checkpoint.pt. Step n draws its
    pictures from (seed, n). `now` is a monotonic clock in seconds.
    """
    out.mkdir(parents=True, exist_ok=True)
    place, checkpoint = torch.device(device), out / "checkpoint.pt"
    torch.manual_seed(seed)
    run = fresh_run(place)
    if resume:
        run.load(checkpoint, place)
    photos = load_photos(data / "clean" / "faces", held_out=False)
    source = PictureBatches(photos, load_motions(data / "clean" / "motion"), seed, run.step)
    with new_progress() as progress:
        train_for(
            "generator",
            minutes,
            run,
            source,
            lambda batch, rate: train_step(run, batch, rate, place),
            checkpoint=checkpoint,
            save_every_s=_SAVE_EVERY_S,
            progress=progress,
            now=now,
        )
    return _write(run, out / "generator.safetensors", seed)


def fresh_run(device: torch.device) -> Run:
    """Untrained networks."""
    return Run.fresh(
        FaceNetworks, lambda each, rate: torch.optim.Adam(each.parameters(), rate, _BETAS), device
    )


def train_step(run: Run, batch: Batch, rate: float, device: torch.device) -> float:
    """One step of Adam on one batch as the pictures come; the loss."""
    window = window_of(run.step)
    tensors = to_tensors(batch, device)
    with autocast(device):
        heads = run.networks(tensors, window)
    return run.learn(picture_loss(heads.float(), tensors, window), rate, _LARGEST_GRADIENT)


def window_of(step: int) -> Window:
    """The window that batch number `step` shows."""
    return EYES_WINDOW if step % _BLINK_EVERY == _BLINK_EVERY - 1 else MOUTH_WINDOW


def to_tensors(batch: Batch, device: torch.device) -> dict[str, Tensor]:
    """A batch of pictures as the networks want it: channels first, one-hot masks, RGB 0..1."""
    moved = {name: tensor.to(device) for name, tensor in batch.items()}
    hot = F.one_hot(moved["mask"].long(), REGIONS)
    return {
        "photo": _channels_first(moved["photo"]) / 255,
        "mask": _channels_first(hot).float(),
        "target": moved["target"],
        "matte": moved["matte"][:, None],
        "closing": moved["closing"][:, None],
        **{name: _channels_first(moved[name]) for name in ("plate", "truth", "flow")},
    }


def picture_loss(heads: Tensor, batch: Batch, window: Window) -> Tensor:
    """Loss of the heads [N, 7, h, w] against the truth of the pictures."""
    truth, hole = batch["truth"], batch["matte"]
    flow, matte, inside = compose(heads, batch["target"], batch["plate"])
    face = torch.lerp(move_photo(batch["photo"], flow, window), inside, matte)
    lips = batch["target"][:, Region.UPPER_LIP : Region.MOUTH + 1].sum(1, keepdim=True)
    near = F.max_pool2d(lips, _MOUTH_REACH, 1, _MOUTH_REACH // 2)
    weight = 1 + (_MOUTH_WEIGHT - 1) * near
    matte_error = F.binary_cross_entropy(matte, hole, reduction="none")
    return (
        _FACE * ((face - truth).abs() * weight).mean()
        + _GRADIENT * ((_steps(face) - _steps(truth)).abs()).mean()
        + _FLOW * ((flow - batch["flow"]).abs() * (hole == 0)).mean()
        + _MATTE * (matte_error * (batch["closing"] == 0)).mean()
        + _INSIDE * (inside - truth).abs().mean()
    )


def move_photo(photo: Tensor, flow: Tensor, window: Window) -> Tensor:
    """The photograph [N, 3, 256, 256] seen through the window's flow [N, 2, h, w]: [N, 3, h, w]."""
    rows, columns = window
    y = torch.arange(rows.start, rows.stop, device=flow.device)[:, None]
    x = torch.arange(columns.start, columns.stop, device=flow.device)
    place = torch.stack([flow[:, 0] + x, flow[:, 1] + y], 3)
    # Pixel centres: -1 is the left edge of pixel 0, +1 the right edge of the last one.
    grid = (2 * place + 1) / photo.shape[3] - 1
    return F.grid_sample(photo, grid, padding_mode="border", align_corners=False)


def _steps(picture: Tensor) -> Tensor:
    """Differences to the right and to the lower neighbour, side by side in the channels."""
    across = picture[:, :, :-1, 1:] - picture[:, :, :-1, :-1]
    down = picture[:, :, 1:, :-1] - picture[:, :, :-1, :-1]
    return torch.cat([across, down], 1)


def _channels_first(x: Tensor) -> Tensor:
    return x.permute(0, 3, 1, 2)


def _write(run: Run, path: Path, seed: int) -> Path:
    about = run.about(seed)
    tensors = {name: tensor.half() for name, tensor in run.average.state_dict().items()}
    save_weights(path, tensors, {"style": about, "generator": about})
    return path
