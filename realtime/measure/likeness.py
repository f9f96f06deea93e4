"""How near a picture comes to the true one, and how sharp it is by itself.

Pictures are RGB uint8 [H, W, 3].
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Field = NDArray[np.float64]

_LEAST_ERROR = 1e-4  # of a level squared: equal pictures have 88 dB and not infinity
# SSIM's window and constants (Wang, Bovik, Sheikh, Simoncelli 2004).
_WINDOW, _SIGMA = 11, 1.5
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
# CPBD's blocks, the share of edges that makes a block one, the just noticeable blur of low and of
# high contrast in pixels, and the slope of seeing it (Narvekar and Karam 2011).
_BLOCK, _EDGE_SHARE = 64, 0.002
_LOW_CONTRAST, _JUST_NOTICEABLE = 50, (5.0, 3.0)
_SLOPE, _SEEN = 3.6, 0.63


def psnr(made: Picture, true: Picture) -> float:
    """Peak signal to noise ratio in dB."""
    error = np.square(made.astype(np.float64) - true).mean()
    return float(10 * np.log10(255**2 / max(error, _LEAST_ERROR)))


def ssim(made: Picture, true: Picture) -> float:
    """Structural similarity of the two pictures' luma, mean over all whole windows."""
    x, y = (
        cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float64) for picture in (made, true)
    )
    mean_x, mean_y = _windowed(x), _windowed(y)
    spread_x = _windowed(x * x) - mean_x**2
    spread_y = _windowed(y * y) - mean_y**2
    both = _windowed(x * y) - mean_x * mean_y
    likeness = (2 * mean_x * mean_y + _C1) * (2 * both + _C2)
    likeness /= (mean_x**2 + mean_y**2 + _C1) * (spread_x + spread_y + _C2)
    return float(likeness.mean())


def _windowed(values: Field) -> Field:
    border = _WINDOW // 2
    blurred = cv2.GaussianBlur(values, (_WINDOW, _WINDOW), _SIGMA)
    return np.asarray(blurred[border:-border, border:-border], np.float64)


def cpbd(picture: Picture) -> float:
    """Cumulative probability of blur detection: the share of edges too sharp to be seen as blurred.

    1 is sharp, 0 blurred or without edges. Edges are those of a Sobel filter along the rows,
    thinned; an edge is as wide as the grey rises or falls across it.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float64)
    edges = _vertical_edges(grey)
    seen: list[float] = []
    for top in range(0, grey.shape[0] - _BLOCK + 1, _BLOCK):
        for left in range(0, grey.shape[1] - _BLOCK + 1, _BLOCK):
            block = slice(top, top + _BLOCK), slice(left, left + _BLOCK)
            if edges[block].mean() <= _EDGE_SHARE:
                continue
            just = _JUST_NOTICEABLE[int(np.ptp(grey[block]) > _LOW_CONTRAST)]
            widths = [
                _width(grey[top + y], left + x) for y, x in np.argwhere(edges[block]).tolist()
            ]
            seen += [1 - math.exp(-((width / just) ** _SLOPE)) for width in widths if width > 0]
    return float((np.array(seen) <= _SEEN).mean()) if seen else 0.0


def _vertical_edges(grey: Field) -> NDArray[np.bool_]:
    """Where the slope along a row is greatest and not small: bool [H, W]."""
    slope = np.abs(cv2.Sobel(grey, cv2.CV_64F, 1, 0)) / 8
    strong = slope**2 > 4 * np.square(slope).mean()
    left, right = np.roll(slope, 1, 1), np.roll(slope, -1, 1)
    edges = strong & (slope > left) & (slope >= right)
    edges[:, [0, -1]] = False
    return np.asarray(edges)


def _width(row: Field, x: int) -> int:
    """Pixels over which the grey of a row goes on rising, or falling, through column x."""
    rise = np.diff(row) * (1 if row[x + 1] >= row[x - 1] else -1) > 0
    left, right = x, x
    while left > 0 and rise[left - 1]:
        left -= 1
    while right < len(rise) and rise[right]:
        right += 1
    return right - left


def landmark_distance(made: NDArray[np.float32], true: NDArray[np.float32]) -> float:
    """Mean distance of landmarks [..., 2] from the true ones, in their unit."""
    return float(np.linalg.norm(made - true, axis=-1).mean())
