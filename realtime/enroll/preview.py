"""A new avatar at a glance: does it look like me, do its parts fit, is it cut out well?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from realtime.avatar_file import Avatar
from realtime.backdrop import Background, colour
from realtime.clock import Sound
from realtime.engine import Engine
from realtime.enroll.look_sheet import saying
from realtime.face import crop_matrix, crop_picture
from realtime.frame import Picture
from realtime.regions import paint

_SHADE = 0.55  # of the regions' colours over the face
_BEHIND = "green"


def preview(
    avatar: Avatar,
    make_engine: Callable[[Avatar, Background], Engine],
    blocks: Sequence[Sound],
) -> Picture:
    """RGB uint8: at rest and at the loudest of the blocks; of a photograph, also before another
    background, and its regions."""
    engine = make_engine(avatar, None)
    shown = [engine.step(np.zeros_like(blocks[0])).image, saying(engine, blocks)]
    if avatar.film is None:
        shown += [saying(make_engine(avatar, colour(_BEHIND)), blocks)]
        shown += [_regions(avatar, len(shown[0]))]
    return np.hstack(shown)


def _regions(avatar: Avatar, height: int) -> Picture:
    """The canonical face and, over it, what it is made of: RGB uint8 [height, height, 3]."""
    crop = crop_picture(avatar.picture, crop_matrix(avatar.points))
    mixed = cv2.addWeighted(crop, 1 - _SHADE, paint(avatar.mask), _SHADE, 0)
    return np.asarray(cv2.resize(mixed, (height, height)), np.uint8)
