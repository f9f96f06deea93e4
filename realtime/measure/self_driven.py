"""A real clip says its own words again, and how near that comes to what it really showed.

Each quarter of a clip is made by an avatar enrolled from the other quarters, 0.4 s apart from it.
Of a quarter's own frames it is given the sound, what is to be seen outside the lower face, and the
place of the head, fitted to landmarks of eyes, forehead, bridge of the nose and temples. The
lower face, from the nose's foot to below where the chin comes down, is wholly replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime import film
from realtime.audio.sources import read_sound
from realtime.clock import FRAME_RATE, FRAME_SAMPLES, Sound
from realtime.enroll.filmed import early_ms, filmed_face, habit_of, in_step, lip_codes, told, track
from realtime.enroll.landmarks import Landmarker
from realtime.enroll.speaker import study
from realtime.errors import InputError
from realtime.face import Points, crop_matrix, crop_picture, transform
from realtime.measure.likeness import cpbd, landmark_distance, psnr, ssim
from realtime.measure.sync import Sync, embed, face_on, sync
from realtime.models.networks import Networks
from realtime.models.syncnet import SyncNet
from realtime.mouths import LIPS

Picture = NDArray[np.uint8]
Array = NDArray[np.float32]

_QUARTERS, _APART = 4, 10
_LEAST, _MOST = 50, 750  # frames: two seconds, half a minute
_BOX = 6  # canonical pixels around the lips' landmarks


@dataclass(frozen=True)
class Clip:
    """pictures: RGB uint8 [H, W, 3], 25 a second. points: float32 [T, 478, 3]. sound: int16, as in
    the file. early_ms: how far the picture is ahead of the sound, by our SyncNet."""

    name: str
    pictures: Sequence[Picture]
    points: Array
    sound: Sound
    early_ms: int

    @property
    def heard(self) -> Sound:
        """The sound as it belongs to the pictures, and silence."""
        return in_step(self.sound, self.early_ms, len(self.pictures))


def read_pictures(path: Path) -> list[Picture]:
    """All pictures of a clip of 2 to 30 s; raises InputError."""
    pictures = list(film.pictures(path))
    if not _LEAST <= len(pictures) <= _MOST:
        seconds = len(pictures) / FRAME_RATE
        raise InputError(f"expected 2 to 30 s of video, found {seconds:.1f} s in {path.name}")
    return pictures


def read_clip(
    path: Path,
    pictures: Sequence[Picture],
    landmarker: Landmarker,
    judge: SyncNet,
    advance: Callable[[], None],
) -> Clip:
    """The clip that the pictures are of; raises PortraitError or SoundError."""
    points = track(landmarker, pictures, advance)
    sound = read_sound(path)
    return Clip(path.stem, pictures, points, sound, early_ms(judge, points, sound))


def in_sync(judge: SyncNet, clip: Clip, points: Array) -> Sync:
    """What our SyncNet says of landmarks [T, 478, 3] and the sound that belongs to the pictures."""
    return sync(embed(judge, face_on(points), clip.heard[: len(points) * FRAME_SAMPLES]))


def speak(clip: Clip, networks: Networks, *, tune: bool = False) -> Iterator[Picture]:
    """The clip's pictures with a lower face that its sound moves: RGB uint8 [H, W, 3] each.

    tune: as in enrolment.
    """
    frames = len(clip.pictures)
    basis = networks.lips.basis.numpy()
    heard = told(networks, clip.heard, frames, tune=tune)
    for quarter in range(_QUARTERS):
        first, end = (frames * (quarter + k) // _QUARTERS for k in (0, 1))
        others = [i for i in range(frames) if i < first - _APART or i >= end + _APART]
        speaker = study(clip.points[others])
        shown = [clip.pictures[i] for i in others]
        habit = habit_of(speaker, clip.points[others], heard[others], basis)
        face = filmed_face(speaker, shown, clip.points[others], habit)
        codes = lip_codes(networks, clip.heard, frames, face.habit)[first:end]
        motion = np.tensordot(codes, basis, 1)
        for index in range(first, end):
            place = speaker.place(clip.points[index])
            yield face.speak(clip.pictures[index], place, motion[index - first])


def crops(clip: Clip, pictures: Sequence[Picture]) -> list[Picture]:
    """Pictures cut to the canonical crop of the clip's own faces: RGB uint8 [256, 256, 3] each."""
    return [
        crop_picture(picture, crop_matrix(points))
        for picture, points in zip(pictures, clip.points, strict=True)
    ]


def compare(
    clip: Clip,
    made: Sequence[Picture],
    landmarker: Landmarker,
    judge: SyncNet,
    advance: Callable[[], None],
) -> dict[str, Any]:
    """One row of figures: made against real, both cut to the canonical 256x256 crop of the real.

    psnr and mouth_psnr (the box around the real lips) in dB; m_lmd and f_lmd, how far landmarks of
    the lips and of the whole face are off, in pixels of that crop; cpbd, how sharp; and what our
    SyncNet says, picture late > 0. Those of the real clip end in _real.
    """
    points = track(landmarker, made, advance)
    seen, true = crops(clip, made), crops(clip, clip.pictures)
    frames = [_frame_figures(*each) for each in zip(seen, points, true, clip.points, strict=True)]
    row = {name: fmean(frame[name] for frame in frames) for name in frames[0]}
    made_sync, real_sync = (in_sync(judge, clip, track) for track in (points, clip.points))
    return {
        "clip": clip.name,
        "frames": len(frames),
        **row,
        "sync_confidence": made_sync.confidence,
        "sync_confidence_real": real_sync.confidence,
        "sync_offset_ms": made_sync.offset_ms,
        "early_ms_real": clip.early_ms,
    }


def _frame_figures(
    seen: Picture, made_points: Points, true: Picture, real_points: Points
) -> dict[str, float]:
    """Of a frame: canonical crops of both pictures, and both faces' landmarks in the frame."""
    matrix = crop_matrix(real_points)
    there, here = transform(matrix, made_points), transform(matrix, real_points)
    lips = list(LIPS)
    left, top = np.floor(here[lips].min(0)).astype(int) - _BOX
    right, bottom = np.ceil(here[lips].max(0)).astype(int) + _BOX + 1
    box = slice(max(top, 0), bottom), slice(max(left, 0), right)
    return {
        "psnr": psnr(seen, true),
        "ssim": ssim(seen, true),
        "mouth_psnr": psnr(seen[box], true[box]),
        "m_lmd": landmark_distance(there[lips], here[lips]),
        "f_lmd": landmark_distance(there, here),
        "cpbd": cpbd(seen),
        "cpbd_real": cpbd(true),
    }


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The mean of every figure over the clips, each counting alike."""
    return {name: fmean(row[name] for row in rows) for name in rows[0] if name != "clip"}


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of one kind as a Markdown table, the names of the figures above."""
    lines = [list(rows[0]), ["---"] + ["---:"] * (len(rows[0]) - 1)]
    lines += [[_cell(value) for value in row.values()] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
