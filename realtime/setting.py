"""A portrait before its background, in a frame of one size: all of it that no frame changes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.avatar_file import Avatar
from realtime.backdrop import Background, Blur, Scene, filling
from realtime.foreground import foreground, light_wrap
from realtime.head_warp import HeadWarp
from realtime.view import View, lay_out, sample

Picture = NDArray[np.uint8]

# The photograph is sampled linearly, from a picture of so many pixels a frame pixel: as true as
# the cubic, as sharp between pixels as on them, and in a third of its time.
_FINE = 3
# Pixels a frame pixel that a picture has at most, being a whole number of times finer than before.
GREATEST_SCALE = 3.6


@dataclass(frozen=True, eq=False)
class Setting:
    """view: the photograph, finer than the frame, its colours times the matte if something else is
    behind. behind: what that is, RGB uint8 [H, W, 3], in the first frame and, unless it is a
    `scene`, in all."""

    view: View
    warp: HeadWarp
    behind: Picture | None
    scene: Scene | None

    @classmethod
    def of(cls, avatar: Avatar, size: tuple[int, int], background: Background) -> Setting:
        """size: (width, height)."""
        view = lay_out(avatar.picture, avatar.matte, avatar.points, size)
        warp = HeadWarp(view)
        scene, behind = None, None
        if isinstance(background, Blur):
            behind = background.of(sample(view.picture, view.map()))
        elif isinstance(background, np.ndarray):
            behind = filling(background, size)
        elif background is not None:
            scene, behind = background, background.picture(size)
        if behind is not None:
            own = foreground(view.picture)
            if scene is None:
                own = light_wrap(own, view.spread(behind))
            view = replace(view, picture=_premultiplied(own))
        return cls(view.finer(round(_FINE / max(view.scale, 1.0))), warp, behind, scene)


def _premultiplied(picture: Picture) -> Picture:
    """Colours times matte, and matte: uint8 [h, w, 4]."""
    matte = picture[..., 3]
    colours = cv2.multiply(picture[..., :3], cv2.merge([matte, matte, matte]), scale=1 / 255)
    return np.dstack([colours, matte])
