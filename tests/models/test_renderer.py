"""The renderer: every backend against the generator's own forward in float64."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from realtime.face import CROP, LIPS_WINDOW, MOUTH_WINDOW, within
from realtime.models import openvino_graph
from realtime.models.generator import Generator, compose, to_lips, views
from realtime.models.renderer import (
    EVERY_BACKEND,
    AvatarGraph,
    Backend,
    Layers,
    backends,
    chosen,
    measured,
    prepare,
    render,
)

TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 1e-2}

BACKENDS = [
    backend for backend in EVERY_BACKEND if backend.name == "torch" or openvino_graph.installed()
]

Array = NDArray[np.float32]


@pytest.fixture(scope="module")
def generator() -> Generator:
    """Random weights, with noise and heads large enough to be seen."""
    torch.manual_seed(1)
    made = Generator().eval()
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if name.endswith("noise_strength"):
                parameter.fill_(0.3)
    return made


@pytest.fixture(scope="module")
def avatar() -> tuple[Array, Array, torch.Tensor]:
    random = np.random.default_rng(2)
    photo = random.random((3, CROP, CROP), np.float32)
    codes = torch.randn(12, 64, generator=torch.Generator().manual_seed(3))
    return photo, regions(CROP, CROP, random), codes


def regions(height: int, width: int, random: np.random.Generator) -> Array:
    """Blocks of one region each, softened: borders, single pixels and plains."""
    coarse = random.integers(0, 12, (-(-height // 4), -(-width // 4)))
    ids = np.kron(coarse, np.ones((4, 4), np.int64))[:height, :width]
    hard = np.eye(12, dtype=np.float32)[ids].transpose(2, 0, 1)
    return np.ascontiguousarray(0.9 * hard + 0.1 / 12, np.float32)


def frame() -> tuple[Array, Array]:
    random = np.random.default_rng(4)
    height, width = (part.stop - part.start for part in MOUTH_WINDOW)
    return regions(height, width, random), random.random((3, height, width), np.float32)


def truth(
    generator: Generator,
    avatar: tuple[Array, Array, torch.Tensor],
    target: Array,
    plate: Array,
) -> Layers:
    """The training forward in float64."""
    exact = Generator().double()
    exact.load_state_dict(generator.state_dict())
    photo, mask, codes = (torch.as_tensor(part)[None].double() for part in avatar)
    wanted, behind = (torch.from_numpy(part)[None].double() for part in (target, plate))
    for name, buffer in exact.named_buffers():
        assert name.endswith("noise")
        buffer.data = buffer.data.double()
    with torch.inference_mode():
        wide, near = exact(photo, mask, codes, wanted, behind)
        flow, matte, inside = compose(wide, near, to_lips(wanted), to_lips(behind))
    painted = np.zeros((*flow.shape[2:], 4))
    painted[within(LIPS_WINDOW, MOUTH_WINDOW)] = torch.cat([matte, inside], 1)[0].permute(1, 2, 0)
    return Layers(flow[0].permute(1, 2, 0).numpy(), painted[..., 0], painted[..., 1:])


def worst_error(found: Layers, expected: Layers) -> float:
    """Root mean square of a layer's error over that of its values, the worst of the three."""
    pairs = [(getattr(found, n), getattr(expected, n)) for n in ("flow", "matte", "inside")]
    return max(float(np.sqrt(np.square(a - b).mean() / np.square(b).mean())) for a, b in pairs)


@pytest.mark.parametrize("backend", BACKENDS, ids=str)
def test_renders_what_training_would(
    generator: Generator,
    avatar: tuple[Array, Array, torch.Tensor],
    backend: Backend,
) -> None:
    prepared = prepare(generator, *avatar, backend)
    target, plate = frame()
    found = render(prepared, target, plate)
    assert found.flow.dtype == found.matte.dtype == found.inside.dtype == np.float32
    expected = truth(generator, avatar, target, plate)
    assert worst_error(found, expected) <= TOLERANCE[backend.dtype]


@pytest.mark.parametrize("backend", BACKENDS, ids=str)
def test_a_frame_is_not_changed_by_the_next(
    generator: Generator, avatar: tuple[Array, Array, torch.Tensor], backend: Backend
) -> None:
    prepared = prepare(generator, *avatar, backend)
    target, plate = frame()
    first = render(prepared, target, plate)
    kept = [first.flow.copy(), first.matte.copy(), first.inside.copy()]
    render(prepared, target[::-1].copy(), plate)
    for before, after in zip(kept, (first.flow, first.matte, first.inside), strict=True):
        np.testing.assert_array_equal(before, after)
    again = render(prepared, target, plate)
    np.testing.assert_array_equal(again.flow, first.flow)


def test_codes_and_plate_matter(
    generator: Generator, avatar: tuple[Array, Array, torch.Tensor]
) -> None:
    photo, mask, codes = avatar
    target, plate = frame()
    first = prepare(generator, *avatar, Backend())
    other = prepare(generator, photo, mask, 2 * codes, Backend())
    made = render(first, target, plate)
    assert np.abs(made.flow - render(other, target, plate).flow).max() > 1e-3
    assert np.abs(made.flow - render(first, target, 1 - plate).flow).max() > 1e-3


def test_exports_with_fixed_shapes(
    generator: Generator, avatar: tuple[Array, Array, torch.Tensor]
) -> None:
    with torch.no_grad():
        graph = AvatarGraph(generator, *avatar).eval()
        condition = views(torch.from_numpy(np.concatenate(frame()))[None])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            exported = torch.export.export(graph, condition).module()
        torch.testing.assert_close(exported(*condition), graph(*condition), rtol=1e-4, atol=1e-5)


def test_backends_are_measured_the_fastest_first(generator: Generator) -> None:
    ticks = iter(range(1000))
    rows = measured(generator, lambda: float(next(ticks)), rounds=1)
    assert {backend for backend in backends() if backend.name == "torch"} <= set(rows)
    assert ("openvino" in {backend.name for backend in rows}) == openvino_graph.installed()
    assert list(rows.values()) == sorted(rows.values())


def test_the_steadier_backend_is_chosen_unless_another_is_clearly_faster() -> None:
    plain, other = Backend("torch", torch.float32), Backend("torch", torch.bfloat16)
    assert chosen({plain: 10.0, Backend("openvino"): 11.0}) == Backend("openvino")
    assert chosen({other: 10.0, plain: 11.0}) == plain
    assert chosen({other: 10.0, plain: 13.0}) == other
    assert chosen({replace(plain, threads=7): 11.0, other: 10.0}).threads == 7
