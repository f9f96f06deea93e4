"""A head that was filmed as it moved, its mouth speaking anew, without end."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import av
import numpy as np
from numpy.typing import NDArray

from realtime.backdrop import Background, filling
from realtime.errors import AvatarError
from realtime.face import Points
from realtime.filmed_face import Film
from realtime.head_pose import HeadPose
from realtime.rigid import Similarity

Picture = NDArray[np.uint8]


class MovingHead:
    """Shows a film in pictures of one size; the film's own head and lids are all that moves."""

    def __init__(self, film: Film, size: tuple[int, int]) -> None:
        """size: (width, height)."""
        self._face, self._size = film.face, size
        self._pictures = _endless(film)

    def show(self, pose: HeadPose, motion: Points, blink: float) -> Picture:
        """The next picture, RGB uint8 [H, W, 3], its face moved by `motion` [478, 3]."""
        del pose, blink
        picture, place = next(self._pictures)
        return filling(self._face.speak(picture, place, motion), self._size)

    def before(self, background: Background) -> MovingHead:
        """Itself before its own room; raises AvatarError for any other background."""
        if background is not None:
            raise AvatarError("expected a portrait to show before a background, found a video's")
        return self


def _endless(film: Film) -> Iterator[tuple[Picture, Similarity]]:
    places = film.places.astype(np.float64)
    heads = [Similarity(place[:, :3], place[:, 3]) for place in places]
    while True:
        with av.open(BytesIO(film.video.tobytes()), "r", format="mp4") as container:
            for frame, head in zip(container.decode(video=0), heads, strict=True):
                yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8), head
