"""Do lips and sound belong together, and how far apart do they come: asked of our SyncNet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from realtime.audio.mel import HOP_SAMPLES, HOPS_PER_FRAME, SILENCE, log_mel
from realtime.audio.sources import read_sound
from realtime.clock import FRAME_RATE, FRAME_SAMPLES, SAMPLE_RATE, Sound
from realtime.face import crop_matrix, transform
from realtime.models.syncnet import FRAMES, HOPS, SyncNet, lower_face
from realtime.rigid import RIGID, common, similarity

Array = NDArray[np.float32]

HOP_MS = 1000 * HOP_SAMPLES // SAMPLE_RATE
_MOST_SHIFT = 15 * HOPS_PER_FRAME
_SILENT_BELOW = 7.0  # nepers of power, 30 dB, under the clip's loud parts
_BATCH = 256
_LEAST_CLIP = 70  # frames; what is shorter has no offset to speak of
_LONGEST_CLIP = 20 * FRAME_RATE  # so that no speaker outweighs the others
_FAR = 10 * HOPS_PER_FRAME  # the wrong sound is taken at least so many hops away
SECOND = FRAME_RATE - FRAMES + 1  # windows that together see 1 s
_SYLLABLES = "mcgurk_pl"  # one syllable again and again: any of them is in sync


@dataclass(frozen=True)
class Sync:
    """How far the best cosine stands above the median of all shifts within 600 ms; and the shift,
    in ms, > 0 when the picture is late."""

    confidence: float
    offset_ms: int


def face_on(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """A track [T, 478, 3] in pixels (z in the unit of x) -> canonical points float32 [T, 478, 2].

    The head's turns are taken out: each frame is laid onto the first by the similarity that fits
    what does not speak, then onto their mean.
    """
    still = points[:, list(RIGID)]
    target = common(still)
    moved = np.stack(
        [similarity(part, target)(frame) for part, frame in zip(still, points, strict=True)]
    ).astype(np.float32)
    matrix = crop_matrix(moved.mean(0))
    return np.stack([transform(matrix, frame) for frame in moved])


@dataclass(frozen=True)
class Track:
    """Lips and sound of a clip as the network sees them: unit vectors of every window.

    lips float32 [W, 512], every 40 ms; sound float32 [V, 512], every 10 ms, beginning with the
    first of lips; spoken bool [V]: is there sound in the window.
    """

    lips: Array
    sound: Array
    spoken: NDArray[np.bool_]


@torch.inference_mode()
def embed(network: SyncNet, points: NDArray[np.float32], sound: Sound) -> Track:
    """Canonical points [T, 478, 2] at 25 frames a second, and the sound that begins with frame 0.

    Raises ValueError when there are fewer than five frames, or less sound than they last.
    """
    mel = log_mel(sound)
    if len(points) < FRAMES or len(mel) < HOPS_PER_FRAME * len(points):
        raise ValueError(
            f"expected {FRAMES} frames or more and as much sound, "
            f"found {len(points)} frames and {len(mel) // HOPS_PER_FRAME} of sound"
        )
    frames = torch.cat(
        [
            network.frame(
                torch.from_numpy(np.stack([lower_face(p) for p in points[i : i + _BATCH]]))
            )
            for i in range(0, len(points), _BATCH)
        ]
    )
    lips = network.join(frames[None])[0]
    whole = len(mel) // HOPS_PER_FRAME * HOPS_PER_FRAME
    padded = np.pad(mel, ((0, HOPS_PER_FRAME), (0, 0)), constant_values=SILENCE)
    phases = np.stack([padded[i : whole + i] for i in range(HOPS_PER_FRAME)])
    heard = network.hear(torch.from_numpy(phases)).transpose(0, 1).flatten(0, 1)
    level = np.lib.stride_tricks.sliding_window_view(padded.mean(1), HOPS).max(1)[: len(heard)]
    spoken = level > np.quantile(level, 0.95) - _SILENT_BELOW
    return Track(lips.numpy(), heard.numpy(), np.asarray(spoken))


def sync(track: Track) -> Sync:
    """What the whole clip says; raises ValueError when it is shorter than 2 s."""
    shifts = np.arange(-_MOST_SHIFT, _MOST_SHIFT + 1)
    cosines = np.array([_cosine_at(track, int(shift)) for shift in shifts])
    if np.isnan(cosines).any():
        raise ValueError("expected a clip of 2 s or more, found a shorter one")
    best, usual = int(cosines.argmax()), float(np.median(cosines))
    return Sync(float(cosines[best]) - usual, -int(shifts[best]) * HOP_MS)


def _cosine_at(track: Track, shift: int) -> float:
    """Mean cosine of each window with the sound `shift` hops after it."""
    at = HOPS_PER_FRAME * np.arange(len(track.lips)) + shift
    use = (at >= 0) & (at < len(track.sound))
    if use.sum() < 2 * FRAMES:
        return float("nan")
    return float((track.lips[use] * track.sound[at[use]]).sum(1).mean())


@dataclass(frozen=True)
class FaceClip:
    """A real clip: canonical points float32 [T, 478, 2] at 25 frames a second, and its sound."""

    speaker: str
    points: NDArray[np.float32]
    sound: Sound


def face_clips(folder: Path) -> Iterator[FaceClip]:
    """The clips of 3 s and more in a folder of motion (.npz and .opus), 20 s of each at most.

    Of a speaker with clips held out of training, those; none of single syllables.
    """
    with np.load(folder / "basis.npz") as file:
        mean, basis = file["mean"].astype(np.float32), file["basis"].astype(np.float32)
    for path in sorted(folder.glob("*.npz")):
        if path.stem in ("basis", _SYLLABLES):
            continue
        with np.load(path) as file:
            held = file["heldout"].astype(bool)
            wanted = held if held.any() else ~held
            rows = np.stack([file[k] for k in ("sample0", "samples", "frame0", "frames")], 1)
            coefficients = file["coef"].astype(np.float32)
            rest = mean + file["resid"].astype(np.float32)
        sound = read_sound(path.with_suffix(".opus"))
        for sample0, samples, frame0, frames in rows[wanted]:
            count = int(min(frames, samples // FRAME_SAMPLES, _LONGEST_CLIP))
            if count >= _LEAST_CLIP:
                motion = np.tensordot(coefficients[frame0 : frame0 + count], basis, 1)
                piece = sound[sample0 : sample0 + count * FRAME_SAMPLES]
                yield FaceClip(path.stem, face_on(rest + motion), piece)


@dataclass(frozen=True)
class Verdicts:
    """Cosines of windows in which somebody speaks, [N] each: with their own sound, and with one
    of the same clip at another time, 0.4 s away or more."""

    own: Array
    other: Array

    def accuracy(self, threshold: float) -> float:
        """Share rightly told to be in sync or not, as many of the one as of the other."""
        return float(((self.own > threshold).mean() + (self.other <= threshold).mean()) / 2)

    def pairs(self) -> float:
        """Share of windows that prefer their own sound to the other."""
        return float((self.own > self.other).mean())


def judge(tracks: Iterable[Track], rng: np.random.Generator, run: int = 1) -> Verdicts:
    """Every window of the clips, or every `run` of successive ones by its mean cosine.

    Each clip lies at the offset that `sync` finds, as files have one. Somebody speaks in a run
    when he does in the window in its middle.
    """
    own, other = [], []
    for track in tracks:
        last = len(track.sound) - HOPS_PER_FRAME * (run - 1)
        is_spoken = track.spoken[HOPS_PER_FRAME * (run // 2) :][:last]
        first = np.arange(len(track.lips) - run + 1)
        at = HOPS_PER_FRAME * first - sync(track).offset_ms // HOP_MS
        inside = (at >= 0) & (at < last)
        spoken = np.flatnonzero(is_spoken)
        for window in first[inside][is_spoken[at[inside]]]:
            far = spoken[np.abs(spoken - at[window]) >= _FAR]
            if len(far):
                own.append(_cosine(track, window, at[window], run))
                other.append(_cosine(track, window, rng.choice(far), run))
    return Verdicts(np.array(own, np.float32), np.array(other, np.float32))


def _cosine(track: Track, window: int, hop: int, run: int) -> float:
    """Mean cosine of `run` windows in a row with the sounds from `hop` on."""
    sounds = track.sound[hop::HOPS_PER_FRAME][:run]
    return float((track.lips[window : window + run] * sounds).sum() / run)
