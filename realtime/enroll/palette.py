"""Colours by name: those of made-up portraits, as `train palette` found them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import numpy as np

from realtime.enroll.restyle import Colours

PALETTE = "palette.json"


def palette() -> Mapping[str, Mapping[str, Colours]]:
    """Part -> name -> its colours."""
    text = (files("realtime") / "assets" / PALETTE).read_text("utf-8")
    return {
        part: {name: colours_from(fields) for name, fields in colours.items()}
        for part, colours in json.loads(text).items()
    }


def colours_from(fields: Mapping[str, Any]) -> Colours:
    """The numbers of a palette's entry -> colours."""
    mean, slope, scatter = (
        np.array(fields[name], np.float32) for name in ("mean", "slope", "scatter")
    )
    return Colours(mean, float(fields["contrast"]), slope, scatter)


def colours_to(colours: Colours) -> dict[str, Any]:
    """Colours -> the numbers of a palette's entry."""
    rounded = {name: np.round(value, 3).tolist() for name, value in vars(colours).items()}
    return {name: rounded[name] for name in ("mean", "contrast", "slope", "scatter")}
