"""What editing can do, on one sheet: a row for each portrait, a column for each look."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from realtime.avatar_file import Avatar
from realtime.backdrop import Background, Blur, colour
from realtime.clock import Sound, lookahead_frames
from realtime.engine import Engine
from realtime.enroll.edit import Edit, Style
from realtime.enroll.palette import palette
from realtime.enroll.reshape import Shape
from realtime.face import CROP, crop_matrix
from realtime.frame import Picture

# The head and a little around it: this much smaller than the canonical crop, and lower.
_ZOOM, _LOWER = 0.8, 46.0
_SIZE = CROP, 280


def shown_edits() -> list[Edit]:
    """As it was, lips and hair of the palette, and a few shapes."""
    named = palette()
    lips = [Edit({"lips": Style(named["lips"][name], name)}) for name in ("red", "berry")]
    hair = [Edit({"hair": Style(named["hair"][name], name)}) for name in ("black", "auburn")]
    shapes = [Shape(lips=0.8, smile=0.6), Shape(brows=1.0, eyes=0.6)]
    return [Edit(), *lips, *hair, *(Edit(shape=shape) for shape in shapes)]


def look_sheet(avatars: Sequence[Avatar], change: Callable[[Avatar, Edit], Avatar]) -> Picture:
    """RGB uint8; `change` gives the edited avatar."""
    rows = [
        np.hstack([_head(change(avatar, edit)) for edit in shown_edits()]) for avatar in avatars
    ]
    return np.vstack(rows)


def shown_looks() -> list[tuple[Edit, Background]]:
    """As it was, and colours of the palette before a blurred, a bright and a dark background."""
    named = palette()
    red, berry = (Style(named["lips"][name], name) for name in ("red", "berry"))
    auburn, black = (Style(named["hair"][name], name) for name in ("auburn", "black"))
    return [
        (Edit(), None),
        (Edit({"lips": red}), Blur()),
        (Edit({"hair": auburn}), colour("white")),
        (Edit({"lips": berry, "hair": black}), colour("blue")),
    ]


def talking_sheet(
    avatars: Sequence[Avatar],
    change: Callable[[Avatar, Edit], Avatar],
    make_engine: Callable[[Avatar, Background], Engine],
    blocks: Sequence[Sound],
) -> Picture:
    """RGB uint8: each avatar in each of `shown_looks`, as it says the loudest of the blocks."""

    def shown(avatar: Avatar, edit: Edit, behind: Background) -> Picture:
        return saying(make_engine(change(avatar, edit), behind), blocks)

    return np.vstack(
        [np.hstack([shown(each, *look) for look in shown_looks()]) for each in avatars]
    )


def saying(engine: Engine, blocks: Sequence[Sound]) -> Picture:
    """What the engine shows at the loudest of the blocks, having heard those before it."""
    loudest = max(range(len(blocks)), key=lambda index: float(np.abs(blocks[index] * 1.0).sum()))
    last = min(loudest + lookahead_frames(engine.lookahead_ms), len(blocks) - 1)
    for block in blocks[:last]:
        engine.step(block, fresh=False)
    return engine.step(blocks[last]).image


def _head(avatar: Avatar) -> Picture:
    matrix = crop_matrix(avatar.points) * np.float32(_ZOOM)
    matrix[:, 2] += (CROP * (1 - _ZOOM) / 2, _LOWER)
    how, border = cv2.INTER_AREA, cv2.BORDER_REPLICATE
    head = cv2.warpAffine(avatar.picture, matrix, _SIZE, flags=how, borderMode=border)
    return np.asarray(head, np.uint8)
