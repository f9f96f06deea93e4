"""Trains the face generator and the style encoder on made pictures.

As SegTalker's SGI (arXiv 2409.03605): pixels, what networks see in them, who it is, which regions,
and an adversary. Its prior learning needs nothing of its own: most photographs have closed lips and
are asked to open them; what nobody ever saw behind them is the plate's and the adversary's to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from realtime.face import MOUTH_WINDOW
from realtime.models.generator import Generator, around_lips, compose, soft_border, to_lips
from realtime.models.style_encoder import StyleEncoder
from realtime.models.weights import Weights, save_weights
from realtime.regions import REGIONS, Region
from realtime.training.discriminator import (
    PatchDiscriminator,
    deceiving_loss,
    r1_penalty,
    telling_loss,
)
from realtime.training.judges import Judges
from realtime.training.people import Photo, load_photos
from realtime.training.pictures import Motions, draw_picture, load_motions, stack
from realtime.training.precision import autocast
from realtime.training.progress import new_progress
from realtime.training.recipe import Recipe
from realtime.training.timed import Batch, Run, SeededBatches, Stint, on_device

_BATCH = 6
# Judges and adversary take three quarters of a step: they are asked so rarely, with so much more
# weight; and so is the slope of the adversary, of its own steps (Karras et al. 2020).
_JUDGED_EVERY, _SLOPE_EVERY = 4, 16
_BETAS = (0.5, 0.99)
_LARGEST_GRADIENT = 5.0
# Weights of the losses: composite, gradients, flow, matte, colour of the whole window; slope
# of the adversary.
_FACE, _GRADIENT, _FLOW, _MATTE, _INSIDE = 10.0, 5.0, 0.5, 0.5, 1.0
_SLOPE = 1.0
_MOUTH_WEIGHT, _MOUTH_REACH = 5.0, 9
# What was trained before is only moved by this share of the learning rate.
_TUNING = 0.5


class FaceNetworks(nn.Module):
    """Both networks side by side; their names are the prefixes of the weights file."""

    def __init__(self) -> None:
        super().__init__()
        self.style = StyleEncoder()
        self.generator = Generator()

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The heads of a batch from `to_tensors`, see `realtime.models.generator.climb`."""
        codes = self.style(batch["photo"], batch["mask"])
        wide, near = self.generator(
            batch["photo"], batch["mask"], codes, batch["target"], batch["plate"]
        )
        return wide, near


@dataclass(frozen=True)
class Made:
    """What the heads come to: flow [N, 2, 160, 160] in the mouth's window, matte [N, 1, 96, 112]
    and inside [N, 3, 96, 112] in the lips'; RGB [N, 3, 160, 160], 0..1: the face that a frame
    shows, and with its lips' window all painted."""

    flow: Tensor
    matte: Tensor
    inside: Tensor
    face: Tensor
    painted: Tensor


@dataclass
class Duel(Run):
    """The networks' run, and their adversary's."""

    adversary: Run = field(kw_only=True)

    def save(self, path: Path) -> None:
        super().save(path)
        self.adversary.save(_beside(path))

    def load(self, path: Path, device: torch.device) -> None:
        super().load(path, device)
        self.adversary.load(_beside(path), device)


@dataclass(frozen=True)
class PictureBatches(SeededBatches):
    photos: Sequence[Photo]
    motions: Motions

    def draw(self, rng: np.random.Generator) -> dict[str, Tensor]:
        pictures = [draw_picture(self.photos, self.motions, rng) for _ in range(_BATCH)]
        return {name: torch.from_numpy(array) for name, array in stack(pictures).items()}


def train(
    data: Path, stint: Stint, shipped: Weights | None = None, published: Path | None = None
) -> Path:
    """Trains and writes generator.safetensors into the stint's folder, and returns its path.

    data: the folder that holds `clean`; beside the stint's folder lies what `train recogniser`
    wrote. shipped: weights to begin with, and to change slowly; published: a folder of judges, as
    `Judges.load` reads it. Step n draws its pictures from (seed, n). Raises ModelError without a
    recogniser.
    """
    run = stint.begin(lambda device: fresh_run(device, shipped))
    judges = Judges.load(data, stint.out.parent, stint.device, published)
    share = 1.0 if shipped is None else _TUNING
    photos = load_photos(data / "clean" / "faces", held_out=False)
    source = PictureBatches(stint.seed, run.step, photos, load_motions(data / "clean" / "motion"))

    def learn(batch: Batch, rate: float) -> float:
        return train_step(run, judges, batch, share * rate, stint.device, Recipe())

    with new_progress() as progress:
        stint.go_on("generator", run, source, learn, progress)
    return write(run, stint.out / "generator.safetensors", stint.seed)


def fresh_run(device: torch.device, shipped: Weights | None = None) -> Duel:
    """The shipped networks, or untrained ones, and an untrained adversary."""

    def adam(network: nn.Module, rate: float) -> torch.optim.Optimizer:
        return torch.optim.Adam(network.parameters(), rate, _BETAS)

    run = Run.fresh(FaceNetworks, adam, device)
    if shipped is not None:
        run.begin_with(shipped, nn.Module.named_children)
    adversary = Run.fresh(PatchDiscriminator, adam, device)
    return Duel(run.networks, run.average, run.adam, adversary=adversary)


def train_step(
    run: Duel, judges: Judges, batch: Batch, rate: float, device: torch.device, recipe: Recipe
) -> float:
    """One step of Adam on one batch as the pictures come; the loss. Every fourth is judged, and the
    adversary learns from it."""
    tensors = to_tensors(batch, device, recipe)
    with autocast(device):
        wide, near = run.networks(tensors)
    made = compose_face(wide.float(), near.float(), tensors, recipe)
    loss = picture_loss(made, tensors, recipe)
    if run.step % _JUDGED_EVERY:
        return run.learn(loss, rate, _LARGEST_GRADIENT)
    # Every second face is shown with its lips all painted, as edits ask for.
    painted = torch.arange(len(made.face), device=device) % 2 == 0
    shown = torch.where(painted[:, None, None, None], made.painted, made.face)
    deceived = deceiving_loss(run.adversary.networks(shown))
    judged = judges.loss(shown, tensors, recipe) + recipe.adversarial * deceived
    value = run.learn(loss + _JUDGED_EVERY * judged, rate, _LARGEST_GRADIENT)
    _teach(run.adversary, tensors["truth"], shown.detach(), rate)
    return value


def _teach(adversary: Run, real: Tensor, made: Tensor, rate: float) -> None:
    """One step of the adversary."""
    telling = telling_loss(adversary.networks(real), adversary.networks(made))
    if adversary.step % _SLOPE_EVERY == 0:
        slope = r1_penalty(adversary.networks, real)
        telling = telling + _SLOPE * _SLOPE_EVERY * slope
    adversary.learn(telling, rate, _LARGEST_GRADIENT)


def to_tensors(batch: Batch, device: torch.device, recipe: Recipe) -> dict[str, Tensor]:
    """A batch of pictures as the networks want it: channels first, one-hot masks, RGB 0..1."""
    moved = on_device(batch, device)
    hot = F.one_hot(moved["mask"].long(), REGIONS)
    if not recipe.plate:
        moved["plate"] = torch.zeros_like(moved["plate"])
    return {
        "photo": _channels_first(moved["photo"]) / 255,
        "mask": _channels_first(hot).float(),
        "target": moved["target"],
        "matte": moved["matte"][:, None],
        "parsed": moved["parsed"],
        **{name: _channels_first(moved[name]) for name in ("plate", "truth", "flow")},
    }


def compose_face(wide: Tensor, near: Tensor, batch: Batch, recipe: Recipe) -> Made:
    """What the heads make of the photograph."""
    mask, plate = to_lips(batch["target"]), to_lips(batch["plate"])
    flow, matte, inside = compose(wide, near, mask, plate)
    if not recipe.flow:
        flow = torch.zeros_like(flow)
    moved = move_photo(batch["photo"], flow)
    paint = inside - to_lips(moved)
    face, painted = (moved + around_lips(share * paint) for share in (matte, soft_border(paint)))
    return Made(flow, matte, inside, face, painted)


def picture_loss(made: Made, batch: Batch, recipe: Recipe) -> Tensor:
    """Loss of what was made against the truth of the pictures.

    Without flow there is more to be painted than the opening of the mouth: no matte is asked for.
    """
    truth, hole = batch["truth"], batch["matte"]
    lips = batch["target"][:, Region.UPPER_LIP : Region.MOUTH + 1].sum(1, keepdim=True)
    near = F.max_pool2d(lips, _MOUTH_REACH, 1, _MOUTH_REACH // 2)
    weight = 1 + (_MOUTH_WEIGHT - 1) * near
    loss = (
        _FACE * ((made.face - truth).abs() * weight).mean()
        + _GRADIENT * ((_steps(made.face) - _steps(truth)).abs()).mean()
        + _INSIDE * (made.inside - to_lips(truth)).abs().mean()
    )
    if not recipe.flow:
        return loss
    return (
        loss
        + _FLOW * ((made.flow - batch["flow"]).abs() * (hole == 0)).mean()
        + _MATTE * F.binary_cross_entropy(made.matte, to_lips(hole))
    )


def move_photo(photo: Tensor, flow: Tensor) -> Tensor:
    """The photograph [N, 3, 256, 256] seen through the window's flow [N, 2, h, w]: [N, 3, h, w]."""
    rows, columns = MOUTH_WINDOW
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


def _beside(checkpoint: Path) -> Path:
    return checkpoint.with_name("adversary.pt")


def write(run: Run, path: Path, seed: int) -> Path:
    """The averaged networks as float16 in one file."""
    about = run.about(seed)
    tensors = {name: tensor.half() for name, tensor in run.average.state_dict().items()}
    save_weights(path, tensors, {"style": about, "generator": about})
    return path
