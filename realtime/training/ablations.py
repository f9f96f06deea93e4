"""What each part of the generator's training is worth: the same training, each time without one.

SegTalker's table 2 (arXiv 2409.03605), and choices of our own. All variants begin with the same
weights and take the same number of steps, side by side, on the same pictures.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import torch

from realtime.measure.pictures import evaluate
from realtime.models.weights import load_weights
from realtime.training.generator import Duel, PictureBatches, fresh_run, train_step, write
from realtime.training.judges import Judges
from realtime.training.people import load_photos
from realtime.training.pictures import load_motions
from realtime.training.progress import new_progress
from realtime.training.recipe import Recipe
from realtime.training.timed import batches, rate_at

_ALL = Recipe()
VARIANTS: Mapping[str, Recipe] = {
    "everything": _ALL,
    "no_perceptual_loss": replace(_ALL, perceptual=0),
    "no_parsing_loss": replace(_ALL, parsing=0),
    "no_identity_loss": replace(_ALL, identity=0),
    "no_adversary": replace(_ALL, adversarial=0),
    "pixels_alone": replace(_ALL, perceptual=0, parsing=0, identity=0, adversarial=0),
    "no_made_pictures": replace(_ALL, made=False),
    "no_flow": replace(_ALL, flow=False),
    "no_mouth_plate": replace(_ALL, plate=False),
}


def train(
    data: Path,
    out: Path,
    *,
    minutes: float,
    seed: int,
    device: str = "cpu",
    now: Callable[[], float] = time.monotonic,
) -> None:
    """Trains all variants for `minutes` together and writes `out`/VARIANT/generator.safetensors.

    data: the folder that holds `clean`; beside `out` lies what `train recogniser` wrote. `now` is a
    monotonic clock in seconds. Raises ModelError without a recogniser.
    """
    place = torch.device(device)
    judges = Judges.load(data, out.parent, place)
    photos = load_photos(data / "clean" / "faces", held_out=False)
    motions = load_motions(data / "clean" / "motion")
    made, still = (PictureBatches(seed, 0, photos, each) for each in (motions, motions.still()))
    runs = {name: _fresh(place, seed) for name in VARIANTS}
    began, seconds = now(), 0.0
    with new_progress() as progress:
        task = progress.add_task("ablations", total=minutes, note="")
        for spoken, silent in zip(batches(made, place), batches(still, place), strict=True):
            for name, run in runs.items():
                recipe, run.seconds = VARIANTS[name], seconds
                batch = spoken if recipe.made else silent
                train_step(run, judges, batch, rate_at(run, minutes), place, recipe)
            seconds = now() - began
            steps = runs["everything"].step
            progress.update(task, completed=seconds / 60, note=f"{steps} steps each")
            if seconds >= 60 * minutes:
                break
    for name, run in runs.items():
        (out / name).mkdir(parents=True, exist_ok=True)
        write(run, out / name / "generator.safetensors", seed)


def _fresh(device: torch.device, seed: int) -> Duel:
    torch.manual_seed(seed)
    return fresh_run(device)


def measure(data: Path, out: Path) -> dict[str, dict[str, float]]:
    """Of each variant that `train` left in `out`: steps, and how well it makes held-out people."""
    rows = {}
    for name, recipe in VARIANTS.items():
        weights = load_weights(out / name / "generator.safetensors")
        steps = float(weights.config("generator")["steps"])
        rows[name] = {"steps": steps, **evaluate(weights, data, recipe)["generator"]}
    return rows


def as_markdown(rows: Mapping[str, Mapping[str, float]]) -> str:
    """A table with a row for each variant."""
    columns = [*next(iter(rows.values()))]
    lines = [["trained with", *columns], ["---", *("---:" for _ in columns)]]
    for name, row in rows.items():
        lines.append([name.replace("_", " "), *(f"{value:g}" for value in row.values())])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
