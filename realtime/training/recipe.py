"""What the generator is trained with, so that an ablation is one change of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """Weights of what judges a picture beside its pixels, and what the generator is given.

    made: pictures are warped to how others speak; else photographs are only repeated. flow: the
    photograph is moved; else everything is painted. plate: there are teeth to move.
    """

    perceptual: float = 0.2
    parsing: float = 0.5
    identity: float = 0.1
    adversarial: float = 0.1
    made: bool = True
    flow: bool = True
    plate: bool = True
