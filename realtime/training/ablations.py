"""What each part of the generator's training is worth: the same training, each time without one.

SegTalker's table 2 (arXiv 2409.03605), and choices of our own. All variants begin with the same
weights and take the same number of steps, side by side, on the same pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from realtime.measure.pictures import evaluate
from realtime.models.weights import load_weights
from realtime.training.generator import PictureBatches, fresh_run, train_step, write
from realtime.training.judges import Judges
from realtime.training.people import load_photos
from realtime.training.pictures import load_motions
from realtime.training.progress import new_progress
from realtime.training.recipe import Recipe
from realtime.training.timed import Stint, batches, rate_at

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


def train(data: Path, stint: Stint) -> None:
    """Trains all variants together and writes VARIANT/generator.safetensors of each into the
    stint's folder.

    data: the folder that holds `clean`; beside the stint's folder lies what `train recogniser`
    wrote. Raises ModelError without a recogniser.
    """
    judges = Judges.load(data, stint.out.parent, stint.device)
    photos = load_photos(data / "clean" / "faces", held_out=False)
    motions = load_motions(data / "clean" / "motion")
    made, still = (
        PictureBatches(stint.seed, 0, photos, each) for each in (motions, motions.still())
    )
    runs = {name: stint.anew(fresh_run) for name in VARIANTS}
    began, seconds = stint.now(), 0.0
    with new_progress() as progress:
        task = progress.add_task("ablations", total=stint.minutes, note="")
        both = (batches(each, stint.device) for each in (made, still))
        for spoken, silent in zip(*both, strict=True):
            for name, run in runs.items():
                recipe, run.seconds = VARIANTS[name], seconds
                batch = spoken if recipe.made else silent
                train_step(run, judges, batch, rate_at(run, stint.minutes), stint.device, recipe)
            seconds = stint.now() - began
            steps = runs["everything"].step
            progress.update(task, completed=seconds / 60, note=f"{steps} steps each")
            if seconds >= 60 * stint.minutes:
                break
    for name, run in runs.items():
        (stint.out / name).mkdir(exist_ok=True)
        write(run, stint.out / name / "generator.safetensors", stint.seed)


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
