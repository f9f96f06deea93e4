"""Drawing the condition: the reference against what draws it for one face, Triton against it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from kernels.draw_condition import coverage, draw_condition
from realtime import face
from realtime.avatar_file import Avatar
from realtime.commands.common import ASSETS
from realtime.face import (
    INNER_LOWER_LIP,
    LANDMARKS,
    MOUTH_WINDOW,
    OUTER_LOWER_LIP,
    Points,
    close_lips,
    crop_matrix,
    eye_polygons,
    jaw_drop,
    lip_polygons,
    move_lips,
    transform,
)
from realtime.gallery import AvatarGallery
from realtime.models.tsg import JAW, Mask, RestingMask, lay
from realtime.mouth_plate import CAVITY
from realtime.regions import REGIONS, Region, one_hot
from tests.kernels.interpreter import NEEDS_INTERPRETER

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"

ROWS, COLUMNS = MOUTH_WINDOW
HEIGHT, WIDTH = ROWS.stop - ROWS.start, COLUMNS.stop - COLUMNS.start
LEVEL = 1 / 255


@pytest.fixture(scope="module", params=["ava", "max"])
def avatar(request: pytest.FixtureRequest) -> Avatar:
    return AvatarGallery(ASSETS).load(request.param)


@pytest.mark.parametrize("seed", range(20))
def test_coverage_of_any_outline(seed: int) -> None:
    random = np.random.default_rng(seed)
    angles = np.sort(random.uniform(0, 2 * np.pi, random.integers(3, 24)))
    reach = random.uniform(5, 75, len(angles))
    outline = np.stack([128 + reach * np.cos(angles), 176 + reach * np.sin(angles)], 1)
    found, expected = filled(outline.astype(np.float32))
    wrong = (found - expected).abs()
    assert float(wrong.mean()) < 3e-5
    assert float(wrong.max()) < LEVEL


@pytest.mark.parametrize("opened", [0.0, 0.3, 1.0])
def test_coverage_of_real_lips(avatar: Avatar, opened: float) -> None:
    for outline in lip_polygons(spoken(avatar, opened)).values():
        found, expected = filled(outline)
        wrong = (found - expected).abs()
        assert float(wrong.mean()) < 3e-5
        assert float(wrong.max()) < LEVEL
        assert float(found.sum()) > 5, "shut lips still draw a line"


def test_a_condition_is_that_of_the_single_face(avatar: Avatar) -> None:
    opened = [0.0, -0.2, 0.4, 1.0]
    found = draw_condition(*inputs(avatar, opened))
    assert found.is_contiguous(memory_format=torch.channels_last)
    rest, mask = resting(avatar), one_hot(avatar.mask)
    for share, condition in zip(opened, found, strict=True):
        moved = spoken(avatar, share)
        drawn = RestingMask(mask, rest, MOUTH_WINDOW).moved(moved)
        plate = avatar.plate.compose(MOUTH_WINDOW, jaw_drop(moved, rest))
        wrong = (condition[:REGIONS] - torch.from_numpy(drawn)).abs()
        # Where the jaw leaves the window, OpenCV draws its line from the window's edge.
        assert float(wrong.mean()) < 2e-5
        assert float(wrong.max()) < 0.26
        wrong = (condition[REGIONS:] - torch.from_numpy(plate.transpose(2, 0, 1))).abs()
        assert float(wrong.mean()) < 0.1 * LEVEL
        assert float(wrong.max()) < 3 * LEVEL


@NEEDS_INTERPRETER
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("size", [(1, 4, 16, 4), (2, 9, 21, 12)])
def test_triton_draws_the_same(size: tuple[int, int, int, int], dtype: torch.dtype) -> None:
    parts = drawn_at_random(*size)
    expected = draw_condition(*parts, impl="reference").to(dtype)
    found = draw_condition(*parts, dtype=dtype, impl="triton")
    assert found.dtype == dtype
    assert found.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(found, expected)


@NEEDS_INTERPRETER
def test_every_output_is_written() -> None:
    from kernels import draw_condition_triton

    parts = drawn_at_random(1, 5, 7, 5)
    out = torch.full((1, 15, 5, 7), math.nan, device=DEVICE)
    out = out.contiguous(memory_format=torch.channels_last)
    draw_condition_triton.draw_condition(*parts, dtype=out.dtype, out=out)
    assert bool(out.isfinite().all())


def resting(avatar: Avatar) -> Points:
    points = transform(crop_matrix(avatar.points), avatar.points)
    return close_lips(points)


def spoken(avatar: Avatar, opened: float) -> Points:
    """The avatar's lips shut, or opened by so many twentieths of the eye distance."""
    motion = np.zeros((LANDMARKS, 2), np.float32)
    lower = [*INNER_LOWER_LIP[1:-1], *OUTER_LOWER_LIP[1:-1]]
    motion[lower, 1], motion[list(JAW[5:-5]), 1] = 0.2, 0.15
    return move_lips(resting(avatar), opened * motion)


def placed(points: Points) -> Tensor:
    """Canonical points in pixels of the mouth's window."""
    return torch.from_numpy(points[..., :2] - np.array([COLUMNS.start, ROWS.start], np.float32))


def filled(outline: Points) -> tuple[Tensor, Tensor]:
    """The share of the window's pixels, as found and as expected."""
    found = coverage(placed(outline)[None], HEIGHT, WIDTH)[0]
    return found, torch.from_numpy(face.coverage(outline, MOUTH_WINDOW))


def inputs(avatar: Avatar, opened: list[float]) -> list[Tensor]:
    """All that is drawn from, once for each opening."""
    rest, plate = resting(avatar), avatar.plate
    moved = [spoken(avatar, share) for share in opened]
    constant = (
        torch.from_numpy(bare(avatar)),
        coverage(placed(rest[list(JAW)])[None], HEIGHT, WIDTH)[0],
        torch.from_numpy(plate.upper[MOUTH_WINDOW]),
        torch.from_numpy(plate.lower[:, COLUMNS]),
        torch.tensor(CAVITY) * torch.from_numpy(plate.light),
    )
    mask, jaw_rest, *plates = (part.expand(len(moved), *part.shape) for part in constant)
    jaw = [placed(points[list(JAW)]) for points in moved]
    lips = [torch.stack([placed(lip) for lip in lip_polygons(points).values()]) for points in moved]
    drop = torch.tensor([jaw_drop(points, rest) for points in moved])
    return [mask, jaw_rest, torch.stack(jaw), torch.stack(lips), *plates, drop]


def bare(avatar: Avatar) -> Mask:
    """The mouth window's mask, lips and mouth given to the skin, with eyes."""
    rest = resting(avatar)
    mask = RestingMask(one_hot(avatar.mask), rest, MOUTH_WINDOW).bare
    for polygon in eye_polygons(rest):
        lay(mask, Region.EYES, polygon, MOUTH_WINDOW)
    return mask


def drawn_at_random(faces: int, height: int, width: int, plate_height: int) -> list[Tensor]:
    """Outlines that cross themselves, leave the window, have level edges and edges of no length."""
    draw = torch.Generator().manual_seed(height)

    def random(*size: int) -> Tensor:
        return torch.rand(*size, generator=draw)

    def picture(rows: int) -> Tensor:
        return torch.randint(256, (faces, rows, width, 4), generator=draw, dtype=torch.uint8)

    side = torch.tensor([width, height])
    jaw, lips = side * (1.2 * random(faces, 7, 2) - 0.1), side * random(faces, 3, 6, 2)
    lips[:, :, 1], lips[:, :, 3, 1] = lips[:, :, 0], lips[:, :, 2, 1]
    parts = [
        random(faces, 12, height, width).softmax(1),
        random(faces, height, width).round(),
        *(jaw, lips, picture(height), picture(plate_height)),
        *(0.2 * random(faces, 3), 6 * random(faces) - 2),
    ]
    return [part.to(DEVICE) for part in parts]
