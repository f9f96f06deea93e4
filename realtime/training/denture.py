"""The default denture: teeth, gums and tongue of a 3-D head, drawn once from the front.

Geometry is ICT-FaceKit's light head (MIT); colour, light and shading are ours. The result is one
RGBA picture, upper jaw above lower jaw, in the layout that `realtime.mouth_plate` reads.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face import EYE_DISTANCE
from realtime.mouth_plate import PLATE_COLUMNS, PLATE_LIP_ROW, PLATE_ROWS

Array = NDArray[Any]

_OVERSAMPLE = 6
_FRONT = 10.8  # depth of the incisors, towards the viewer
_THROAT = 4.2  # nothing further back is drawn: it is the dark behind
_LIP_LINE = -3.36  # height of the closed lips on the neutral head, in its units
_LIGHT = np.array([0.10, 0.45, 0.88], np.float32)
# Linear-ish RGB. Enamel is warmer at the neck of a tooth and greyer at its edge.
_ENAMEL, _ENAMEL_NECK = (0.93, 0.90, 0.845), (0.87, 0.79, 0.68)
_GUM, _TONGUE = (0.71, 0.43, 0.42), (0.66, 0.37, 0.38)


def draw_denture(head_file: Path) -> NDArray[np.uint8]:
    """`ict_facekit_light.npz` -> RGBA uint8 [2 * PLATE_ROWS, PLATE_COLUMNS, 4]."""
    head = np.load(head_file)
    vertices = head["verts"].astype(np.float32)
    names = list(head["part_names"])
    jaw = list(head["expr_names"]).index("jawOpen")
    falls = np.abs(head["expr"][jaw] * head["expr_scale"][jaw])[:, 1] > 0.3
    teeth = head["faces"][head["part"] == names.index("teeth")]
    gums = head["faces"][head["part"] == names.index("gums")]
    eyes = vertices[head["landmarks68"][[36, 39, 42, 45]], 0]
    scale = EYE_DISTANCE / float(eyes[2:].mean() - eyes[:2].mean())
    jaws: list[NDArray[np.uint8]] = []
    for lower in (False, True):
        parts = [part[falls[part].all(1) == lower] for part in (gums, teeth)]
        parts = [
            part[_visible(vertices[part], lower, gum)]
            for part, gum in zip(parts, (True, False), strict=True)
        ]
        colours = _colours(vertices, parts, lower)
        drawn = _render(vertices, np.concatenate(parts), colours, scale)
        jaws.append(np.flipud(_extend_gum(np.flipud(drawn))) if lower else _extend_gum(drawn))
    return np.concatenate(jaws)


def _visible(corners: Array, lower: bool, gum: bool) -> NDArray[np.bool_]:
    """Which triangles [T, 3, 3] to draw: not the roots inside the gum, not the throat."""
    height, depth = corners[..., 1].mean(1), corners[..., 2].min(1)
    limit = 1.8 + 0.5 * gum  # of a jaw's height, from its biting edge
    towards_root = -3.41 - height if lower else height + 3.53
    return np.asarray((towards_root < limit) & (depth > _THROAT))


def _extend_gum(jaw: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The gum goes on, ever darker, behind the lip, so that no gap opens above the teeth."""
    out = jaw.copy()
    for column in range(jaw.shape[1]):
        solid = np.flatnonzero(jaw[:, column, 3] == 255)
        if len(solid):
            top = solid[0] + 1
            fade = np.linspace(0.55, 1, top)[:, None]
            out[:top, column, :3] = jaw[top, column, :3] * fade
            out[:top, column, 3] = 255
    out[..., :3] = np.where(
        out[..., 3:] == jaw[..., 3:], out[..., :3], cv2.GaussianBlur(out[..., :3], (5, 5), 0)
    )
    return out


def _colours(vertices: Array, parts: list[NDArray[np.int32]], lower: bool) -> Array:
    """Colour of every vertex before light, float32 [V, 3]."""
    colours = np.zeros_like(vertices)
    gums, teeth = np.unique(parts[0]), np.unique(parts[1])
    colours[gums] = _GUM
    if lower:
        # The tongue is what lies inside the arch, above the gum line.
        inside = (np.abs(vertices[gums, 0]) < 1.9) & (vertices[gums, 2] < 9.0)
        colours[gums[inside]] = _TONGUE
    height = vertices[teeth, 1]
    edge = height.max() if lower else height.min()
    towards_neck = np.clip(np.abs(height - edge) / 1.9, 0, 1)[:, None] ** 1.5
    colours[teeth] = np.array(_ENAMEL) * (1 - towards_neck) + np.array(_ENAMEL_NECK) * towards_neck
    return colours


def _normals(vertices: Array, triangles: NDArray[np.int32]) -> Array:
    """Smooth unit normals, float32 [V, 3]."""
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    flat = np.cross(b - a, c - a)
    normals = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(normals, triangles[:, k], flat)
    return np.asarray(normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9))


def _shade(vertices: Array, normals: Array, colours: Array) -> Array:
    """Lambert plus a small highlight, and the dark that grows with depth into the mouth."""
    light = _LIGHT / np.linalg.norm(_LIGHT)
    lambert = np.clip(normals @ light, 0, 1)
    half = light + np.array([0, 0, 1], np.float32)
    gloss = np.clip(normals @ (half / np.linalg.norm(half)), 0, 1) ** 40
    depth = np.clip((vertices[:, 2] - _THROAT) / (_FRONT - _THROAT), 0.05, 1) ** 1.3
    lit = colours * (0.42 + 0.58 * lambert)[:, None] + 0.10 * gloss[:, None]
    return np.asarray(np.clip(lit * depth[:, None], 0, 1))


def _render(
    vertices: Array, triangles: NDArray[np.int32], colours: Array, scale: float
) -> NDArray[np.uint8]:
    """Orthographic z-buffer from the front, oversampled: RGBA uint8 [rows, columns, 4]."""
    shaded = _shade(vertices, _normals(vertices, triangles), colours)
    height, width = PLATE_ROWS * _OVERSAMPLE, PLATE_COLUMNS * _OVERSAMPLE
    placed = np.empty((len(vertices), 2), np.float32)
    placed[:, 0] = (vertices[:, 0] * scale + PLATE_COLUMNS / 2) * _OVERSAMPLE
    placed[:, 1] = ((_LIP_LINE - vertices[:, 1]) * scale + PLATE_LIP_ROW) * _OVERSAMPLE
    picture = np.zeros((height, width, 4), np.float32)
    depth = np.full((height, width), -np.inf, np.float32)
    for triangle in triangles:
        _fill(picture, depth, placed[triangle], vertices[triangle, 2], shaded[triangle])
    small = cv2.resize(picture, (PLATE_COLUMNS, PLATE_ROWS), interpolation=cv2.INTER_AREA)
    alpha = small[..., 3:]
    small[..., :3] = np.where(alpha > 0, small[..., :3] / np.maximum(alpha, 1e-6), 0)
    return np.round(np.clip(small, 0, 1) * 255).astype(np.uint8)


def _fill(picture: Array, depth: Array, corners: Array, heights: Array, colours: Array) -> None:
    """One triangle into colour [H, W, 4] and depth [H, W], nearest point wins."""
    low = np.maximum(np.floor(corners.min(0)).astype(int), 0)
    high = np.minimum(np.ceil(corners.max(0)).astype(int) + 1, picture.shape[1::-1])
    if (high <= low).any():
        return
    (ax, ay), (bx, by), (cx, cy) = corners
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    if abs(area) < 1e-9:
        return
    x, y = np.meshgrid(np.arange(low[0], high[0]) + 0.5, np.arange(low[1], high[1]) + 0.5)
    v = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area
    w = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area
    weights = np.stack([1 - v - w, v, w], -1).astype(np.float32)
    place = (slice(low[1], high[1]), slice(low[0], high[0]))
    z = weights @ heights
    seen = (weights >= -1e-4).all(-1) & (z > depth[place])
    depth[place][seen] = z[seen]
    picture[place][seen, :3] = (weights @ colours)[seen]
    picture[place][seen, 3] = 1
