"""The engine: 640 samples of sound in, one frame out. No thread, no clock, no I/O."""

from __future__ import annotations

from collections import deque
from copy import copy
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from realtime.audio.voice import speaking
from realtime.avatar_file import Avatar
from realtime.backdrop import Background, Blur
from realtime.batched.look import DeviceLook
from realtime.canonical import CanonicalFace
from realtime.clock import FRAME_SAMPLES, Sound, lookahead_frames
from realtime.compositor import Compositor, Layer
from realtime.face import (
    MOUTH_WINDOW,
    Points,
    close_lips,
    jaw_drop,
    move_lips,
)
from realtime.frame import Frame, Picture
from realtime.head_pose import HeadPose
from realtime.idle import IdleLife
from realtime.lids import Lids
from realtime.manner import Manner
from realtime.models.lip_code import LipReader
from realtime.models.networks import Networks
from realtime.models.renderer import Backend, Prepared, prepare, render
from realtime.models.tsg import RestingMask
from realtime.moving_head import MovingHead
from realtime.pose_track import PoseTrack
from realtime.regions import Region


@dataclass(frozen=True, eq=False)
class Outfit:
    """What an engine shows: who, before what, and how the head is held and moves."""

    avatar: Avatar
    background: Background
    manner: Manner


@dataclass
class _Talk:
    """What goes on whatever the portrait looks like: sound on its way, head and lids."""

    reader: LipReader
    idle: IdleLife
    manner: Manner
    sound: deque[Sound]
    level: float = 0.0
    index: int = 0
    shown: Picture | None = None


class Engine:
    """One talking avatar. Deterministic: same sound, avatar and seed, same frames.

    `backend` computes the face: see `realtime.models.renderer.measured`. `track` moves the head
    instead of idle sway. The head is held as the avatar's manner says.
    """

    def __init__(
        self,
        networks: Networks,
        avatar: Avatar,
        *,
        lookahead_ms: int = 80,
        size: tuple[int, int] = (512, 512),
        seed: int = 0,
        background: Background = None,
        track: PoseTrack | None = None,
        backend: Backend = Backend(),  # noqa: B008 (frozen)
    ) -> None:
        self.size = size
        self._networks = networks
        self._backend = backend
        self.lookahead_ms = lookahead_ms
        self._track = track
        self.outfit = Outfit(avatar, background, avatar.manner)
        self._look = self._looking(avatar, background)
        reader = LipReader(networks.encoder, networks.lips, lookahead_frames(lookahead_ms))
        self._talk = _Talk(reader, IdleLife(seed), avatar.manner, self._silence())

    def changed(self, outfit: Outfit) -> Engine:
        """Another look for the talk under way, made beside it: take it in place of this one
        between two steps, and voice, head and lids go on.

        What stays as it is is shared; so is the talk: only one of the two may step from then on.
        """
        other = copy(self)
        other.outfit = outfit
        if outfit.avatar is not self.outfit.avatar:
            other._look = other._looking(outfit.avatar, outfit.background)
        elif outfit.background is not self.outfit.background:
            other._look = self._look.before(outfit.background)
        return other

    def _looking(self, avatar: Avatar, background: Background) -> Look:
        if avatar.film is not None:
            return MovingHead(avatar.film, self.size).before(background)
        if self._backend.name == "cuda":
            return _DevicePortrait(self._networks, avatar, self.size, background)
        face = _Face(self._networks, avatar, self._backend)
        return _Portrait(face, avatar, self.size, background)

    def _silence(self) -> deque[Sound]:
        silence = np.zeros(FRAME_SAMPLES, np.int16)
        frames = lookahead_frames(self.lookahead_ms)
        return deque([silence] * frames, maxlen=frames + 1)

    def reset(self) -> None:
        """Forgets all sound heard and not yet shown; head and lids go on as they were."""
        self._talk.reader.reset()
        self._talk.sound = self._silence()
        self._talk.level = 0.0

    def step(self, samples: Sound, *, fresh: bool = True) -> Frame:
        """int16 [640] -> the next frame; raises ValueError on another length.

        Not fresh, the sound is heard and the picture is the one before: for who is late.
        """
        talk = self._talk
        film = self.outfit.avatar.film
        code = talk.reader.push(samples, film.face.habit if film else None)
        talk.sound.append(samples.copy())
        talk.level = float(speaking(talk.level, samples))
        if fresh or talk.shown is None:
            motion = self._networks.lips.landmarks(torch.from_numpy(code)).numpy()
            blink = talk.idle.blink(talk.index, talk.manner)
            talk.shown = self._look.show(self._pose(), motion, blink)
        frame = Frame(talk.index, talk.shown, talk.sound[0])
        talk.index += 1
        asked = self.outfit.manner
        lids = (talk.idle.blink(talk.index, manner) for manner in (talk.manner, asked))
        talk.manner = talk.manner.towards(asked, lids_open=not any(lids))
        return frame

    def _pose(self) -> HeadPose:
        talk = self._talk
        manner = replace(talk.manner, sway=0.0) if self._track else talk.manner
        pose = talk.idle.pose(talk.index, talk.level, manner)
        return self._track.moved(pose, talk.index) if self._track else pose


class Look(Protocol):
    """How an avatar is shown."""

    def show(self, pose: HeadPose, motion: Points, blink: float) -> Picture:
        """The next frame, RGB uint8 [H, W, 3]: motion float32 [478, 3] in eye distances, lids
        closed 0..1."""

    def before(self, background: Background) -> Look:
        """The same before another background; raises AvatarError where it cannot be."""


class _Portrait:
    """A photograph: the canonical face laid on a head that sways."""

    def __init__(
        self, face: _Face, avatar: Avatar, size: tuple[int, int], background: Background
    ) -> None:
        self._face, self._avatar, self._size = face, avatar, size
        self._compositor = Compositor(avatar, size, background)

    def show(self, pose: HeadPose, motion: Points, blink: float) -> Picture:
        return self._compositor.compose(pose, self._face.layers(motion, blink))

    def before(self, background: Background) -> _Portrait:
        return _Portrait(self._face, self._avatar, self._size, background)


class _DevicePortrait:
    """A photograph shown by a GPU; by the CPU while what is behind it moves."""

    def __init__(
        self, networks: Networks, avatar: Avatar, size: tuple[int, int], background: Background
    ) -> None:
        self._who = networks, avatar, size
        self._look = self._looking(background)

    def show(self, pose: HeadPose, motion: Points, blink: float) -> Picture:
        return self._look.show(pose, motion, blink)

    def before(self, background: Background) -> _DevicePortrait:
        return _DevicePortrait(*self._who, background)

    def _looking(self, background: Background) -> _Portrait | DeviceLook:
        networks, avatar, size = self._who
        if background is None or isinstance(background, (Blur, np.ndarray)):
            return DeviceLook(networks, avatar, size, background, torch.device("cuda"))
        return _Portrait(_Face(networks, avatar, Backend()), avatar, size, background)


class _Face:
    """The avatar's canonical face: landmarks moved, masks drawn, windows rendered.

    A face that keeps still, as in silence it does, is rendered once.
    """

    def __init__(self, networks: Networks, avatar: Avatar, backend: Backend) -> None:
        face = CanonicalFace.of(avatar)
        self._closed = close_lips(face.points)
        self._resting = RestingMask(face.mask, face.points, MOUTH_WINDOW)
        self._plate = avatar.plate
        codes = face.codes(avatar, networks)
        self._mouth = prepare(networks.generator, face.photo, face.mask, codes, backend)
        self._lids = Lids(face.crop, face.points, face.mask[Region.ACCESSORIES])
        self._moved, self._layer = self._closed, self._rendered(self._closed)

    def layers(self, motion: NDArray[np.float32], blink: float) -> list[Layer]:
        """Displacements [478, 3] in eye distances and lids closed 0..1 -> layers to compose."""
        moved = move_lips(self._closed, motion)
        if not np.array_equal(moved, self._moved):
            self._moved, self._layer = moved, self._rendered(moved)
        return [self._layer, *(self._lids.shut(blink) if blink > 0 else [])]

    def _rendered(self, moved: Points) -> Layer:
        mouth = self._plate.compose(MOUTH_WINDOW, jaw_drop(moved, self._closed))
        drawn = self._resting.moved(moved)
        return _render(self._mouth, drawn, mouth)


def _render(prepared: Prepared, target: NDArray[np.float32], plate: NDArray[np.float32]) -> Layer:
    made = render(prepared, target, np.ascontiguousarray(plate.transpose(2, 0, 1)))
    return Layer(MOUTH_WINDOW, made.flow, made.matte, made.inside)
