"""A new avatar at a glance."""

from __future__ import annotations

import numpy as np

from realtime.avatar_file import Avatar
from realtime.backdrop import Background, colour
from realtime.clock import FRAME_SAMPLES
from realtime.commands.common import ASSETS, load_networks
from realtime.engine import Engine
from realtime.enroll.preview import preview
from realtime.gallery import AvatarGallery

SIDE = 128


def test_shows_it_at_rest_talking_and_cut_out() -> None:
    networks, ava = load_networks(), AvatarGallery(ASSETS).find("ava")

    def make_engine(avatar: Avatar, background: Background) -> Engine:
        return Engine(networks, avatar, size=(SIDE, SIDE), background=background)

    draw = np.random.default_rng(2)
    blocks = [draw.normal(0, loud, FRAME_SAMPLES).astype(np.int16) for loud in (10, 3000, 9000)]
    sheet = preview(ava, make_engine, blocks)
    assert sheet.shape == (SIDE, 4 * SIDE, 3)
    rest, talking, cut_out, regions = np.split(sheet.astype(int), 4, axis=1)
    assert np.abs(talking - rest).mean() > 0.1
    assert np.abs(cut_out[0, 0] - colour("green")[0, 0]).max() <= 2, "the room is gone"
    assert np.abs(cut_out - talking)[SIDE // 2 :, SIDE // 2].mean() < 2, "the person is not"
    assert np.abs(regions - rest).mean() > 10
