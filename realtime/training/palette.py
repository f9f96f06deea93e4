"""Makes the palette: of many made-up portraits, the colours nearest to what a name means."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from rich.progress import track

from realtime.avatar_file import Avatar
from realtime.enroll.edit import style_of
from realtime.enroll.palette import colours_to
from realtime.enroll.portrait import read_picture
from realtime.enroll.restyle import Colours
from realtime.errors import InputError, PortraitError
from realtime.frame import Picture
from realtime.models.face_parser import FaceParser

# Generated portraits, CC0: nobody's own colours.
_SET = "faker"
_HUE_COUNTS = np.array([1, 2, 2])
# What a name means, CIE L*a*b*.
WANTED: Mapping[str, Mapping[str, tuple[float, float, float]]] = {
    "lips": {
        "nude": (62.0, 18.0, 16.0),
        "rose": (55.0, 30.0, 12.0),
        "red": (40.0, 45.0, 22.0),
        "berry": (34.0, 28.0, 8.0),
    },
    "hair": {
        "black": (10.0, 1.0, 1.0),
        "brown": (25.0, 7.0, 10.0),
        "auburn": (32.0, 20.0, 24.0),
        "blond": (62.0, 6.0, 28.0),
        "silver": (64.0, 0.0, 2.0),
    },
}

Enroll = Callable[[Picture, str], Avatar]


def make_palette(faces: Path, enroll: Enroll, parser: FaceParser, out: Path) -> None:
    """Reads the portraits of `faces` (`clean/faces`) and writes the palette's JSON."""
    with open(faces / "index.tsv", newline="") as file:
        names = [r["file"] for r in csv.DictReader(file, delimiter="\t") if r["set"] == _SET]
    found: dict[str, list[Colours]] = {part: [] for part in WANTED}
    for name in track(names, "palette"):
        try:
            avatar = enroll(read_picture(faces / name), name)
        except PortraitError:
            continue
        for part, colours in found.items():
            try:
                colours.append(style_of(avatar, part, parser).colours)
            except InputError:  # a bald head, a hat
                continue
    chosen = {
        part: {name: colours_to(nearest(found[part], lab)) for name, lab in names_of.items()}
        for part, names_of in WANTED.items()
    }
    partial = out.with_suffix(".partial")
    partial.write_text(json.dumps(chosen, indent=1) + "\n", "utf-8")
    os.replace(partial, out)


def nearest(found: list[Colours], lab: tuple[float, float, float]) -> Colours:
    """The colours whose mean is nearest; a wrong hue is seen sooner than a wrong lightness."""
    return min(found, key=lambda c: float(np.linalg.norm((c.mean - lab) * _HUE_COUNTS)))
