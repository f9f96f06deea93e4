"""A recorded motion of a head: yaw, pitch and roll in degrees, 25 times a second."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from realtime.errors import InputError
from realtime.head_pose import HeadPose
from realtime.manner import GREATEST_PITCH, GREATEST_ROLL, GREATEST_YAW

_GREATEST = (GREATEST_YAW, GREATEST_PITCH, GREATEST_ROLL)
_COLUMNS = ("yaw", "pitch", "roll")
_LONGEST = 25 * 3600


@dataclass(frozen=True)
class PoseTrack:
    """angles: float32 [frames, 3] of yaw, pitch and roll, degrees, as in HeadPose."""

    angles: NDArray[np.float32]

    def moved(self, pose: HeadPose, index: int) -> HeadPose:
        """The pose with the track's angles of frame `index` added, kept within what the warp
        shows well. At its end the track is run backwards, so that the head never jumps."""
        there = len(self.angles) - 1
        place = there - abs(index % (2 * there) - there) if there else 0
        angles = np.array([pose.yaw, pose.pitch, pose.roll]) + self.angles[place]
        yaw, pitch, roll = np.clip(angles, -np.array(_GREATEST), _GREATEST).tolist()
        return replace(pose, yaw=yaw, pitch=pitch, roll=roll)


def read_track(path: Path) -> PoseTrack:
    """A CSV with the columns yaw, pitch, roll, or a JSON list of such triples; InputError."""
    try:
        text = path.read_text("utf-8")
        if path.suffix.lower() == ".json":
            rows = json.loads(text)
        else:
            rows = [[row[name] for name in _COLUMNS] for row in csv.DictReader(text.splitlines())]
        angles = np.array(rows, np.float32)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"expected columns {', '.join(_COLUMNS)} in degrees, found none in {path.name}"
        ) from error
    if angles.ndim != 2 or angles.shape[1] != 3 or not 0 < len(angles) <= _LONGEST:
        raise InputError(f"expected rows of yaw, pitch, roll, found {angles.shape} in {path.name}")
    if not np.isfinite(angles).all():
        raise InputError(f"expected angles in degrees, found others in {path.name}")
    return PoseTrack(angles)
