"""A small recogniser of faces: trains the loss that keeps a face who it is. It is not shipped.

Two views of every person of a batch, each in another light and frame, lie close together on a
sphere, other people's far apart (in-batch negatives: van den Oord et al. 2018).
"""

from __future__ import annotations

import csv
import itertools
from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from realtime.enroll.portrait import read_picture
from realtime.errors import ModelError
from realtime.face import CROP, crop_picture
from realtime.models.weights import load_weights, save_weights
from realtime.training.descent import Plan, descend
from realtime.training.people import HELD_OUT
from realtime.training.progress import new_progress

NAME = "recogniser"
FILE = Path(NAME, f"{NAME}.safetensors")

Picture = NDArray[np.uint8]

# From brows to chin: hair and room are not who it is.
_FACE, _POOL = slice(32, 224), 3
_SIZE, _POINT = 64, 128
_WIDTHS = (3, 32, 64, 96, 128)
_PEOPLE, _RATE = 48, 2e-3
_TEMPERATURE = 0.07
# What a view may differ by: standard deviations of turn (radians), log scale and shift (px of the
# crop), of light, colour and contrast; and how often a part is hidden.
_TURN, _SCALE, _SHIFT = 0.05, 0.05, 5.0
_LIGHT, _COLOUR, _CONTRAST = 0.25, 0.08, 0.2
_HIDDEN = 0.5


class Recogniser(nn.Module):
    """A face as a point on a sphere."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            nn.Conv2d(into, out, 3, stride=2, padding=1)
            for into, out in itertools.pairwise(_WIDTHS)
        )
        self.norm = nn.ModuleList(nn.GroupNorm(8, width) for width in _WIDTHS[1:])
        self.last = nn.Linear(_WIDTHS[-1] * (_SIZE >> len(self.down)) ** 2, _POINT)

    def forward(self, crop: Tensor) -> Tensor:
        """Canonical crops RGB [N, 3, 256, 256], 0..1 -> unit vectors [N, 128]."""
        x = F.avg_pool2d(crop[..., _FACE, _FACE], _POOL)
        # Light and its colour say nothing of who it is.
        mean, spread = x.mean((2, 3), keepdim=True), x.std((2, 3), keepdim=True)
        x = (x - mean) / (spread + 0.02)
        for convolution, norm in zip(self.down, self.norm, strict=True):
            x = F.leaky_relu(norm(convolution(x)), 0.2)
        point: Tensor = self.last(x.flatten(1))
        return F.normalize(point, dim=1)


def identity_loss(recogniser: nn.Module, made: Tensor, photo: Tensor) -> Tensor:
    """How far crops [N, 3, 256, 256] are from looking like the photographs: 1 - mean cosine."""
    likeness: Tensor = (recogniser(made) * recogniser(photo)).sum(1)
    return 1 - likeness.mean()


def contrast_loss(first: Tensor, second: Tensor) -> Tensor:
    """Unit vectors [N, D] of two views of N people: each must find its own other."""
    likeness = first @ second.T / _TEMPERATURE
    own = torch.arange(len(first), device=first.device)
    return 0.5 * (F.cross_entropy(likeness, own) + F.cross_entropy(likeness.T, own))


def train(
    data: Path, out: Path, *, steps: int, seed: int, device: str = "cpu", resume: bool = False
) -> Path:
    """Writes `out`/recogniser.safetensors, whose path it returns.

    data: the folder that holds `clean`; resume: go on from `out`/checkpoint.pt. Step n draws its
    people from (seed, n).
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    people = list(views_by_person(data / "clean" / "faces", HELD_OUT).values())
    network = Recogniser().to(device)

    def losses_at(step: int) -> dict[str, Tensor]:
        first, second = (each.to(device) for each in draw_pairs(people, seed, step))
        return {"contrast": contrast_loss(network(first), network(second))}

    with new_progress() as progress:
        descend(
            NAME,
            network,
            losses_at,
            Plan(steps, _RATE),
            checkpoint=out / "checkpoint.pt",
            resume=resume,
            progress=progress,
        )
    tensors = {f"{NAME}.{name}": each.half() for name, each in network.state_dict().items()}
    path = out / FILE.name
    save_weights(path, tensors, {NAME: {"seed": seed, "steps": steps}})
    return path


def load_recogniser(runs: Path) -> Recogniser:
    """What `train recogniser` left under `runs`; raises ModelError where it has not yet run."""
    if not (runs / FILE).is_file():
        raise ModelError(f"expected {runs / FILE}, found none: run `train recogniser` first")
    network = Recogniser()
    load_weights(runs / FILE).restore(NAME, network)
    return network


def views_by_person(folder: Path, leave_out: Collection[str] = ()) -> dict[str, list[Picture]]:
    """Canonical crops RGB uint8 [256, 256, 3] of a folder of portraits with its index.tsv."""
    by_person: dict[str, list[Picture]] = defaultdict(list)
    with open(folder / "index.tsv", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if row["person"] not in leave_out:
                matrix = np.array(row["matrix"].split(","), np.float32).reshape(2, 3)
                by_person[row["person"]].append(
                    crop_picture(read_picture(folder / row["file"]), matrix)
                )
    return by_person


def draw_pairs(people: Sequence[Sequence[Picture]], seed: int, step: int) -> tuple[Tensor, Tensor]:
    """Two views of some people, RGB [N, 3, 256, 256], 0..1."""
    rng = np.random.default_rng((seed, step))
    chosen = rng.permutation(len(people))[:_PEOPLE]
    pairs = [[_view(_any(people[who], rng), rng) for _ in range(2)] for who in chosen]
    stacked = torch.from_numpy(np.array(pairs)).permute(1, 0, 4, 2, 3) / 255
    return stacked[0], stacked[1]


def _any(pictures: Sequence[Picture], rng: np.random.Generator) -> Picture:
    return pictures[int(rng.integers(len(pictures)))]


def _view(crop: Picture, rng: np.random.Generator) -> Picture:
    """The crop a little turned, moved, in another light, perhaps mirrored and partly hidden."""
    middle = (CROP / 2, CROP / 2)
    turn, scale = np.degrees(rng.normal(0, _TURN)), np.exp(rng.normal(0, _SCALE))
    matrix = cv2.getRotationMatrix2D(middle, float(turn), float(scale))
    shift = np.array([[0, 0, 1]]) * rng.normal(0, _SHIFT, (2, 1))
    moved = cv2.warpAffine(crop, matrix + shift, (CROP, CROP), borderMode=cv2.BORDER_REPLICATE)
    gain = np.exp(rng.normal(0, _LIGHT) + rng.normal(0, _COLOUR, 3))
    ramp = np.clip(np.linspace(0, 1, 256)[:, None] * gain, 0, 1) ** np.exp(rng.normal(0, _CONTRAST))
    lit = cv2.LUT(moved, np.round(255 * ramp).astype(np.uint8)[None])
    if rng.random() < _HIDDEN:
        top, left = rng.integers(0, CROP - 64, 2)
        lit[top : top + 64, left : left + 64] = rng.uniform(0, 255, 3)
    if rng.random() < 0.5:
        lit = lit[:, ::-1]
    return np.asarray(lit, np.uint8)
