"""A face that a video has shown, speaking in any picture of its head, and that video itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime.face import Points, crop_matrix, transform, uncrossed
from realtime.mouths import Mouths, lay_on, lower_face
from realtime.rigid import Similarity

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class FilmedFace:
    """rest: landmarks float32 [478, 3] in head coordinates (realtime.enroll.speaker), lips
    together. mouths: what the video showed below the nose. habit: float32 [17 or 57, 16], how this
    speaker's lips differ from what everybody's do, as in LipDecoder."""

    rest: Points
    mouths: Mouths
    habit: NDArray[np.float32]

    def speak(self, picture: Picture, place: Similarity, motion: Points) -> Picture:
        """RGB uint8 [H, W, 3] with another lower face, its own unseen.

        place: from head coordinates to the picture; motion: float32 [478, 3], eye distances.
        """
        rest = np.asarray(place(self.rest), np.float32)
        to_crop = crop_matrix(rest)
        moved = np.asarray(place(uncrossed(self.rest + motion)), np.float32)
        spoken = picture.copy()
        share = lower_face(transform(to_crop, rest))
        lay_on(spoken, to_crop, self.mouths.show(transform(to_crop, moved), share), share)
        return spoken


@dataclass(frozen=True)
class Film:
    """A head that moves by itself, shown over and over.

    video: a whole H.264 MP4 file, uint8 [n], that ends where it begins. places: float32 [T, 3, 4],
    from head coordinates to each of its pictures.
    """

    video: NDArray[np.uint8]
    places: NDArray[np.float32]
    face: FilmedFace
