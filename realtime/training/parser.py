"""Trains the face parser on people cut out of their photographs and put into other rooms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from realtime.models.face_parser import CLASSES, FaceParser
from realtime.models.weights import Weights, save_weights
from realtime.regions import Region
from realtime.training.parser_pictures import draw_picture
from realtime.training.parser_truth import Truth, load_truths, make_truths, save_truths
from realtime.training.people import HELD_OUT
from realtime.training.precision import autocast
from realtime.training.progress import new_progress
from realtime.training.timed import Batch, Run, SeededBatches, Stint, on_device

_BATCH = 8
_DECAY = 0.01
_LARGEST_GRADIENT = 1.0
# Weights of the losses: who is in front, and its edges; of small regions among the classes.
_MATTE, _EDGES = 2.0, 2.0
_CLASS_WEIGHTS = {Region.EARS: 3.0, Region.ACCESSORIES: 2.0, Region.BROWS: 2.0}


@dataclass(frozen=True)
class ParserBatches(SeededBatches):
    truths: Sequence[Truth]

    def draw(self, rng: np.random.Generator) -> dict[str, Tensor]:
        pictures = [draw_picture(self.truths, rng) for _ in range(_BATCH)]
        return {
            name: torch.from_numpy(np.stack([getattr(picture, name) for picture in pictures]))
            for name in ("x", "alpha", "regions", "known")
        }


def train(data: Path, stint: Stint, shipped: Weights | None = None) -> Path:
    """Trains and writes face_parser.safetensors into the stint's folder, and returns its path.

    data: the folder that holds `clean` and `weights`; what the teachers say is kept beside, in
    truths.npz. shipped: weights to begin with.
    """
    run = stint.begin(lambda device: fresh_run(device, shipped))
    kept = stint.out / "truths.npz"
    with new_progress() as progress:
        if not kept.is_file():
            cutting = progress.add_task("cutting out", note="")

            def cut(count: int, of: int) -> None:
                progress.update(cutting, completed=count, total=of)

            save_truths(kept, make_truths(data, cut))
        truths = _often([truth for truth in load_truths(kept) if truth.person not in HELD_OUT])
        stint.go_on(
            "parser",
            run,
            ParserBatches(stint.seed, run.step, truths),
            lambda batch, rate: train_step(run, batch, rate, stint.device),
            progress,
        )
    return _write(run, stint.out / "face_parser.safetensors", stint.seed)


def fresh_run(device: torch.device, shipped: Weights | None = None) -> Run:
    """The shipped network, or an untrained one."""
    run = Run.fresh(
        FaceParser,
        lambda each, rate: torch.optim.AdamW(each.parameters(), rate, weight_decay=_DECAY),
        device,
    )
    if shipped is not None:
        run.begin_with(shipped, lambda network: [("parser", network)])
    return run


def train_step(run: Run, batch: Batch, rate: float, device: torch.device) -> float:
    """One step of AdamW on one batch as the pictures come; the loss."""
    moved = on_device(batch, device)
    x = moved["x"].to(memory_format=torch.channels_last)
    with autocast(device):
        logits = run.networks(x)
    return run.learn(parser_loss(logits.float(), moved), rate, _LARGEST_GRADIENT)


def parser_loss(logits: Tensor, batch: Batch) -> Tensor:
    """Loss of logits [N, 7, h, w]: cross-entropy with soft edges, and the person's matte.

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


def _write(run: Run, path: Path, seed: int) -> Path:
    tensors = {f"parser.{name}": each.half() for name, each in run.average.state_dict().items()}
    save_weights(path, tensors, {"parser": run.about(seed)})
    return path
