"""Trains the speech part: audio encoder and lip decoder together, for all lookaheads at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, smooth_l1_loss

from realtime.audio.mel import HOPS_PER_FRAME
from realtime.clock import MAX_LOOKAHEAD_FRAMES
from realtime.models.audio_encoder import HINDSIGHTS, PHONES, AudioEncoder, AudioEncoderConfig
from realtime.models.lip_code import LipDecoder, LipDecoderConfig, windows
from realtime.models.weights import save_weights
from realtime.training.descent import Plan, descend
from realtime.training.lip_basis import Array, LipBasis
from realtime.training.phone_motion import animate, fit
from realtime.training.phones import UNKNOWN
from realtime.training.progress import new_progress
from realtime.training.speech_batches import Batch, Source, draw
from realtime.training.speech_corpus import (
    Recording,
    motion_files,
    read_basis,
    real_speaker,
    synthetic_voices,
    voices,
)

_BATCH = 24
_RATE = 2e-3
_FACE_STEPS = 400  # of the phone-to-motion network: r 0.90 on held-out clips after 300
_SAVE_EVERY = 100
_LABIALS = ("P", "B", "M", "F", "V")
_LABIAL_MOTION_WEIGHT, _LABIAL_PHONE_WEIGHT = 4.0, 2.0
_CALIBRATED_AHEAD, _MOST_GAIN = 2, 1.5
# The first number opens the mouth. It is held back, because more of it parts the lips between the
# vowels as well: at 1.5 strangers' open vowels reach 0.24 eye distances (real 0.17).
_MOST_OPENING_GAIN = 1.15
SPEAKER_WITH_PHONES = "grid_s1"
# Typical error that each part of the motion loss is measured by: code, and eye distances.
_CODE_UNIT, _GAP_UNIT, _WIDTH_UNIT = 0.15, 0.04, 0.02


@dataclass(frozen=True)
class Corpus:
    """The sources to learn from and the basis; held out: clips of the real speaker, voices."""

    sources: list[Source]
    basis: LipBasis
    held: Recording
    unseen: list[Recording]


class SpeechNetworks(nn.Module):
    """Both networks side by side; their names are the prefixes of the weights file."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = AudioEncoder(AudioEncoderConfig())
        self.lips = LipDecoder(LipDecoderConfig(self.encoder.config.outputs))


class Losses:
    """What the two networks are trained on."""

    def __init__(self, basis: LipBasis, device: torch.device) -> None:
        labial = torch.tensor([phone in _LABIALS for phone in PHONES] + [False])
        self._labial = labial.to(device)
        self._lips = torch.tensor(np.stack([basis.gap, basis.width], 1), device=device)
        self._lips_unit = torch.tensor([_GAP_UNIT, _WIDTH_UNIT], device=device)

    def phones(self, logits: Tensor, phone: Tensor) -> Tensor:
        """logits [B, T, 4, 40] against phone [B, T]: head h is asked for the frame h earlier."""
        losses = []
        for head in range(HINDSIGHTS):
            target = phone[:, : phone.shape[1] - head].flatten()
            guess = logits[:, head:, head].flatten(0, 1)
            each = cross_entropy(
                guess, target, ignore_index=UNKNOWN, reduction="none", label_smoothing=0.05
            )
            weight = self._weight(target, _LABIAL_PHONE_WEIGHT) * (target != UNKNOWN)
            losses.append((each * weight).sum() / weight.sum())
        return torch.stack(losses).mean()

    def motion(self, code: Tensor, batch: Batch) -> Tensor:
        """Code, its speed, and the lips' gap and width against the real ones: code [B, T, 16]."""
        known = ~batch.motion.isnan()
        want = torch.where(known, batch.motion, 0.0)
        weight = self._weight(batch.spoken, _LABIAL_MOTION_WEIGHT) * known[..., 0]
        error = (code - want) / _CODE_UNIT
        lips = (code - want) @ self._lips / self._lips_unit
        each = _huber(error) + 0.5 * _huber(lips)
        both = weight[:, 1:] * (weight[:, :-1] > 0)
        speed = _huber(error.diff(dim=1))
        return (each * weight).sum() / weight.sum() + 0.5 * (speed * both).sum() / both.sum()

    def _weight(self, phone: Tensor, labial: float) -> Tensor:
        return 1 + (labial - 1) * self._labial[phone.clamp(max=len(PHONES))]


def _huber(error: Tensor) -> Tensor:
    return smooth_l1_loss(error, torch.zeros_like(error), reduction="none").mean(-1)


def read_corpus(data: Path, progress: Progress) -> Corpus:
    """Reads all of `data`/clean, and gives a face to the voices that have none."""
    task = progress.add_task("corpus", total=None, note="")
    motion = data / "clean" / "motion"
    basis = read_basis(motion)
    speakers = {
        path.stem: real_speaker(path, basis, _phone_file(path)) for path in motion_files(motion)
    }
    speaker, held = speakers.pop(SPEAKER_WITH_PHONES)
    others = [learn for learn, _ in speakers.values()]
    read = voices(data / "clean" / "speech", "train")
    synthetic = synthetic_voices(data / "clean" / "tts", "train")
    progress.update(task, total=_FACE_STEPS, description="faces for voices")
    face = fit(speaker, _FACE_STEPS, lambda: progress.advance(task))
    animate(face, read + synthetic)
    sources = [Source([speaker], 0.33), Source(others, 0.03)]
    sources += [Source(read, 0.36), Source(synthetic, 0.28)]
    return Corpus(sources, basis, held, voices(data / "clean" / "speech", "test"))


def _phone_file(path: Path) -> Path | None:
    phones = path.with_suffix(".phones.tsv")
    return phones if phones.exists() else None


def new_networks(corpus: Corpus) -> SpeechNetworks:
    """Untrained networks that know the corpus' basis, scales and mean spectrum."""
    networks = SpeechNetworks()
    encoder, lips = networks.encoder, networks.lips
    for own, found in zip(
        (encoder.mel_mean, encoder.mel_std), mel_statistics(corpus.sources), strict=True
    ):
        own.copy_(found)
    real = corpus.sources[0].recordings[0].motion.astype(np.float32)
    lips.basis.copy_(torch.from_numpy(corpus.basis.basis))
    lips.scale.copy_(torch.from_numpy(np.nanstd(real, 0)))
    return networks


def mel_statistics(sources: Sequence[Source]) -> tuple[Tensor, Tensor]:
    """Mean and spread of every band of the log-mel, float32 [80] each."""
    mels = [r.mel[::50].astype(np.float32) for s in sources for r in s.recordings]
    every = torch.from_numpy(np.concatenate(mels))
    return every.mean(0), every.std(0, correction=0)


def train_step(
    networks: SpeechNetworks, losses: Losses, batch: Batch, ahead: Tensor
) -> tuple[Tensor, Tensor]:
    """The two losses of one batch; ahead int64 [B]: the lookahead of each crop in frames."""
    encoder, lips = networks.encoder, networks.lips
    heard, _ = encoder(batch.mel, encoder.start(len(batch.mel)))
    code = lips.estimate(*windows(heard.e, ahead))
    return losses.phones(heard.logits, batch.phone), losses.motion(code, batch)


def train(
    data: Path, out: Path, *, steps: int, seed: int, device: str = "cpu", resume: bool = False
) -> Path:
    """Trains for `steps` and writes `out`/speech.safetensors, whose path is returned.

    data: the folder that holds `clean`; resume: go on from `out`/checkpoint.pt. Every step draws
    its crops from (seed, step), so a resumed run sees what an unbroken one would have seen.
    """
    out.mkdir(parents=True, exist_ok=True)
    place = torch.device(device)
    torch.manual_seed(seed)
    with new_progress() as progress:
        corpus = read_corpus(data, progress)
        networks = new_networks(corpus).to(place)
        losses = Losses(corpus.basis, place)

        def losses_at(step: int) -> dict[str, Tensor]:
            rng = np.random.default_rng((seed, step))
            torch.manual_seed(int(rng.integers(2**31)))
            batch = draw(rng, corpus.sources, _BATCH).to(place)
            ahead = torch.randint(MAX_LOOKAHEAD_FRAMES + 1, (_BATCH,)).to(place)
            phone, motion = train_step(networks, losses, batch, ahead)
            return {"phone": phone, "motion": motion}

        descend(
            "speech",
            networks,
            losses_at,
            Plan(steps, _RATE, save_every=_SAVE_EVERY),
            checkpoint=out / "checkpoint.pt",
            resume=resume,
            progress=progress,
        )
    calibrate(networks.cpu(), corpus.held, corpus.unseen)
    return save(out / "speech.safetensors", networks, seed, steps)


@torch.inference_mode()
def calibrate(networks: SpeechNetworks, real: Recording, unseen: Sequence[Recording]) -> None:
    """Sets the decoder's gain: what it lacks, on unseen voices, of the spread of real lips.

    real: held-out motion of a real speaker; unseen: held-out voices. Only frames in which a phone
    is spoken count.
    """
    encoder, lips = networks.encoder.eval(), networks.lips.eval()
    ahead, guesses = torch.tensor([_CALIBRATED_AHEAD]), []
    for recording in unseen:
        for mel, spoken, _ in _frames(recording):
            heard, _ = encoder(torch.from_numpy(mel)[None], encoder.start())
            guesses.append(lips.estimate(*windows(heard.e, ahead))[0][torch.from_numpy(spoken)])
    reals = [motion[spoken] for _, spoken, motion in _frames(real)]
    spread = torch.from_numpy(np.nanstd(np.concatenate(reals), 0)) / torch.cat(guesses).std(0)
    most = torch.full_like(spread, _MOST_GAIN)
    most[0] = _MOST_OPENING_GAIN
    lips.gain.copy_(spread.clamp(min=torch.ones_like(most), max=most))


def _frames(recording: Recording) -> Iterator[tuple[Array, NDArray[np.bool_], Array]]:
    """Of each clip: mel [4 T, 80]; whether each frame speaks, bool [T]; motion [T, 16]."""
    for _, start, hops in recording.clips:
        stop = start + hops // HOPS_PER_FRAME * HOPS_PER_FRAME
        centres = slice(start + HOPS_PER_FRAME // 2, stop, HOPS_PER_FRAME)
        phone, motion = recording.phone[centres], recording.motion[centres]
        spoken = (phone != PHONES.index("SIL")) & (phone != UNKNOWN)
        yield recording.mel[start:stop].astype(np.float32), spoken, motion.astype(np.float32)


def save(path: Path, networks: SpeechNetworks, seed: int, steps: int) -> Path:
    """Both networks as float16 in one file, with their configurations and how they were made."""
    configs = {"encoder": asdict(networks.encoder.config), "lips": asdict(networks.lips.config)}
    tensors = {name: tensor.half() for name, tensor in networks.state_dict().items()}
    save_weights(path, tensors, configs | {"speech": {"seed": seed, "steps": steps}})
    return path
