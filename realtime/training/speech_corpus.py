"""Everything the speech part learns from, on one 10 ms grid: sound, phones, motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from realtime.audio.mel import HOP_SAMPLES, HOPS_PER_FRAME, log_mel
from realtime.audio.sources import read_sound
from realtime.models.audio_encoder import PHONES
from realtime.models.lip_code import CODES
from realtime.training.lip_basis import LipBasis, fit_basis
from realtime.training.phones import (
    UNKNOWN,
    Phone,
    label_grid,
    read_kokoro_phones,
    read_phones,
    rows,
)

Array = NDArray[np.float32]

# The two aligners disagree about where a hiss begins: the synthetic labels come 8.7 ms after the
# sound, those of clean/speech 7 ms before it, and those of grid_s1 lack the centre of the
# aligner's window, 8 ms, which clean/speech has been given.
_KOKORO_SHIFT, _GRID_SHIFT = -0.01, 0.008
_SILENCE = PHONES.index("SIL")
_CENTRE = HOPS_PER_FRAME // 2


@dataclass
class Recording:
    """One sound file. Entry j of `phone` and `motion` is the instant j * 10 ms.

    mel float16 [T, 80]; phone uint8 [T], 255 unknown; motion float16 [T, 16], NaN unknown;
    clips: (name, first hop, hops) of what may be used of it; anchored: real motion, which is only
    known every 40 ms, at the centres of the frames of each clip.
    """

    name: str
    mel: NDArray[np.float16]
    phone: NDArray[np.uint8]
    motion: NDArray[np.float16]
    clips: list[tuple[str, int, int]]
    anchored: bool = False


@dataclass(frozen=True)
class Motion:
    """The .npz of one speaker: code float32 [T, 16] and where each clip lies in code and sound."""

    code: Array
    clips: list[tuple[str, int, int, int, bool]]  # name, first sample, first frame, frames, held


def motion_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.npz") if path.stem != "basis")


def read_basis(folder: Path) -> LipBasis:
    """The 16-number basis, fitted on the motion of every speaker in `folder`."""
    with np.load(folder / "basis.npz") as file:
        mean, basis, lips = file["mean"], file["basis"].astype(np.float32), file["lips"]
    return fit_basis([_coefficients(path) for path in motion_files(folder)], mean, basis, lips)


def _coefficients(path: Path) -> Array:
    with np.load(path) as file:
        return np.asarray(file["coef"].astype(np.float32) - file["rest"].astype(np.float32))


def read_motion(path: Path, basis: LipBasis) -> Motion:
    """One speaker's motion as lip codes; frames where the tracker lost the face are NaN."""
    with np.load(path) as file:
        code = _coefficients(path) @ basis.encode
        code[file["filled"] == 1] = np.nan
        columns = [file[k] for k in ("clip", "sample0", "frame0", "frames", "heldout")]
    clips = [
        (str(c), int(s), int(f), int(n), bool(h)) for c, s, f, n, h in zip(*columns, strict=True)
    ]
    return Motion(code, clips)


def real_speaker(path: Path, basis: LipBasis, phones: Path | None) -> tuple[Recording, Recording]:
    """A speaker with a face: the clips to learn from and the ones held out."""
    motion = read_motion(path, basis)
    learn = _silent_recording(path.stem, read_sound(path.with_suffix(".opus")))
    learn.phone[:], learn.anchored = UNKNOWN, True
    held = Recording(learn.name, learn.mel, learn.phone, learn.motion, [], True)
    labels = read_phones(phones, "clip", "label") if phones else {}
    for name, sample0, frame0, frames, heldout in motion.clips:
        start, hops = sample0 // HOP_SAMPLES, frames * HOPS_PER_FRAME
        centres = start + _CENTRE + HOPS_PER_FRAME * np.arange(frames)
        learn.motion[centres] = motion.code[frame0 : frame0 + frames]
        if name in labels:
            shifted = _shift(labels[name], _GRID_SHIFT)
            learn.phone[start : start + hops] = label_grid(shifted, hops, _SILENCE)
        (held if heldout else learn).clips.append((name, start, hops))
    return learn, held


def voices(folder: Path, split: str) -> list[Recording]:
    """The recordings of clean/speech in `split` ("train" or "test")."""
    phones = read_phones(folder / "phones.tsv", "file", "phone")
    clips = _clips(folder / "utterances.tsv", split)
    return [_voice(folder / name, phones[name], clips[name]) for name in sorted(clips)]


def synthetic_voices(folder: Path, split: str) -> list[Recording]:
    """The recordings of clean/tts in `split` ("train" or "test")."""
    phones = read_kokoro_phones(folder / "phones.tsv")
    clips = _clips(folder / "sentences.tsv", split)
    return [
        _voice(folder / f"{name}.opus", _shift(phones[name], _KOKORO_SHIFT), clips[name])
        for name in sorted(clips)
    ]


def _clips(path: Path, split: str) -> dict[str, list[tuple[str, int, int]]]:
    found: dict[str, list[tuple[str, int, int]]] = {}
    for row in rows(path):
        if row["split"] == split:
            start, samples = int(row["start_sample"]), int(row["samples"])
            clip = (row["utterance"], start // HOP_SAMPLES, samples // HOP_SAMPLES)
            found.setdefault(row["file"], []).append(clip)
    return found


def _voice(path: Path, phones: Sequence[Phone], clips: list[tuple[str, int, int]]) -> Recording:
    recording = _silent_recording(path.stem, read_sound(path))
    recording.phone[:] = label_grid(phones, len(recording.phone), _SILENCE)
    recording.clips = clips
    return recording


def _silent_recording(name: str, sound: NDArray[np.int16]) -> Recording:
    mel = log_mel(sound).astype(np.float16)
    motion = np.full((len(mel), CODES), np.nan, np.float16)
    return Recording(name, mel, np.full(len(mel), _SILENCE, np.uint8), motion, [])


def _shift(phones: Sequence[Phone], seconds: float) -> list[Phone]:
    return [Phone(p.index, p.start + seconds, p.end + seconds) for p in phones]
