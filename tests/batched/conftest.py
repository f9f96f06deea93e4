"""The shipped faces and networks."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.audio.sources import sound_blocks
from realtime.avatar_file import Avatar
from realtime.backdrop import Background
from realtime.clock import Sound
from realtime.commands.common import ASSETS, load_networks
from realtime.engine import Outfit
from realtime.gallery import AvatarGallery
from realtime.models.networks import Networks
from realtime.outputs.playback import blocks_of


@pytest.fixture(scope="session")
def networks() -> Networks:
    return load_networks()


@pytest.fixture(scope="session")
def avatars() -> list[Avatar]:
    gallery = AvatarGallery(ASSETS)
    return [gallery.find(name) for name in ("ava", "max")]


@pytest.fixture(scope="session")
def speech() -> list[Sound]:
    """A second and a half."""
    return list(islice(blocks_of(sound_blocks(ASSETS / "speech.opus")), 36))


def outfit(avatar: Avatar, background: Background = None) -> Outfit:
    return Outfit(avatar, background, avatar.manner)


def relative_error(found: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    return float(np.abs(found - expected).max() / np.abs(expected).max())
