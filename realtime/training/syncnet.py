"""Trains the SyncNet on motion of real speakers and of voices that were given a face.

Its ear is the shipped audio encoder and stays as it is: what is learnt is what phones look like.

Every window of a batch is shown with the sound of every other one: in-batch negatives, most of
them of other clips, the hard ones of the same (the diagonal matrix of G4G, arXiv 2402.18122). Then
it has to tell, as when it judges, a window's own sound from another of the same clip by one
threshold for all clips (a sigmoid a pair: Zhai et al. 2023).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, softplus

from realtime.face import (
    CROP,
    EYE_DISTANCE,
    Points,
    close_lips,
    crop_matrix,
    lip_gap,
    move_lips,
    transform,
)
from realtime.models.audio_encoder import PHONES
from realtime.models.syncnet import FRAMES, NAME, SyncNet, lower_face
from realtime.models.weights import Weights, load_weights, save_weights
from realtime.training.people import HELD_OUT
from realtime.training.precision import autocast
from realtime.training.progress import new_progress
from realtime.training.speech import Corpus, read_corpus
from realtime.training.speech_batches import Batch, Source, draw
from realtime.training.speech_corpus import Recording
from realtime.training.timed import Run, SeededBatches, Stint, on_device

Array = NDArray[np.float32]

_BATCH = 16
# Of the 75 frames that are heard these are seen: what comes before and after is heard, too.
_SEEN = slice(24, 64)
_DECAY, _LARGEST_GRADIENT = 0.01, 1.0
# The speaker with phones, other speakers, read voices, made ones.
_SHARES = (0.35, 0.2, 0.25, 0.2)
# Clips whose pictures come before their sound, by so many hops: as `sync` finds with a SyncNet that
# learnt from GRID and voices alone.
_EARLY_HOPS = {
    "styletalk__Obama_clip1": 18,
    "whitehouse_obama__wh_obama_1": 11,
    "whitehouse_obama__wh_obama_3": 5,
    "whitehouse_obama__wh_obama_4": 6,
    "whitehouse_obama__wh_obama_5": 12,
    "whitehouse_obama__wh_obama_7": 7,
    "whitehouse_obama__wh_obama_8": 9,
}
_SHARPEST = 50.0
# Windows nearer than this to each other are no negatives: their sounds overlap by half and more.
_NEAR = 2
# Windows so far apart in a clip are told apart when it judges.
_FAR = 10
_TELLING = 0.5
# Other people: they move more or less, hold their lips otherwise, and the tracker trembles; in
# shares of each number's own spread.
_GAIN, _EACH_GAIN, _POSTURE, _TREMBLE = 0.4, 0.3, 0.8, 0.12
# Other habits: how much each number is moved by what the others do.
_HABIT = 0.3
# Lips that are slower, or quicker: the share that frames have of the mean of their neighbours.
_SLOWNESS = (-0.2, 0.5)
_TURN, _SIZE, _PLACE_PX = 0.05, 0.04, 3.0
_WIDEST = 0.2  # lips farther apart, in eye distances, cannot be closed by moving them


@dataclass(frozen=True)
class Examples:
    """Where batches come from: sound and motion, the basis of the motion, and faces to move."""

    sources: Sequence[Source]
    basis: Array
    spread: Array
    faces: Sequence[Points]


def read_faces(folder: Path) -> list[Points]:
    """Canonical points, lips closed, of the people of `clean/faces` who are not held out."""
    with open(folder / "index.tsv", newline="") as file:
        people = [row["person"] for row in csv.DictReader(file, delimiter="\t")]
    with np.load(folder / "landmarks.npz") as archive:
        landmarks = archive["lm"].astype(np.float32) * np.float32(archive["scale"])
    canonical = [
        transform(crop_matrix(points), points)
        for person, points in zip(people, landmarks, strict=True)
        if person not in HELD_OUT
    ]
    return [close_lips(p) for p in canonical if lip_gap(p) <= _WIDEST * EYE_DISTANCE]


def examples(corpus: Corpus, faces: Sequence[Points]) -> Examples:
    """The speech part's corpus, in step, with more of those few who are not its main speaker."""
    sources = [
        Source([in_step(each) for each in source.recordings], share)
        for source, share in zip(corpus.sources, _SHARES, strict=True)
    ]
    motion = sources[0].recordings[0].motion.astype(np.float32)
    return Examples(sources, corpus.basis.basis, np.nanstd(motion, 0), faces)


def in_step(recording: Recording) -> Recording:
    """The recording with the motion of each clip laid where its sound is."""
    motion, clips = recording.motion.copy(), []
    for name, start, hops in recording.clips:
        early = _EARLY_HOPS.get(name, 0)
        motion[start : start + early] = np.nan
        motion[start + early : start + hops] = recording.motion[start : start + hops - early]
        clips.append((name, start + early, hops - early))
    return replace(recording, motion=motion, clips=clips)


@dataclass(frozen=True)
class Windows:
    """masks uint8 [B, T, 5, 64, 64], 255 wholly, of those frames of mel float32 [B, 300, 80] that
    are seen; of each window of five frames bool [B, T - 4]: is all of its motion known, is nothing
    spoken in it."""

    masks: Tensor
    mel: Tensor
    known: Tensor
    silent: Tensor


def draw_windows(rng: np.random.Generator, data: Examples, size: int) -> Windows:
    """`size` clips, each on a random face that moves in a way of its own."""
    batch = draw(rng, data.sources, size, lead=0)
    codes = _otherwise(rng, batch.motion[:, _SEEN].numpy(), data.spread)
    masks = np.stack([_masks(rng, data, code) for code in codes])
    return Windows(torch.from_numpy(masks), batch.mel, *_marks(batch))


def _marks(batch: Batch) -> tuple[Tensor, Tensor]:
    known = ~batch.motion[:, _SEEN, 0].isnan()
    silent = batch.phone[:, _SEEN] == PHONES.index("SIL")
    known, silent = (mark.unfold(1, FRAMES, 1).all(2) for mark in (known, silent))
    return known, silent


def _otherwise(rng: np.random.Generator, codes: Array, spread: Array) -> Array:
    """Codes [B, T, 16] as other people would move: NaN becomes rest."""
    count, _, numbers = codes.shape
    codes = np.asarray(np.nan_to_num(codes), np.float32)
    padded = np.pad(codes, ((0, 0), (1, 1), (0, 0)), mode="edge")
    slowness = rng.uniform(*_SLOWNESS, (count, 1, 1))
    slowed = codes + slowness * ((padded[:, :-2] + padded[:, 2:]) / 2 - codes)
    gain = np.exp(_GAIN * rng.normal(size=(count, 1, 1)))
    gain = gain * np.exp(_EACH_GAIN * rng.normal(size=(count, 1, numbers)))
    mixed = _HABIT * rng.normal(size=(count, numbers, numbers)) / np.sqrt(numbers)
    habit = slowed / spread @ mixed * spread
    posture = _POSTURE * rng.normal(size=(count, 1, numbers)) * rng.random((count, 1, 1))
    tremble = _TREMBLE * rng.normal(size=codes.shape)
    return np.asarray(slowed * gain + habit + (posture + tremble) * spread, np.float32)


def _masks(rng: np.random.Generator, data: Examples, codes: Array) -> NDArray[np.uint8]:
    """Codes [T, 16] on a random face, somewhere near its place, or mirrored: [T, 5, 64, 64]."""
    face = data.faces[int(rng.integers(len(data.faces)))]
    motion = np.tensordot(codes, data.basis[..., :2], 1)
    turn = cv2.getRotationMatrix2D(
        (CROP / 2, CROP / 2), np.degrees(rng.normal(0, _TURN)), np.exp(rng.normal(0, _SIZE))
    )
    turn = turn + np.pad(rng.normal(0, _PLACE_PX, (2, 1)), ((0, 0), (2, 0)))
    moved = move_lips(face, motion) @ turn[:, :2].T + turn[:, 2]
    masks = np.stack([lower_face(points) for points in np.asarray(moved, np.float32)])
    masks = np.round(255 * masks).astype(np.uint8)
    return np.ascontiguousarray(masks[..., ::-1] if rng.random() < 0.5 else masks)


def contrast(lips: Tensor, sound: Tensor, windows: Windows, sharpness: Tensor) -> Tensor:
    """Cross-entropy of finding each window's sound among all, and its lips among all.

    lips and sound: unit vectors [B, T, 512]. Not asked: windows of unknown motion. Not offered:
    near windows of the same clip, and one silence for another.
    """
    length = windows.known.shape[1]
    use = windows.known.flatten().nonzero()[:, 0]
    clip, at = use // length, use % length
    silent = windows.silent.flatten()[use]
    near = (clip[:, None] == clip) & ((at[:, None] - at).abs() <= _NEAR)
    alike = near | (silent[:, None] & silent)
    alike.fill_diagonal_(False)
    cosines = lips.flatten(0, 1)[use] @ sound.flatten(0, 1)[use].T
    logits = (cosines * sharpness).masked_fill(alike, -torch.inf)
    own = torch.arange(len(use), device=logits.device)
    return (cross_entropy(logits, own) + cross_entropy(logits.T, own)) / 2


def telling(lips: Tensor, sound: Tensor, windows: Windows, scale: Tensor, bias: Tensor) -> Tensor:
    """Cross-entropy of telling own sounds from far ones of the same clip, both counting alike.

    lips and sound: unit vectors [B, T, 512]; in sync by the sigmoid of scale * cosine - bias. Of
    windows in which nothing is spoken nothing is asked, nor is their sound offered.
    """
    use = windows.known & ~windows.silent
    at = torch.arange(use.shape[1], device=use.device)
    far = (at[:, None] - at).abs() >= _FAR
    other = use[:, :, None] & use[:, None] & far
    logits = lips @ sound.transpose(1, 2) * scale - bias
    own = softplus(-logits.diagonal(dim1=1, dim2=2))
    return (own * use).sum() / (use.sum() + 1) + (softplus(logits) * other).sum() / (
        other.sum() + 1
    )


class Trained(nn.Module):
    """The network, and how sharply its cosines decide while it learns."""

    def __init__(self, shipped: Weights) -> None:
        super().__init__()
        self.network = SyncNet()
        shipped.restore("encoder", self.network.ear)
        self.log_sharpness = nn.Parameter(torch.tensor(2.5))
        self.log_scale = nn.Parameter(torch.tensor(2.0))
        self.bias = nn.Parameter(torch.tensor(2.0))

    def forward(self, windows: Windows) -> Tensor:
        """The loss of a batch."""
        with autocast(windows.mel.device):
            lips = self.network.see(windows.masks / 255).float()
            heard = self.network.hear(windows.mel).float()
        sound = heard[:, _SEEN.start :][:, : lips.shape[1]]
        sharpness = self.log_sharpness.exp().clamp(max=_SHARPEST)
        told = telling(lips, sound, windows, self.log_scale.exp(), self.bias)
        return contrast(lips, sound, windows, sharpness) + _TELLING * told

    @torch.no_grad()
    def calibrated(self) -> SyncNet:
        """The network, its threshold where `telling` is undecided."""
        self.network.threshold.copy_(self.bias / self.log_scale.exp())
        return self.network


@dataclass(frozen=True)
class WindowBatches(SeededBatches):
    examples: Examples

    def draw(self, rng: np.random.Generator) -> dict[str, Tensor]:
        return vars(draw_windows(rng, self.examples, _BATCH))


def train(data: Path, stint: Stint) -> Path:
    """Trains and writes syncnet.safetensors into the stint's folder, and returns its path.

    data: the folder that holds `clean`. Step n draws its windows from (seed, n).
    """
    run = stint.begin(lambda device: fresh_run(device, load_weights()))
    with new_progress() as progress:
        data_set = examples(read_corpus(data, progress), read_faces(data / "clean" / "faces"))
        stint.go_on(
            NAME,
            run,
            WindowBatches(stint.seed, run.step, data_set),
            lambda batch, rate: train_step(run, batch, rate, stint.device),
            progress,
        )
    assert isinstance(run.average, Trained)
    network = run.average.calibrated().cpu().eval()
    tensors = {f"{NAME}.{name}": tensor.half() for name, tensor in network.state_dict().items()}
    path = stint.out / f"{NAME}.safetensors"
    save_weights(path, tensors, {NAME: run.about(stint.seed)})
    return path


def fresh_run(device: torch.device, shipped: Weights) -> Run:
    """An untrained network with the audio encoder of the shipped weights as its ear."""
    return Run.fresh(
        lambda: Trained(shipped),
        lambda each, rate: torch.optim.AdamW(each.parameters(), rate, weight_decay=_DECAY),
        device,
    )


def train_step(run: Run, batch: Mapping[str, Tensor], rate: float, device: torch.device) -> float:
    """One step of AdamW on one batch of windows; the loss."""
    loss = run.networks(Windows(**on_device(batch, device)))
    return run.learn(loss, rate, _LARGEST_GRADIENT)
