"""Trains the face parser on people cut out of their photographs and put into other rooms."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from rich.progress import Progress, TextColumn
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from realtime.models.face_parser import CLASSES, FaceParser
from realtime.models.weights import save_weights
from realtime.regions import Region
from realtime.training.parser_pictures import draw_picture
from realtime.training.parser_truth import Truth, load_truths, make_truths, save_truths
from realtime.training.people import HELD_OUT

Batch = Mapping[str, Tensor]

_BATCH = 8
_RATE, _DECAY, _WARM_STEPS = 2e-3, 0.01, 100
_LARGEST_GRADIENT = 1.0
_AVERAGE = 0.995
_SAVE_EVERY_S = 120.0
# Weights of the losses: who is in front, and its edges; of small regions among the classes.
_MATTE, _EDGES = 2.0, 2.0
_CLASS_WEIGHTS = {Region.EARS: 3.0, Region.ACCESSORIES: 2.0}


@dataclass(frozen=True)
class ParserBatches(Dataset[dict[str, Tensor]]):
    """Batch number n, always the same for a seed: n in [first, last)."""

    truths: Sequence[Truth]
    seed: int
    first: int

    def __len__(self) -> int:
        return 1 << 30

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        rng = np.random.default_rng((self.seed, self.first + index))
        pictures = [draw_picture(self.truths, rng) for _ in range(_BATCH)]
        return {
            name: torch.from_numpy(np.stack([getattr(picture, name) for picture in pictures]))
            for name in ("x", "alpha", "regions", "known")
        }


@dataclass
class Run:
    """Where a training stands: everything that a checkpoint holds."""

    network: FaceParser
    average: FaceParser
    adam: torch.optim.AdamW
    step: int = 0
    seconds: float = 0.0

    @classmethod
    def fresh(cls, device: torch.device) -> Run:
        network, average = FaceParser(), FaceParser()
        average.load_state_dict(network.state_dict())
        average.requires_grad_(False)
        network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        adam = torch.optim.AdamW(network.parameters(), _RATE, weight_decay=_DECAY)
        return cls(network, average.to(device), adam)

    def save(self, path: Path) -> None:
        parts = {name: getattr(self, name).state_dict() for name in ("network", "average", "adam")}
        partial = path.with_suffix(".partial")
        torch.save(parts | {"step": self.step, "seconds": self.seconds}, partial)
        partial.replace(path)

    def load(self, path: Path, device: torch.device) -> None:
        state = torch.load(path, map_location=device, weights_only=True)
        for name in ("network", "average", "adam"):
            getattr(self, name).load_state_dict(state[name])
        self.step, self.seconds = state["step"], state["seconds"]


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
    """Trains for `minutes` in all and writes `out`/face_parser.safetensors, whose path it returns.

    data: the folder that holds `clean` and `weights`; what the teachers say is kept in
    `out`/truths.npz. resume: go on from `out`/checkpoint.pt. `now` is a monotonic clock in seconds.
    """
    out.mkdir(parents=True, exist_ok=True)
    place, checkpoint, kept = torch.device(device), out / "checkpoint.pt", out / "truths.npz"
    torch.manual_seed(seed)
    run = Run.fresh(place)
    if resume:
        run.load(checkpoint, place)
    with Progress(*Progress.get_default_columns(), TextColumn("{task.fields[note]}")) as progress:
        if not kept.is_file():
            cutting = progress.add_task("cutting out", note="")

            def cut(count: int, of: int) -> None:
                progress.update(cutting, completed=count, total=of)

            save_truths(kept, make_truths(data, cut))
        truths = _often([truth for truth in load_truths(kept) if truth.person not in HELD_OUT])
        source = ParserBatches(truths, seed, run.step)
        task = progress.add_task("parser", total=minutes, note="")
        began, saved = now() - run.seconds, run.seconds
        loader = DataLoader(source, batch_size=None, num_workers=1, worker_init_fn=_one_thread)
        for batch in loader:
            loss = train_step(run, batch, rate_at(run, minutes), place)
            run.seconds = now() - began
            note = f"step {run.step}  loss {loss:.4f}"
            progress.update(task, completed=run.seconds / 60, note=note)
            if run.seconds >= saved + _SAVE_EVERY_S:
                run.save(checkpoint)
                saved = run.seconds
            if run.seconds >= 60 * minutes:
                break
    run.save(checkpoint)
    return _write(run, out / "face_parser.safetensors", seed)


def train_step(run: Run, batch: Batch, rate: float, device: torch.device) -> float:
    """One step of Adam on one batch as the pictures come; moves the average; the loss."""
    for group in run.adam.param_groups:
        group["lr"] = rate
    moved = {name: tensor.to(device) for name, tensor in batch.items()}
    x = moved["x"].to(memory_format=torch.channels_last)
    with torch.autocast(device.type, torch.bfloat16):
        logits = run.network(x)
    loss = parser_loss(logits.float(), moved)
    run.adam.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(run.network.parameters(), _LARGEST_GRADIENT)
    run.adam.step()
    run.step += 1
    _move_average(run)
    return float(loss.detach())


def rate_at(run: Run, minutes: float) -> float:
    """The learning rate: a short warm-up, then half a cosine down to zero."""
    done = min(run.seconds / (60 * minutes), 1.0)
    return _RATE * min(1.0, (run.step + 1) / _WARM_STEPS) * 0.5 * (1 + math.cos(math.pi * done))


def parser_loss(logits: Tensor, batch: Batch) -> Tensor:
    """Loss of logits [N, 6, h, w]: cross-entropy with soft edges, and the person's matte.

    batch: alpha and known float32 [N, h, w], regions uint8 [N, h, w].
    """
    alpha, known = batch["alpha"], batch["known"]
    logs = F.log_softmax(logits, 1)
    # Background stands for whoever is not known.
    places = torch.zeros(256, dtype=torch.long, device=logits.device)
    weights = torch.ones(len(CLASSES), device=logits.device)
    for place, region in enumerate(CLASSES):
        places[region] = place
        weights[place] = _CLASS_WEIGHTS.get(region, 1.0)
    part = places[batch["regions"].long()]
    person = torch.logsumexp(logs[:, 1:], 1)
    part_logs = logs.gather(1, part[:, None])[:, 0] * weights[part]
    entropy = -(1 - alpha) * logs[:, 0] - alpha * torch.where(part > 0, part_logs, person)
    matte = person.exp()
    error = (matte - alpha).abs()
    seen = known.sum() + 1
    return (
        (entropy * known).sum() / seen
        + _MATTE * (error * known).sum() / seen
        + _EDGES * ((_steps(matte) - _steps(alpha)).abs() * known[:, None, :-1, :-1]).sum() / seen
    )


def _steps(field: Tensor) -> Tensor:
    """Differences of [N, h, w] to the right and to the lower neighbour: [N, 2, h - 1, w - 1]."""
    here = field[:, :-1, :-1]
    return torch.stack([field[:, :-1, 1:] - here, field[:, 1:, :-1] - here], 1)


def _often(truths: Sequence[Truth]) -> list[Truth]:
    """The truths, those of the most varied set twice."""
    return [*truths, *(truth for truth in truths if truth.name.startswith("faker/"))]


def _one_thread(worker: int) -> None:  # noqa: ARG001
    cv2.setNumThreads(0)


@torch.no_grad()
def _move_average(run: Run) -> None:
    """The average follows the weights; early on it follows faster."""
    keep = min(_AVERAGE, run.step / (run.step + 10))
    for mean, value in zip(run.average.parameters(), run.network.parameters(), strict=True):
        mean.lerp_(value, 1 - keep)


def _write(run: Run, path: Path, seed: int) -> Path:
    about = {"seed": seed, "steps": run.step, "minutes": round(run.seconds / 60, 1)}
    tensors = {f"parser.{name}": each.half() for name, each in run.average.state_dict().items()}
    save_weights(path, tensors, {"parser": about})
    return path
