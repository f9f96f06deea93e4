"""The shipped faces and networks."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.avatar_file import Avatar
from realtime.commands.common import ASSETS, load_networks
from realtime.gallery import AvatarGallery
from realtime.models.networks import Networks


@pytest.fixture(scope="session")
def networks() -> Networks:
    return load_networks()


@pytest.fixture(scope="session")
def avatars() -> list[Avatar]:
    gallery = AvatarGallery(ASSETS)
    return [gallery.find(name) for name in ("ava", "max")]


def relative_error(found: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    return float(np.abs(found - expected).max() / np.abs(expected).max())
