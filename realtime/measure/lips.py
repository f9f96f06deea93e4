"""How well the speech part hears phones, closes lips and keeps time, on people it never met."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from realtime.audio.mel import HOP_SAMPLES, HOPS_PER_FRAME, log_mel
from realtime.audio.sources import read_sound
from realtime.clock import (
    FRAME_MS,
    FRAME_RATE,
    LOOKAHEADS_MS,
    Sound,
    frame_centre,
    lookahead_frames,
)
from realtime.face import Points, move_lips
from realtime.measure.sync import embed, sync
from realtime.models.audio_encoder import PHONES
from realtime.models.lip_code import CLOSING_PHONES, windows
from realtime.models.networks import Networks
from realtime.models.syncnet import SyncNet
from realtime.training.lip_basis import LipBasis
from realtime.training.phones import Phone, read_phones
from realtime.training.speech_corpus import (
    Recording,
    motion_files,
    read_basis,
    read_motion,
    real_speaker,
    synthetic_voices,
    voices,
)

Array = NDArray[np.float32]

CLOSED_GAP = 0.03  # eye distances above rest
MARGIN_S = 0.06  # lips may close this much before or after the phone's own time
OPEN_VOWELS = ("AA", "AE", "AO", "AW", "AY")
_LONG_FRAMES = 3 * FRAME_RATE  # shorter clips say little about correlation
_LAG_STEPS = 4  # lags are searched by a quarter of a frame
_MOST_LAG_MS = 160


@dataclass(frozen=True)
class Clip:
    """A clip with a real face: its log-mel, real lip code [T, 16] and phones in its own time."""

    speaker: str
    mel: Array
    real: Array
    phones: list[Phone]


@torch.inference_mode()
def hear(networks: Networks, mel: Array) -> tuple[Array, Array]:
    """log-mel [4 T, 80] -> the phone heard by each head, [T, 4], and e [T, E]."""
    whole = len(mel) // HOPS_PER_FRAME * HOPS_PER_FRAME
    heard, _ = networks.encoder(torch.from_numpy(mel[None, :whole]), networks.encoder.start())
    return heard.logits[0].argmax(2).numpy(), heard.e[0].numpy()


@torch.inference_mode()
def move(networks: Networks, e: Array, ahead: int) -> Array:
    """e [T, E] -> codes [T, 16] with a lookahead of `ahead` frames."""
    seen = windows(torch.from_numpy(e)[None], torch.tensor([ahead]))
    code: Array = networks.lips(*seen)[0].numpy()
    return code


def evaluate(networks: Networks, data: Path, measure: Path) -> dict[str, float]:
    """Every figure by name; a suffix such as _80 is the lookahead in ms.

    data: the folder that holds `clean`; measure: the folder with motion and phones of strangers.
    """
    motion = data / "clean" / "motion"
    basis = read_basis(motion)
    _, held = real_speaker(motion / "grid_s1.npz", basis, motion / "grid_s1.phones.tsv")
    own = read_phones(motion / "grid_s1.phones.tsv", "clip", "label")
    figures: dict[str, float] = {}
    for name, recordings in (
        ("real", voices(data / "clean" / "speech", "test")),
        ("synthetic", synthetic_voices(data / "clean" / "tts", "test")),
    ):
        figures |= _named(f"phones_{name}", phone_accuracy(networks, recordings))
    figures |= _named("s1", lip_figures(networks, basis, list(held_clips(held, own))))
    labels = read_phones(measure / "phones.tsv", "clip", "label")
    strangers = [
        c for path in motion_files(measure / "motion") for c in _clips(path, basis, labels)
    ]
    return figures | _named("strangers", lip_figures(networks, basis, strangers))


def phone_accuracy(networks: Networks, recordings: Iterable[Recording]) -> dict[str, float]:
    """Share of frames, silence included, whose phone each hindsight names right."""
    right: list[NDArray[np.bool_]] = []
    for recording in recordings:
        for _, start, hops in recording.clips:
            heard, _ = hear(networks, recording.mel[start : start + hops].astype(np.float32))
            centres = start + HOPS_PER_FRAME // 2 + HOPS_PER_FRAME * np.arange(len(heard))
            phone = recording.phone[centres]
            behind = [np.roll(heard[:, h], -h) == phone for h in range(heard.shape[1])]
            right.append(np.stack(behind, 1)[: len(heard) - heard.shape[1]])
    share = np.concatenate(right).mean(0)
    return {str(ms): float(share[lookahead_frames(ms)]) for ms in LOOKAHEADS_MS}


def held_clips(held: Recording, phones: dict[str, list[Phone]]) -> Iterator[Clip]:
    """The clips of a real speaker that were held out of training."""
    for name, start, hops in held.clips:
        real = held.motion[start + HOPS_PER_FRAME // 2 : start + hops : HOPS_PER_FRAME]
        mel = held.mel[start : start + hops].astype(np.float32)
        yield Clip(held.name, mel, real.astype(np.float32), phones.get(name, []))


def _clips(path: Path, basis: LipBasis, phones: dict[str, list[Phone]]) -> Iterator[Clip]:
    motion, mel = read_motion(path, basis), log_mel(read_sound(path.with_suffix(".opus")))
    for name, sample0, frame0, frames, _ in motion.clips:
        start, real = sample0 // HOP_SAMPLES, motion.code[frame0 : frame0 + frames]
        piece = mel[start : start + frames * HOPS_PER_FRAME]
        real = real[: len(piece) // HOPS_PER_FRAME]
        yield Clip(path.stem, piece, real, phones.get(name, []))


def lip_figures(networks: Networks, basis: LipBasis, clips: Sequence[Clip]) -> dict[str, float]:
    """Closures at every lookahead; correlation, lag and liveliness at 80 ms."""
    heard = [hear(networks, clip.mel)[1] for clip in clips]
    figures = _named("closed", {"real": _closed([c.real @ basis.gap for c in clips], clips)})
    for ms in LOOKAHEADS_MS:
        gaps = [move(networks, e, lookahead_frames(ms)) @ basis.gap for e in heard]
        figures[f"closed_{ms}"] = _closed(gaps, clips)
        figures[f"vowels_closed_{ms}"] = float((_at_vowels(gaps, clips) < CLOSED_GAP).mean())
    codes = [move(networks, e, lookahead_frames(80)) for e in heard]
    figures |= _agreement(codes, clips, basis)
    figures["vowel_gap_80"] = float(np.median(_at_vowels([c @ basis.gap for c in codes], clips)))
    figures["vowel_gap_real"] = float(
        np.nanmedian(_at_vowels([c.real @ basis.gap for c in clips], clips))
    )
    return figures


def sync_figures(
    networks: Networks, judge: SyncNet, face: Points, sounds: Iterable[Sound]
) -> dict[str, float]:
    """How well what a face [478, 2], canonical, lips closed, says of each sound fits it, by our
    SyncNet: the mean confidence at every lookahead."""
    basis = networks.lips.basis.numpy()
    found: dict[int, list[float]] = {ms: [] for ms in LOOKAHEADS_MS}
    for sound in sounds:
        _, e = hear(networks, log_mel(sound))
        for ms, confidences in found.items():
            motion = np.tensordot(move(networks, e, lookahead_frames(ms)), basis, 1)
            confidences.append(sync(embed(judge, move_lips(face, motion), sound)).confidence)
    return {f"sync_{ms}": float(np.mean(confidences)) for ms, confidences in found.items()}


def _closed(gaps: Sequence[Array], clips: Sequence[Clip]) -> float:
    closing = {PHONES.index(phone) for phone in CLOSING_PHONES}
    least = [
        np.nanmin(span)
        for gap, clip in zip(gaps, clips, strict=True)
        for phone in clip.phones
        if phone.index in closing
        and np.isfinite(span := _span(gap, phone.start - MARGIN_S, phone.end + MARGIN_S)).any()
    ]
    return float((np.array(least) < CLOSED_GAP).mean())


def _at_vowels(gaps: Sequence[Array], clips: Sequence[Clip]) -> Array:
    """The widest gap within each open vowel."""
    vowels = {PHONES.index(phone) for phone in OPEN_VOWELS}
    widest = [
        span.max()
        for gap, clip in zip(gaps, clips, strict=True)
        for phone in clip.phones
        if phone.index in vowels and len(span := _span(gap, phone.start, phone.end))
    ]
    return np.array(widest, np.float32)


def _span(gap: Array, start: float, end: float) -> Array:
    """The frames whose centres lie in start .. end seconds."""
    centres = np.array([frame_centre(i) for i in range(len(gap))])
    return gap[(centres >= start) & (centres <= end)]


def _agreement(codes: Sequence[Array], clips: Sequence[Clip], basis: LipBasis) -> dict[str, float]:
    """Correlation of gap and width at each clip's best lag, that lag, and spread over the real.

    Beside them stands what loudness alone says of the gap.
    """
    rows, spreads = [], []
    for code, clip in zip(codes, clips, strict=True):
        if len(clip.real) < _LONG_FRAMES:
            continue
        known = ~np.isnan(clip.real[:, 0])
        gap, lag = best_lag(code @ basis.gap, clip.real @ basis.gap)
        width, _ = best_lag(code @ basis.width, clip.real @ basis.width)
        loud, _ = best_lag(_loudness(clip.mel)[: len(clip.real)], clip.real @ basis.gap)
        rows.append((gap, width, loud, lag))
        both = np.stack([code[known] @ basis.gap, clip.real[known] @ basis.gap])
        wide = np.stack([code[known] @ basis.width, clip.real[known] @ basis.width])
        spreads.append([*both.std(1), *wide.std(1)])
    gap_r, width_r, loudness_r, _ = np.mean(rows, 0)
    gap, real_gap, width, real_width = np.mean(spreads, 0)
    return {
        "gap_r": float(gap_r),
        "width_r": float(width_r),
        "loudness_gap_r": float(loudness_r),
        "lag_ms": float(np.median([row[-1] for row in rows])),
        "gap_spread": float(gap / real_gap),
        "width_spread": float(width / real_width),
    }


def _loudness(mel: Array) -> Array:
    """Mean level of each frame, float32 [T]."""
    whole = len(mel) // HOPS_PER_FRAME * HOPS_PER_FRAME
    return np.asarray(mel[:whole].reshape(whole // HOPS_PER_FRAME, -1).mean(1))


def best_lag(signal: Array, reference: Array) -> tuple[float, float]:
    """Correlation at the best lag and that lag in ms; > 0 when the signal comes after.

    Both float32 [T], one value a frame; NaN in the reference is left out.
    """
    step_ms = FRAME_MS // _LAG_STEPS
    at = np.arange(len(signal), dtype=np.float32)
    best = (-1.0, 0.0)
    for lag_ms in range(-_MOST_LAG_MS, _MOST_LAG_MS + 1, step_ms):
        moved = at + lag_ms / FRAME_MS
        use = (moved >= 0) & (moved <= len(signal) - 1) & ~np.isnan(reference)
        a, b = np.interp(moved[use], at, signal), reference[use]
        if len(b) > FRAME_RATE and a.std() > 0 and b.std() > 0:
            best = max(best, (float(np.corrcoef(a, b)[0, 1]), float(lag_ms)))
    return best


def _named(prefix: str, figures: dict[str, float]) -> dict[str, float]:
    return {f"{prefix}_{name}": value for name, value in figures.items()}
