"""Who is seen in a video: the face at rest, where its head stands, how its lips move."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime.face import EYE_CORNERS, Points, close_lips, lip_gap, uncrossed
from realtime.rigid import RIGID, Similarity, common, similarity

Array = NDArray[np.float64]
Track = NDArray[np.float32]  # landmarks [T, 478, 3] in pixels

_RESTING = 0.1  # share of the frames, those whose lips are least apart, that show the face at rest


@dataclass(frozen=True)
class Speaker:
    """Head coordinates: the unit is the eye distance, x runs along the eyes, y down.

    rigid: float64 [22, 3], what does not speak. rest: float32 [478, 3], lips together.
    """

    rigid: Array
    rest: Points

    def place(self, points: Points) -> Similarity:
        """From head coordinates to the picture of landmarks [478, 3]: of them only what does not
        speak is looked at."""
        return similarity(self.rigid, points[list(RIGID)])

    def resting(self, points: Points) -> Points:
        """The face at rest where the head of these landmarks stands: float32 [478, 3]."""
        return np.asarray(self.place(points)(self.rest), np.float32)

    def speaking(self, points: Points, motion: Points) -> Points:
        """The same with its face moved by `motion` [478, 3], eye distances: float32 [478, 3]."""
        return np.asarray(self.place(points)(uncrossed(self.rest + motion)), np.float32)

    def motion(self, points: Points) -> Points:
        """How far a face is from its rest, in eye distances: float32 [478, 3]."""
        there = self.place(points).inverse()(points)
        return np.asarray(there - self.rest, np.float32)


def study(track: Track) -> Speaker:
    """The speaker of landmarks float32 [T, 478, 3]."""
    target = common(track[:, list(RIGID)])
    heads = np.stack([similarity(face[list(RIGID)], target)(face) for face in track])
    straight = _straight(heads.mean(0))
    faces = straight(heads)
    gaps = np.array([lip_gap(face) for face in faces])
    resting = np.argsort(gaps)[: max(1, round(_RESTING * len(gaps)))]
    rest = np.median(faces[resting], 0).astype(np.float32)
    return Speaker(straight(target), close_lips(rest))


def _straight(face: Array) -> Similarity:
    """What makes the eye distance of a mean face [478, 3] the unit, and its eyes level."""
    left, right = (face[list(corners)].mean(0) for corners in EYE_CORNERS)
    unit = float(np.linalg.norm(right - left))
    across = (right - left) / unit
    down = np.array([0.0, 1, 0]) - across[1] * across
    down /= np.linalg.norm(down)
    turn = np.stack([across, down, np.cross(across, down)]) / unit
    return Similarity(turn, -turn @ (left + right) / 2)
