"""From landmarks that move to what the generator is told: mask and mouth plate, drawn."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kernels.draw_condition import LIPS, draw_condition
from realtime.canonical import CanonicalFace
from realtime.face import (
    CHIN,
    CROP,
    EYE_DISTANCE,
    INNER_LOWER_LIP,
    INNER_UPPER_LIP,
    LIP_OUTLINES,
    MOUTH_WINDOW,
    close_lips,
    eye_polygons,
)
from realtime.models.tsg import JAW, RestingMask, lay
from realtime.mouth_plate import CAVITY, MouthPlate
from realtime.regions import REGIONS, Region

_ROWS, _COLUMNS = MOUTH_WINDOW
_SIZE = _ROWS.stop - _ROWS.start, _COLUMNS.stop - _COLUMNS.start
_OUTLINE = len(LIP_OUTLINES[Region.MOUTH])
# Every outline whole and in its order, so that moved points need no gathering; then the chin.
POINTS = [*JAW, *(point for region in LIPS for point in LIP_OUTLINES[region]), *CHIN]
_LIPS = slice(len(JAW), len(JAW) + len(LIPS) * _OUTLINE)


@dataclass(frozen=True, eq=False)
class Sketch:
    """One face at rest. closed: float32 [P, 2], the outlines' points in the mouth's window, lips
    together; the rest as `kernels.draw_condition` takes it."""

    closed: Tensor
    bare: Tensor
    jaw_rest: Tensor
    upper: Tensor
    lower: Tensor
    cavity: Tensor

    @classmethod
    def of(cls, face: CanonicalFace, plate: MouthPlate) -> Sketch:
        resting = RestingMask(face.mask, face.points, MOUTH_WINDOW)
        # Speech does not move the eyes.
        bare = resting.bare.copy()
        for polygon in eye_polygons(face.points):
            lay(bare, Region.EYES, polygon, MOUTH_WINDOW)
        corner = np.array([_COLUMNS.start, _ROWS.start], np.float32)
        parts: tuple[NDArray[np.generic], ...] = (
            close_lips(face.points)[POINTS] - corner,
            bare,
            resting.jaw,
            plate.upper[MOUTH_WINDOW],
            plate.lower[:, _COLUMNS],
            np.array(CAVITY, np.float32) * plate.light,
        )
        return cls(*(torch.from_numpy(np.ascontiguousarray(part)) for part in parts))


class Drawing(nn.Module):
    """Sketches, a row a session, which `seat` fills in; and what moves them."""

    closed: Tensor
    bare: Tensor
    jaw_rest: Tensor
    upper: Tensor
    lower: Tensor
    cavity: Tensor
    gaps: Tensor
    meeting: Tensor

    def __init__(self, sessions: int) -> None:
        super().__init__()
        for name, size, dtype in (
            ("closed", (len(POINTS), 2), torch.float32),
            ("bare", (REGIONS, *_SIZE), torch.float32),
            ("jaw_rest", _SIZE, torch.float32),
            ("upper", (*_SIZE, 4), torch.uint8),
            ("lower", (CROP, _SIZE[1], 4), torch.uint8),
            ("cavity", (3,), torch.float32),
        ):
            self.register_buffer(name, torch.zeros(sessions, *size, dtype=dtype))
        self.bare = self.bare.contiguous(memory_format=torch.channels_last)
        # Lips that crossed meet half way, as `realtime.face.uncrossed` has them.
        upper, lower = (
            torch.tensor([[float(point == other) for point in POINTS] for other in lip])
            for lip in (INNER_UPPER_LIP, INNER_LOWER_LIP)
        )
        first = [row / row.sum(1, keepdim=True) for row in (upper, lower)]
        self.register_buffer("gaps", (first[0] - first[1]).T.contiguous())
        self.register_buffer("meeting", (lower - upper) / 2)

    def seat(self, session: int, sketch: Sketch) -> None:
        """The session's face is the sketch's from now on."""
        for field in fields(sketch):
            self.get_buffer(field.name)[session].copy_(getattr(sketch, field.name))

    def forward(self, motion: Tensor) -> Tensor:
        """How far the landmarks POINTS are from closed, silent lips, float32 [N, P, 2] in eye
        distances -> mask and plate float32 [N, 15, 160, 160], channels last."""
        x, y = (self.closed + EYE_DISTANCE * motion).unbind(2)
        y = y + (y @ self.gaps).clamp(min=0) @ self.meeting
        points = torch.stack([x, y], 2)
        drop = (y - self.closed[..., 1])[:, _LIPS.stop :].mean(1)
        lips = points[:, _LIPS].reshape(len(motion), len(LIPS), _OUTLINE, 2)
        return draw_condition(
            *(self.bare, self.jaw_rest, points[:, : len(JAW)].contiguous(), lips),
            *(self.upper, self.lower, self.cavity, drop),
        )
