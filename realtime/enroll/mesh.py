"""A face as a mesh of triangles: moved landmarks become a backward flow for every pixel."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime import mesh
from realtime.face import INNER_LOWER_LIP, INNER_UPPER_LIP, LANDMARKS, OVAL, Points, Window

Flow = NDArray[np.float32]

# Triangles whose corners all move less than this many pixels are left where they are.
_STILL = 0.01
_GROWTH = 3  # pixels that ids grow into a tear


def sample(
    picture: NDArray[np.uint8], flow: Flow, window: Window, *, nearest: bool = False
) -> NDArray[np.uint8]:
    """The picture uint8 [256, 256, ...] seen through the window's flow: uint8 [h, w, ...]."""
    how = cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR
    places = mesh.grid(window) + flow
    seen = cv2.remap(picture, places, None, how, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen, np.uint8)


@cache
def triangles() -> NDArray[np.int64]:
    """Corner numbers int64 [T, 3] of the face's triangles and of the strip around the oval.

    MediaPipe's tessellation lists the three sides of every triangle in turn; mouth and eyes are
    holes in it. Numbers from 478 on are the still ring's, in the order of the oval.
    """
    from mediapipe.tasks.python.vision import FaceLandmarksConnections

    sides = FaceLandmarksConnections.FACE_LANDMARKS_TESSELATION
    starts = np.array([side.start for side in sides], np.int64).reshape(-1, 3)
    here = np.array(OVAL, np.int64)
    there = np.roll(here, -1)
    ring = LANDMARKS + np.arange(len(OVAL))
    ring_next = np.roll(ring, -1)
    strip = [np.stack([here, there, ring], 1), np.stack([there, ring_next, ring], 1)]
    return np.concatenate([starts, *strip])


@cache
def mouth_triangles() -> NDArray[np.int64]:
    """Corner numbers int64 [20, 3] of triangles between the inner lips."""
    upper, lower = np.array(INNER_UPPER_LIP), np.array(INNER_LOWER_LIP)
    above = np.stack([upper[:-1], upper[1:], lower[:-1]], 1)
    return np.concatenate([above, np.stack([upper[1:], lower[:-1], lower[1:]], 1)])


def backward_flow(rest: Points, moved: Points, holes: NDArray[np.float32], window: Window) -> Flow:
    """Where each pixel of the window came from when `rest` moved to `moved`: float32 [h, w, 2].

    holes float32 [h, w] is the share of every pixel that lies in the moved mouth and eyes; there
    the flow goes on a little from the rim, so that soft edges have a colour, and is 0 farther in.
    """
    ring = mesh.still_ring(rest[list(OVAL)])
    before, after = np.concatenate([rest, ring]), np.concatenate([moved, ring])
    chosen = _moving(before, after, window)
    ids = mesh.painted(after[chosen], window)
    grown = cv2.dilate(ids, np.ones((2 * _GROWTH + 1, 2 * _GROWTH + 1), np.uint8))
    ids = np.where(ids > 0, ids, np.where(holes > 0, grown, mesh.filled(ids)))
    return mesh.flow(before[chosen], after[chosen], ids, mesh.grid(window))


def _moving(before: Points, after: Points, window: Window) -> NDArray[np.int64]:
    """The triangles [K, 3] that move and touch the window."""
    corners = triangles()
    moves = (np.abs(after - before).max(1) > _STILL)[corners].any(1)
    low, high = after[corners].min(1), after[corners].max(1)
    rows, columns = window
    start, stop = np.array([columns.start, rows.start]), np.array([columns.stop, rows.stop])
    return np.asarray(corners[moves & ((high >= start - 1) & (low <= stop)).all(1)], np.int64)
