"""The generator: the fast path against the training path, windows, and how layers compose."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from realtime.face import EYES_WINDOW, MOUTH_WINDOW, Window
from realtime.models.generator import Generator, Prepared, compose, faster_dtype
from realtime.regions import REGIONS, Region

Array = NDArray[np.float32]
WINDOWS = pytest.mark.parametrize("window", [MOUTH_WINDOW, EYES_WINDOW], ids=["mouth", "eyes"])


@pytest.fixture(scope="module")
def generator() -> Generator:
    torch.manual_seed(0)
    network = Generator()
    for name, parameter in network.named_parameters():
        if name.endswith("head.weight"):
            torch.nn.init.normal_(parameter, std=0.2)
        if name.endswith("noise_strength"):
            torch.nn.init.constant_(parameter, 0.1)
    return network


def inputs(window: Window, seed: int = 0) -> tuple[Array, Array, torch.Tensor, Array, Array]:
    """Photograph, its mask, codes, target mask and plate."""
    draw = np.random.default_rng(seed)
    photo = draw.random((3, 256, 256), np.float32)
    mask = draw.dirichlet(np.full(REGIONS, 0.2), (256, 256)).astype(np.float32)
    mask = np.ascontiguousarray(mask.transpose(2, 0, 1))
    codes = torch.from_numpy(draw.normal(size=(REGIONS, 64)).astype(np.float32))
    target = np.ascontiguousarray(mask[(slice(None), *window)][:, ::-1])
    plate = np.ascontiguousarray(photo[(slice(None), *window)][:, ::-1])
    return photo, mask, codes, target, plate


def prepared(
    generator: Generator, window: Window, dtype: torch.dtype = torch.float32
) -> tuple[Prepared, Array, Array]:
    photo, mask, codes, target, plate = inputs(window)
    return generator.prepare(photo, mask, codes, window, dtype), target, plate


@WINDOWS
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.bfloat16, 3e-2)])
def test_rendering_equals_the_training_form(
    generator: Generator, window: Window, dtype: torch.dtype, tolerance: float
) -> None:
    photo, mask, codes, target, plate = inputs(window)
    made = generator.render(generator.prepare(photo, mask, codes, window, dtype), target, plate)
    batch = [torch.from_numpy(part)[None] for part in (photo, mask, target, plate)]
    with torch.no_grad():
        heads = generator(*batch[:2], codes[None], *batch[2:], window)
        flow, matte, inside = compose(heads, *batch[2:])
    for found, expected in (
        (made.flow, flow[0].permute(1, 2, 0)),
        (made.matte, matte[0, 0]),
        (made.inside, inside[0].permute(1, 2, 0)),
    ):
        assert found.dtype == np.float32
        largest = float(expected.abs().max())
        np.testing.assert_allclose(found, expected.numpy(), atol=tolerance * largest)


@WINDOWS
def test_rendering_leaves_the_prepared_avatar_alone(generator: Generator, window: Window) -> None:
    avatar, target, plate = prepared(generator, window)
    first = generator.render(avatar, target, plate)
    generator.render(avatar, np.ascontiguousarray(target[:, ::-1]), plate)
    again = generator.render(avatar, target, plate)
    np.testing.assert_array_equal(first.flow, again.flow)
    np.testing.assert_array_equal(first.inside, again.inside)


def test_codes_and_plate_matter(generator: Generator) -> None:
    avatar, target, plate = prepared(generator, MOUTH_WINDOW)
    photo, mask, codes, _, _ = inputs(MOUTH_WINDOW)
    other = generator.prepare(photo, mask, 2 * codes, MOUTH_WINDOW)
    made = generator.render(avatar, target, plate)
    assert np.abs(made.flow - generator.render(other, target, plate).flow).max() > 1e-3
    assert np.abs(made.flow - generator.render(avatar, target, 1 - plate).flow).max() > 1e-3


def test_a_window_off_the_grid_is_refused(generator: Generator) -> None:
    photo, mask, codes, _, _ = inputs(MOUTH_WINDOW)
    with pytest.raises(ValueError, match="multiples of 16 px"):
        generator.prepare(photo, mask, codes, (slice(90, 250), slice(48, 208)))


def test_inside_is_the_lit_plate_in_the_mouth_and_paint_elsewhere() -> None:
    heads = torch.zeros(1, 7, 20, 20)
    mask = torch.zeros(1, REGIONS, 20, 20)
    mask[:, Region.MOUTH, 5:15] = 1
    mask[:, Region.SKIN] = 1 - mask[:, Region.MOUTH]
    plate = torch.full((1, 3, 20, 20), 0.6)
    flow, matte, inside = compose(heads, mask, plate)
    assert float(inside[0, 0, 10, 10]) == pytest.approx(0.6 * 1.2 / (1 + np.exp(-1)), rel=1e-5)
    assert float(inside[0, 0, 0, 0]) == 0.5
    assert float(matte[0, 0, 0, 0]) == 0.5
    assert not flow.any()


@pytest.mark.parametrize(
    ("durations", "expected"), [((3.0, 1.0), torch.bfloat16), ((1.0, 3.0), torch.float32)]
)
def test_the_faster_dtype_is_chosen(
    generator: Generator, durations: tuple[float, float], expected: torch.dtype
) -> None:
    def readings() -> Iterator[float]:
        time = 0.0
        while True:
            for duration in durations:
                yield time
                time += duration
                yield time

    assert faster_dtype(generator, readings().__next__, rounds=2) == expected
