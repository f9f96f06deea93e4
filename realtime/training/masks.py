"""Trains the mask network: what sixteen numbers and polygons leave out of the warped mask."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from rich.progress import Progress, TextColumn
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from realtime.face import MOUTH_WINDOW, coverage, eye_polygons, lip_polygons, move_lips
from realtime.models.tsg import MaskNet, first_mask
from realtime.models.weights import save_weights
from realtime.regions import REGIONS, Region, one_hot
from realtime.training.mesh import backward_flow
from realtime.training.people import Photo, load_photos
from realtime.training.pictures import Motions, load_motions, warped_mask
from realtime.training.speech_corpus import read_basis

Array = NDArray[np.float32]

_BATCH = 8
_RATE = 2e-3
# Inverse-area weights of the cross-entropy, kept within these so that thin lips do not swell.
_WEIGHTS = (0.5, 3.0)


@dataclass(frozen=True)
class MaskPair:
    """What the network sees and what it should say: masks float32 [12, 256, 256], [12, h, w]."""

    rest: Array
    first: Array
    truth: Array


@dataclass(frozen=True)
class MaskPairs(Dataset[dict[str, Tensor]]):
    """Batch number n of pairs, always the same for a seed.

    lossy float32 [K, 478, 2] displaces landmarks like `motions.basis`, but only as far as sixteen
    numbers can say.
    """

    photos: Sequence[Photo]
    motions: Motions
    lossy: Array
    seed: int

    def __len__(self) -> int:
        return 1 << 30

    def __getitem__(self, step: int) -> dict[str, Tensor]:
        rng = np.random.default_rng((self.seed, step))
        pairs = [self.draw(rng) for _ in range(_BATCH)]
        return {
            name: torch.from_numpy(np.stack([getattr(pair, name) for pair in pairs]))
            for name in ("rest", "first", "truth")
        }

    def draw(self, rng: np.random.Generator) -> MaskPair:
        """A random photograph speaking a random frame."""
        photo = self.photos[int(rng.integers(len(self.photos)))]
        coefficients = self.motions.draw_coefficients(rng)
        said, moved = (
            move_lips(photo.closed, np.tensordot(coefficients, basis, 1))
            for basis in (self.lossy, self.motions.basis)
        )
        holes = [lip_polygons(moved)[Region.MOUTH], *eye_polygons(moved)]
        hole = np.max([coverage(polygon, MOUTH_WINDOW) for polygon in holes], 0)
        flow = backward_flow(photo.points, moved, hole, MOUTH_WINDOW)
        rest = one_hot(photo.mask)
        return MaskPair(
            rest=rest,
            first=first_mask(rest, photo.points, said, MOUTH_WINDOW),
            truth=warped_mask(photo, moved, flow, MOUTH_WINDOW),
        )


def load_pairs(data: Path, seed: int, *, held_out: bool) -> MaskPairs:
    """Pairs of the people of `data`/clean, without those held out or of them alone."""
    folder = data / "clean" / "motion"
    code = read_basis(folder)
    lossy = np.tensordot(code.encode, code.basis[..., :2], 1).astype(np.float32)
    photos = load_photos(data / "clean" / "faces", held_out=held_out)
    return MaskPairs(photos, load_motions(folder), lossy, seed)


def train(
    data: Path,
    out: Path,
    *,
    minutes: float,
    seed: int,
    now: Callable[[], float] = time.monotonic,
) -> Path:
    """Trains for `minutes` and writes `out`/masks.safetensors, whose path it returns.

    data: the folder that holds `clean`. `now` is a monotonic clock in seconds.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    network = MaskNet()
    adam = torch.optim.Adam(network.parameters(), _RATE)
    weights = region_weights(load_pairs(data, seed, held_out=False).photos)
    loader = DataLoader(load_pairs(data, seed, held_out=False), batch_size=None, num_workers=1)
    began, steps = now(), 0
    with Progress(*Progress.get_default_columns(), TextColumn("{task.fields[note]}")) as progress:
        task = progress.add_task("masks", total=minutes, note="")
        for batch in loader:
            done = (now() - began) / (60 * minutes)
            if done >= 1:
                break
            for group in adam.param_groups:
                group["lr"] = _RATE * 0.5 * (1 + math.cos(math.pi * done))
            loss = mask_loss(network, batch, weights)
            adam.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            adam.step()
            steps += 1
            note = f"step {steps}  loss {float(loss.detach()):.4f}"
            progress.update(task, completed=done * minutes, note=note)
    path = out / "masks.safetensors"
    tensors = {f"masks.{name}": tensor.half() for name, tensor in network.state_dict().items()}
    save_weights(path, tensors, {"masks": {"seed": seed, "steps": steps}})
    return path


def mask_loss(network: MaskNet, batch: dict[str, Tensor], weights: Tensor) -> Tensor:
    """Cross-entropy of the network's mask against soft truth, weighted by region [12]."""
    known = network.know(batch["rest"], MOUTH_WINDOW)
    logs = F.log_softmax(network(known, batch["first"]), 1)
    share = batch["truth"] * weights[:, None, None]
    return -(share * logs).sum() / share.sum()


def region_weights(photos: Sequence[Photo]) -> Tensor:
    """The root of inverse area in the mouth window, its mean over present regions 1: [12]."""
    counts = np.zeros(REGIONS)
    for photo in photos:
        counts += np.bincount(photo.mask[MOUTH_WINDOW].ravel(), minlength=REGIONS)
    inverse = np.where(counts > 0, (counts.sum() / np.maximum(counts, 1)) ** 0.5, 0.0)
    scaled = inverse / inverse[counts > 0].mean()
    return torch.from_numpy(np.clip(scaled, *_WEIGHTS)).float()


def errors(network: MaskNet, pairs: MaskPairs, count: int) -> dict[str, float]:
    """Of `count` pairs: share of wrong pixels, and mean error of the opening's area in px,
    for the first masks alone (`first_*`) and refined (`refined_*`)."""
    wrong: dict[str, list[float]] = {"first": [], "refined": []}
    opening: dict[str, list[float]] = {"first": [], "refined": []}
    rng = np.random.default_rng(pairs.seed)
    for _ in range(count):
        pair = pairs.draw(rng)
        with torch.inference_mode():
            known = network.know(torch.from_numpy(pair.rest)[None], MOUTH_WINDOW)
        for name, mask in (("first", pair.first), ("refined", network.refine(known, pair.first))):
            wrong[name].append(float((mask.argmax(0) != pair.truth.argmax(0)).mean()))
            areas = mask[Region.MOUTH].sum() - pair.truth[Region.MOUTH].sum()
            opening[name].append(abs(float(areas)))
    return {
        **{f"{name}_wrong": float(np.mean(each)) for name, each in wrong.items()},
        **{f"{name}_opening_px": float(np.mean(each)) for name, each in opening.items()},
    }
