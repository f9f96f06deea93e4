"""How well a recogniser keeps apart people whom it never saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn


@torch.inference_mode()
def separation(
    recogniser: nn.Module, people: Mapping[str, Sequence[NDArray[np.uint8]]]
) -> dict[str, float]:
    """Crops RGB uint8 [256, 256, 3] by person -> what their pairs say.

    auc: the chance that two pictures of one person are more alike than two of different people;
    accuracy: pairs told rightly by the best threshold, both kinds counting alike.
    """
    crops = np.stack([crop for pictures in people.values() for crop in pictures])
    who = np.repeat(np.arange(len(people)), [len(pictures) for pictures in people.values()])
    points = recogniser(torch.from_numpy(crops).permute(0, 3, 1, 2) / 255).numpy()
    pairs = np.triu_indices(len(points), 1)
    alike, same = (points @ points.T)[pairs], who[pairs[0]] == who[pairs[1]]
    own, others = np.sort(alike[same]), np.sort(alike[~same])
    below = np.searchsorted(others, own)
    missed = np.arange(len(own)) / len(own)
    return {
        "pairs_of_one": len(own),
        "pairs_of_two": len(others),
        "auc": float(below.mean() / len(others)),
        "accuracy": float((0.5 * (1 - missed + below / len(others))).max()),
    }
