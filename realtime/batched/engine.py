"""Engines on one device: many sessions that step together, and one that steps alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from copy import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from realtime.batched.crowd import Crowd, Portrait, captured
from realtime.batched.lives import Lives
from realtime.batched.stage import LID_AMOUNTS
from realtime.clock import FRAME_SAMPLES, Sound, lookahead_frames
from realtime.engine import Outfit
from realtime.frame import Frame
from realtime.models.networks import Networks

_POSE = 6


class BatchedEngine:
    """N sessions, one forward. On a GPU the whole step is one CUDA graph, its generator in
    bfloat16; elsewhere it is the plain form of the same, slow, in float32.

    `step` is deterministic, as Engine's: same sound, avatars and seeds, same frames.
    """

    def __init__(
        self,
        networks: Networks,
        outfits: Sequence[Outfit],
        *,
        lookahead_ms: int = 80,
        size: tuple[int, int] = (512, 512),
        seeds: Sequence[int],
        device: torch.device,
    ) -> None:
        """An outfit and a seed for each session. ValueError for what no batch shows."""
        sessions, width, height = len(outfits), *size
        self.size, self.lookahead_ms, self.sessions = size, lookahead_ms, sessions
        self._networks, self._device = networks, device
        on_gpu = device.type == "cuda"
        dtype = torch.bfloat16 if on_gpu else torch.float32
        frames = lookahead_frames(lookahead_ms)
        self._crowd = Crowd(networks, sessions, size, frames, dtype).to(device)
        self._lives = Lives(seeds, [outfit.manner for outfit in outfits])
        # What goes to the device and comes back, always at the same places.
        self._given = (
            torch.zeros(sessions, FRAME_SAMPLES, dtype=torch.int16, pin_memory=on_gpu),
            torch.zeros(sessions, pin_memory=on_gpu),
            torch.zeros(sessions, _POSE, pin_memory=on_gpu),
            torch.zeros(sessions, dtype=torch.int32, pin_memory=on_gpu),
        )
        self._shown = torch.zeros(sessions, height, width, 3, dtype=torch.uint8, pin_memory=on_gpu)
        portraits = {outfit: self.portrait(outfit) for outfit in set(outfits)}
        for session, outfit in enumerate(outfits):
            self.seat(session, portraits[outfit])
        self._forward = self._captured() if on_gpu else self._work

    def portrait(self, outfit: Outfit) -> Portrait:
        """What `seat` takes: made in a second or so, in any thread."""
        return Portrait.of(self._networks, outfit.avatar, self.size, outfit.background)

    def seat(self, session: int, portrait: Portrait) -> None:
        """The session shows this from its next step on."""
        self._crowd.seat(session, portrait)

    @property
    def lives(self) -> Lives:
        """Heads and lids."""
        return self._lives

    def reset(self, session: int) -> None:
        """The session forgets all sound heard; head and lids go on as they were."""
        self._crowd.hearing.reset(session)
        self._lives.hush(session)

    def step(self, sound: Sound) -> NDArray[np.uint8]:
        """Everybody's newest sound, int16 [N, 640] -> their pictures, RGB uint8 [N, H, W, 3], which
        hold until the next step; ValueError on another shape."""
        bearing = self._lives.step(sound)
        blink = np.searchsorted(np.array(LID_AMOUNTS, np.float32), bearing.blink)
        parts = sound, bearing.gain, bearing.pose, blink
        for given, part in zip(self._given, parts, strict=True):
            given.copy_(torch.from_numpy(part))
        self._forward()
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return np.asarray(self._shown.numpy())

    def _captured(self) -> Callable[[], None]:
        forward = captured(self._work)
        for session in range(len(self._shown)):
            self._crowd.hearing.reset(session)
        return forward

    @torch.inference_mode()
    def _work(self) -> None:
        given: list[Tensor] = [part.to(self._device, non_blocking=True) for part in self._given]
        self._shown.copy_(self._crowd(*given), non_blocking=True)


class DeviceEngine:
    """One session on a device: an Engine's steps, see `realtime.engine`."""

    def __init__(
        self,
        networks: Networks,
        outfit: Outfit,
        *,
        lookahead_ms: int = 80,
        size: tuple[int, int] = (512, 512),
        seed: int = 0,
        device: torch.device,
    ) -> None:
        """ValueError for what no batch shows: see `realtime.batched.crowd.Portrait`."""
        self.outfit, self.size, self.lookahead_ms = outfit, size, lookahead_ms
        self._batch = BatchedEngine(
            networks, [outfit], lookahead_ms=lookahead_ms, size=size, seeds=[seed], device=device
        )
        self._sound = self._silence()
        self._waiting: Portrait | None = None
        self._index = 0

    def changed(self, outfit: Outfit) -> DeviceEngine:
        """See `realtime.engine.Engine.changed`."""
        other = copy(self)
        other.outfit = outfit
        other._waiting = self._batch.portrait(outfit)
        return other

    def reset(self) -> None:
        """Forgets all sound heard and not yet shown; head and lids go on as they were."""
        self._batch.reset(0)
        self._sound = self._silence()

    def step(self, samples: Sound, *, fresh: bool = True) -> Frame:  # noqa: ARG002 (no step is late)
        """int16 [640] -> the next frame; raises ValueError on another length."""
        if samples.shape != (FRAME_SAMPLES,):
            raise ValueError(f"a frame holds {FRAME_SAMPLES} samples, found shape {samples.shape}")
        if self._waiting is not None:
            self._batch.seat(0, self._waiting)
            self._batch.lives.ask(0, self.outfit.manner)
            self._waiting = None
        picture = self._batch.step(samples[None])[0].copy()
        self._sound.append(samples.copy())
        frame = Frame(self._index, picture, self._sound[0])
        self._index += 1
        return frame

    def _silence(self) -> deque[Sound]:
        silence = np.zeros(FRAME_SAMPLES, np.int16)
        frames = lookahead_frames(self.lookahead_ms)
        return deque([silence] * frames, maxlen=frames + 1)
