from __future__ import annotations

import cv2
import numpy as np
import pytest

from realtime.face import EYE_CORNERS
from realtime.training.new_faces import Portrait, new_face, spline
from tests.faces import drawn_face

SIDE = 360


def portrait(seed: int, colour: tuple[int, int, int], stretch: float = 1.0) -> Portrait:
    """Soft blotches of one colour under the drawn face, taller by `stretch`."""
    random = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(random.normal(0, 60, (SIDE, SIDE, 3)), (0, 0), 2)
    picture = np.clip(np.array(colour) + 3 * noise, 0, 255).astype(np.uint8)
    points = drawn_face() * np.array([1, stretch]) + np.array([52, 40])
    return Portrait(picture, points.astype(np.float32))


def test_a_spline_goes_through_its_points() -> None:
    random = np.random.default_rng(0)
    centres = random.uniform(0, 300, (40, 2)).astype(np.float32)
    values = random.normal(0, 4, (40, 2)).astype(np.float32)
    np.testing.assert_allclose(spline(centres, values, centres), values, atol=0.7)


def test_a_spline_of_an_affine_motion_is_affine() -> None:
    random = np.random.default_rng(1)
    centres = random.uniform(0, 300, (40, 2)).astype(np.float32)
    matrix = np.array([[0.1, 0.02], [-0.03, 0.05]], np.float32)
    far = np.array([[-200, 50], [700, 900]], np.float32)
    moved = spline(centres, centres @ matrix + 5, far)
    np.testing.assert_allclose(moved, far @ matrix + 5, atol=0.05)


def test_three_times_the_same_face_is_that_face() -> None:
    base = portrait(0, (180, 140, 120))
    made = new_face(base, [base, base], 0.0)
    x, y = base.points[10].astype(int)
    face = (slice(y + 20, y + 180), slice(x - 60, x + 60))
    low = [cv2.GaussianBlur(each[face], (0, 0), 4).astype(int) for each in (made, base.picture)]
    assert np.abs(low[0] - low[1]).max() <= 6


def test_room_and_eyes_are_the_bases_and_the_face_is_not() -> None:
    base = portrait(0, (180, 140, 120))
    others = [portrait(1, (120, 100, 90)), portrait(2, (200, 160, 150))]
    made = new_face(base, others, 0.0)
    assert made.shape == base.picture.shape
    np.testing.assert_allclose(made[:30].astype(int), base.picture[:30].astype(int), atol=2)
    x, y = base.points[list(EYE_CORNERS[0])].mean(0).astype(int)
    eye = made[y - 2 : y + 3, x - 6 : x + 7].astype(int)
    np.testing.assert_allclose(eye, base.picture[y - 2 : y + 3, x - 6 : x + 7], atol=30)
    x, y = base.points[[50, 280]].mean(0).astype(int)
    cheek = (slice(y + 20, y + 60), slice(x - 30, x + 30))
    change = made[cheek].astype(int) - base.picture[cheek]
    assert np.abs(change).mean() > 5
    assert np.abs(change.mean((0, 1))).max() < 10, "but its colour is the base's"


@pytest.mark.parametrize("wider", [0.0, 0.3])
def test_wider_eyes_move_the_lids_apart(wider: float) -> None:
    """The base's own eye, marked by a dark bar along its upper lid, is seen higher."""
    base = portrait(0, (180, 140, 120))
    base.picture[:] = (180, 140, 120)
    x, y = base.points[159].round().astype(int)
    cv2.circle(base.picture, (int(x), int(y)), 3, (0, 0, 0), cv2.FILLED)
    made = new_face(base, [base, base], wider)
    rows = np.argwhere(made[y - 15 : y + 15, x, 0] < 90).mean() - 15
    opening = base.points[145, 1] - base.points[159, 1]
    assert rows == pytest.approx(-0.88 * wider * opening, abs=1.0)
