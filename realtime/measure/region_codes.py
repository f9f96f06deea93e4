"""Do style codes of one region lie together, and those of different regions apart?"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_score

from realtime.avatar_file import Avatar
from realtime.enroll.portrait import pictures_under, read_picture
from realtime.errors import InputError, PortraitError
from realtime.frame import Picture
from realtime.measure.figures import new_figure, save_figure
from realtime.regions import Region

Codes = NDArray[np.float32]
Regions = NDArray[np.uint8]

_LEAST_PX = 20  # a region of fewer pixels has no code of its own


def enrolled(folder: Path, enroll: Callable[[Picture, str], Avatar]) -> list[Avatar]:
    """Everyone whom the portraits under a folder show, by path.

    What is no usable portrait is left out; raises InputError if nothing is left.
    """
    people = []
    for path in pictures_under(folder):
        with contextlib.suppress(PortraitError):
            people.append(enroll(read_picture(path), path.stem))
    if not people:
        raise InputError(f"expected portraits under {folder}, found none")
    return people


def codes_of(people: Iterable[Avatar]) -> tuple[Codes, Regions]:
    """Codes [N, 64] of every region that the people show, and its id [N]."""
    codes, regions = [], []
    for avatar in people:
        shown = np.flatnonzero(np.bincount(avatar.mask.ravel(), minlength=len(Region)) >= _LEAST_PX)
        codes.append(avatar.codes[shown])
        regions.append(shown.astype(np.uint8))
    return np.concatenate(codes), np.concatenate(regions)


def silhouette(codes: Codes, regions: Regions) -> float:
    """Mean silhouette of the codes by region (Rousseeuw 1987), -1 to 1."""
    return round(float(silhouette_score(codes, regions)), 3)


def plot(codes: Codes, regions: Regions, path: Path) -> None:
    """The codes in two dimensions by t-SNE, as in figure 6 of SegTalker; raises OutputError."""
    places = TSNE(random_state=0, init="pca").fit_transform(codes)
    figure = new_figure()
    axes = figure.add_subplot()
    for region in np.unique(regions):
        own = places[regions == region]
        name, colour = (
            Region(region).name.lower().replace("_", " "),
            colormaps["tab20"](int(region)),
        )
        axes.scatter(own[:, 0], own[:, 1], s=9, color=[colour], label=name)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    axes.set_axis_off()
    save_figure(figure, path)
