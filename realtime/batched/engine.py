"""Many sessions that step together on one device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from realtime.batched.crowd import Crowd, Portrait
from realtime.batched.hearing import Compiler
from realtime.batched.lives import Lives
from realtime.batched.replay import Replay
from realtime.batched.stage import blink_place
from realtime.clock import FRAME_SAMPLES, Sound, lookahead_frames
from realtime.engine import Outfit
from realtime.head_pose import HeadPose
from realtime.manner import Manner
from realtime.models.networks import Networks


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
        compiler: Compiler | None = None,
    ) -> None:
        """An outfit and a seed for each session; `compiler` makes sound to lips faster than PyTorch
        does. ValueError for what no batch shows."""
        sessions, width, height = len(outfits), *size
        self.size, self.lookahead_ms, self.sessions = size, lookahead_ms, sessions
        self._networks, self._device = networks, device
        dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
        self._crowd = Crowd(networks, sessions, size, lookahead_frames(lookahead_ms), dtype)
        self._lives = Lives(seeds, [outfit.manner for outfit in outfits])
        portraits = {outfit: self.portrait(outfit) for outfit in set(outfits)}
        for session, outfit in enumerate(outfits):
            self._crowd.faces.seat(session, portraits[outfit])
        if compiler is not None:
            self._crowd.to(device).hearing.compile_by(compiler)
        given = (
            torch.zeros(sessions, FRAME_SAMPLES, dtype=torch.int16),
            torch.zeros(sessions),
            torch.zeros(sessions, len(HeadPose().as_vector())),
            torch.zeros(sessions, dtype=torch.int32),
        )
        made = torch.zeros(sessions, height, width, 3, dtype=torch.uint8)
        self._forward = Replay(self._crowd, given, made, device)
        for session in range(sessions):
            self._crowd.hearing.reset(session)

    def portrait(self, outfit: Outfit) -> Portrait:
        """What `seat` takes: made in a second or so, in any thread."""
        return Portrait.of(self._networks, outfit.avatar, self.size, outfit.background)

    def seat(self, session: int, portrait: Portrait, manner: Manner) -> None:
        """The session shows this from its next step on; its talk goes on, held as asked."""
        self._crowd.faces.seat(session, portrait)
        self._lives.ask(session, manner)
        if self._device.type == "cuda":
            torch.cuda.current_stream(self._device).synchronize()

    def reset(self, session: int) -> None:
        """The session forgets all sound heard; head and lids go on as they were."""
        self._crowd.hearing.reset(session)
        self._lives.hush(session)

    def step(self, sound: Sound) -> NDArray[np.uint8]:
        """Everybody's newest sound, int16 [N, 640] -> their pictures, RGB uint8 [N, H, W, 3], which
        hold until the next step; ValueError on another shape."""
        bearing = self._lives.step(sound)
        place = blink_place(bearing.blink)
        return np.asarray(self._forward(sound, bearing.gain, bearing.pose, place), np.uint8)
