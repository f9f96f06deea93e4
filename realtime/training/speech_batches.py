"""Batches for the speech part: random crops of the corpus, each with its targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from realtime.audio.mel import HOPS_PER_FRAME
from realtime.training.sound_augment import augment
from realtime.training.speech_corpus import Recording

# Networks that hedge move late (20 to 30 ms after real lips), so they are taught to be early: the
# shipped ones by two hops, which is 10 to 15 ms too much.
LEAD_HOPS = 2
FRAMES = 75
_HOPS = FRAMES * HOPS_PER_FRAME
_CENTRE = HOPS_PER_FRAME // 2
_MARGIN_HOPS = 40


@dataclass(frozen=True)
class Batch:
    """mel float32 [B, 4 T, 80]; per frame: phone int64 [B, T] and spoken int64 [B, T], the phone
    at the instant whose motion float32 [B, T, 16] is wanted. 255 and NaN where unknown."""

    mel: Tensor
    phone: Tensor
    spoken: Tensor
    motion: Tensor

    def to(self, device: torch.device) -> Batch:
        return Batch(*(getattr(self, field.name).to(device) for field in fields(self)))


class Source:
    """Recordings of one kind, and how often a crop comes from them."""

    def __init__(self, recordings: Sequence[Recording], share: float) -> None:
        self.recordings = recordings
        self.share = share
        self._clips = [(r, start, hops) for r in recordings for _, start, hops in r.clips]
        lengths = np.array([hops for _, _, hops in self._clips], np.float64)
        self._odds = lengths / lengths.sum()

    def crop(self, rng: np.random.Generator, lead: int) -> tuple[Recording, int]:
        """A recording and the hop where a crop of it begins; long clips come more often."""
        recording, start, hops = self._clips[rng.choice(len(self._clips), p=self._odds)]
        offset = int(rng.integers(-_MARGIN_HOPS, max(hops - _HOPS, 0) + _MARGIN_HOPS))
        if recording.anchored:
            offset = offset // HOPS_PER_FRAME * HOPS_PER_FRAME - lead
        return recording, _inside(start + offset, len(recording.mel) - _HOPS - lead)


def draw(
    rng: np.random.Generator, sources: Sequence[Source], size: int, lead: int = LEAD_HOPS
) -> Batch:
    """`size` crops of 3 s, augmented; their motion is `lead` hops ahead of the sound."""
    shares = np.array([source.share for source in sources])
    kinds = rng.choice(len(sources), size, p=shares / shares.sum())
    crops = [sources[kind].crop(rng, lead) for kind in kinds]
    mel = np.stack([r.mel[s : s + _HOPS] for r, s in crops]).astype(np.float32)
    centres = [(r, np.arange(s + _CENTRE, s + _HOPS, HOPS_PER_FRAME)) for r, s in crops]
    phone = np.stack([r.phone[c] for r, c in centres])
    spoken = np.stack([r.phone[c + lead] for r, c in centres])
    motion = np.stack([r.motion[c + lead] for r, c in centres])
    return Batch(
        torch.from_numpy(augment(rng, mel)),
        torch.from_numpy(phone.astype(np.int64)),
        torch.from_numpy(spoken.astype(np.int64)),
        torch.from_numpy(motion.astype(np.float32)),
    )


def _inside(start: int, last: int) -> int:
    """Moves a start into 0..last by whole frames, so that real motion keeps its place."""
    start += max(0, -(start // HOPS_PER_FRAME)) * HOPS_PER_FRAME
    return start - max(0, -((last - start) // HOPS_PER_FRAME)) * HOPS_PER_FRAME
