"""A video of one person -> how that person's face speaks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from realtime.audio.mel import log_mel
from realtime.clock import FRAME_SAMPLES, SAMPLE_RATE, Sound, lookahead_frames
from realtime.enroll.landmarks import Landmarker
from realtime.enroll.mesh import mouth_triangles, triangles
from realtime.enroll.speaker import Speaker
from realtime.errors import PortraitError
from realtime.face import LANDMARKS, Points, crop_matrix, transform
from realtime.filmed_face import FilmedFace
from realtime.measure.sync import embed, face_on, sync
from realtime.models.lip_code import CODES, LipReader, windows
from realtime.models.networks import Networks
from realtime.models.syncnet import SyncNet
from realtime.mouths import LIPS, Mouths, cut

Picture = NDArray[np.uint8]
Array = NDArray[np.float32]

LOOKAHEAD_MS = 80
_LIP_WEIGHT = 3.0
_DOUBT = 100
_FARTHEST_MS = 200  # a video's picture and sound are not believed to be farther apart
_MOST_MISSING = 0.1  # share of the frames in which the face may be lost


def track(
    landmarker: Landmarker, pictures: Iterable[Picture], advance: Callable[[], None] = lambda: None
) -> Array:
    """Landmarks float32 [T, 478, 3] of the one person in pictures RGB uint8 [H, W, 3].

    Where the face is lost for a moment it stays where it was; raises PortraitError when that is
    often.
    """
    seen: list[Array | None] = []
    for picture in pictures:
        faces = landmarker.faces(picture)
        seen.append(faces[0][0] if len(faces) == 1 else None)
        advance()
    missing = sum(points is None for points in seen)
    if missing > _MOST_MISSING * len(seen):
        raise PortraitError(
            f"expected one face in every picture, found {missing} of {len(seen)} without"
        )
    last = next(points for points in seen if points is not None)
    return np.stack([last := last if points is None else points for points in seen])


def lip_codes(networks: Networks, sound: Sound, frames: int, habit: Array | None = None) -> Array:
    """What the lips of int16 [N] do in each frame, as the engine would have it: [frames, 16]."""
    ahead = lookahead_frames(LOOKAHEAD_MS)
    reader = LipReader(networks.encoder, networks.lips, ahead)
    blocks = _lasting(sound, frames + ahead).reshape(-1, FRAME_SAMPLES)
    return np.stack([reader.push(block, habit) for block in blocks])[ahead:]


@torch.inference_mode()
def told(networks: Networks, sound: Sound, frames: int, *, tune: bool) -> Array:
    """What int16 [N] tells of the lips in each frame: float32 [frames, 16], everybody's code
    before anything shuts it; to `tune` by, the phones, too: [frames, 56]."""
    ahead = lookahead_frames(LOOKAHEAD_MS)
    mel = torch.from_numpy(log_mel(_lasting(sound, frames + ahead)))
    heard, _ = networks.encoder(mel[None], networks.encoder.start())
    all_told = networks.lips.told(*windows(heard.e, torch.tensor([ahead])))[0, :frames]
    return np.asarray(all_told if tune else all_told[:, :CODES])


def _lasting(sound: Sound, frames: int) -> Sound:
    """So many frames of int16 [N], silence after its end."""
    count = frames * FRAME_SAMPLES
    return np.pad(sound[:count], (0, max(0, count - len(sound))))


def early_ms(judge: SyncNet, points: Array, sound: Sound) -> int:
    """How far the picture of landmarks [T, 478, 3] is ahead of its sound, by our SyncNet; 0 where
    that is not to be believed."""
    heard = in_step(sound, 0, len(points))[: len(points) * FRAME_SAMPLES]
    early = -sync(embed(judge, face_on(points), heard)).offset_ms
    return early if abs(early) <= _FARTHEST_MS else 0


def in_step(sound: Sound, early_ms: int, frames: int) -> Sound:
    """The sound that belongs to so many pictures which are so far ahead of it: int16."""
    start, wanted = early_ms * SAMPLE_RATE // 1000, frames * FRAME_SAMPLES
    padded = np.pad(sound, (max(0, -start), max(0, start) + wanted))
    return np.asarray(padded[max(0, start) :], np.int16)


def filmed_face(
    speaker: Speaker, pictures: Sequence[Picture], points: Array, habit: Array
) -> FilmedFace:
    """The face of pictures RGB uint8 [H, W, 3] and their landmarks float32 [T, 478, 3]."""
    matrices = [crop_matrix(speaker.resting(face)) for face in points]
    mouths = Mouths(
        np.stack([cut(picture, m) for picture, m in zip(pictures, matrices, strict=True)]),
        canonical(speaker, points),
        np.concatenate([mouth_triangles(), triangles()]),
    )
    return FilmedFace(speaker.rest, mouths, habit)


def canonical(speaker: Speaker, points: Array) -> Points:
    """Landmarks [T, 478, 3] in the canonical crops of the face at rest: float32 [T, 478, 2]."""
    return np.stack([transform(crop_matrix(speaker.resting(face)), face) for face in points])


def habit_of(speaker: Speaker, points: Array, heard: Array, basis: Array) -> Array:
    """How the speaker of landmarks [T, 478, 3] differs from what everybody's lips would do with the
    sound that told `heard` [T, K >= 16]: float32 [K + 1, 16], as in LipDecoder.

    By ridge regression towards no difference, which counts for _DOUBT frames. basis float32
    [16, 478, 3] is the codes'.
    """
    seen = encoded(np.stack([speaker.motion(face) for face in points]), basis)
    centre, place = heard.mean(0), seen.mean(0)
    inputs, shown = heard - centre, seen - place
    alike = np.eye(heard.shape[1], CODES)
    doubt = _DOUBT * np.square(heard).mean() * np.eye(heard.shape[1])
    change = np.linalg.solve(inputs.T @ inputs + doubt, inputs.T @ (shown - inputs @ alike))
    linear = alike + change
    return np.vstack([linear, place - centre @ linear]).astype(np.float32)


def encoded(motion: Array, basis: Array) -> Array:
    """The lip codes float32 [T, 16] nearest to motion [T, 478, >=2], lips weighing most."""
    weight = np.ones((LANDMARKS, 1), np.float32)
    weight[list(LIPS)] = _LIP_WEIGHT
    directions = (basis[..., :2] * weight).reshape(len(basis), -1)
    return np.asarray(
        (motion[..., :2] * weight).reshape(len(motion), -1) @ np.linalg.pinv(directions), np.float32
    )
