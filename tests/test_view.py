from __future__ import annotations

import cv2
import numpy as np
import pytest

from realtime.face import OVAL, Points, eye_centres
from realtime.view import View, extend, face_height, lay_out
from tests.faces import drawn_face


def placed(
    shape: tuple[int, int], size: tuple[int, int], scale: float = 1.0, up: float = 0.0
) -> View:
    """The drawn face in the middle of a picture of `shape`, on a white person below the chin."""
    height, width = shape
    flat = drawn_face() * scale
    flat += np.array([width / 2, height / 2 - up]) - flat[152] / 2 - flat[10] / 2
    points = np.column_stack([flat, np.zeros(len(flat))]).astype(np.float32)
    matte = np.zeros(shape, np.uint8)
    matte[int(points[152, 1]) :] = 255
    return lay_out(np.zeros((*shape, 3), np.uint8), matte, points, size)


@pytest.mark.parametrize("size", [(512, 512), (1280, 720)])
@pytest.mark.parametrize("scale", [0.5, 1.0, 2.5])
def test_the_eyes_lie_at_two_fifths_in_the_middle(size: tuple[int, int], scale: float) -> None:
    side = int(1200 * scale)
    view = placed((side, side), size, scale)
    eyes = (eye_centres(view.points).mean(0) - view.origin) / view.scale
    assert eyes[1] == pytest.approx(0.40 * size[1], abs=2)
    oval = (view.points[list(OVAL), 0].mean() - view.origin[0]) / view.scale
    assert oval == pytest.approx(size[0] / 2, abs=2)
    assert face_height(view.points) / view.scale == pytest.approx(0.46 * size[1], rel=0.02)


def test_a_fine_picture_is_reduced_and_a_coarse_one_is_not() -> None:
    assert placed((3000, 3000), (512, 512), 2.5).scale == pytest.approx(1.5, rel=0.02)
    assert placed((600, 600), (512, 512), 0.5).scale < 0.6


def test_the_frame_and_room_to_move_lie_in_the_picture() -> None:
    for shape in ((1200, 1200), (420, 420), (600, 330)):
        view = placed(shape, (1280, 720))
        places = view.map()
        height, width = view.picture.shape[:2]
        assert places.min() >= 20 * view.scale
        assert places[..., 0].max() <= width - 20 * view.scale
        assert places[..., 1].max() <= height - 20 * view.scale


def test_a_face_is_shown_larger_before_shoulders_are_made_up() -> None:
    face = face_height(np.pad(drawn_face(), ((0, 0), (0, 1))))
    view = placed((round(face / 0.7), 900), (512, 512))
    assert face_height(view.points) / view.scale == pytest.approx(0.7 * 512, rel=0.02)
    foot = view.map()[-1, 0, 1] - view.map()[0, 0, 1]
    assert foot == pytest.approx(face / 0.7, rel=0.02), "the frame shows the picture's whole height"


def test_a_low_picture_ends_at_the_frames_foot() -> None:
    """Above the head the background may go on; below the body nothing may."""
    view = placed((260, 900), (512, 512), up=-10)
    foot = view.map()[-1, 0, 1]
    pad = view.picture.shape[0] - 260
    assert foot <= 260 + pad
    assert view.picture[int(foot), view.picture.shape[1] // 2, 3] == 255


def test_extending_keeps_the_picture_and_lets_shoulders_fall() -> None:
    picture = np.zeros((100, 120, 4), np.uint8)
    picture[..., :3] = (10, 20, 200)
    picture[60:] = 255  # the body, as wide as the picture
    longer = extend(picture, (80, 10, 80, 0))
    assert longer.shape == (110, 280, 4)
    np.testing.assert_array_equal(longer[10:, 80:200], picture)
    first = [int((longer[:, x, 3] > 127).argmax()) for x in (75, 60, 40)]
    assert first[0] < first[1] < first[2], "the shoulder falls away from the picture"
    np.testing.assert_array_equal(longer[0, 0], (10, 20, 200, 0))
    assert longer[75, 0, :3].tolist() == [10, 20, 200], "background goes on before the body"


def test_a_frame_spread_over_the_picture_is_seen_again_in_the_frame() -> None:
    view = placed((576, 576), (320, 240), 0.5)
    frame = np.zeros((240, 320, 3), np.uint8)
    frame[..., 0] = np.linspace(0, 255, 320)
    frame[..., 1] = np.linspace(0, 255, 240)[:, None]
    again = cv2.remap(view.spread(frame), view.map(), None, cv2.INTER_LINEAR)
    inner = slice(2, -2), slice(2, -2)
    assert np.abs(again[inner].astype(int) - frame[inner]).max() <= 2


def test_a_finer_picture_sampled_linearly_is_as_true_as_the_cubic() -> None:
    """And as sharp: of waves down to three pixels as much is left, wherever the samples lie."""

    def waves(x: Points, y: Points) -> Points:
        fine = np.sin(2 * np.pi * (x / 3 + y / 9)) + np.sin(2 * np.pi * (x / 7 - y / 4))
        return np.asarray(127.5 + 60 * fine, np.float32)

    y, x = np.mgrid[:90, :90].astype(np.float32)
    picture = np.dstack([np.round(waves(x, y)).astype(np.uint8)] * 4)
    view = View(picture, np.zeros((478, 3), np.float32), 1.1, (10.3, 10.2), (60, 60))
    finer = view.finer(3)
    np.testing.assert_array_equal(finer.picture[1::3, 1::3], picture)
    truth = waves(*np.moveaxis(view.map(), -1, 0))
    cubic = cv2.remap(picture, view.map(), None, cv2.INTER_CUBIC)[..., 0]
    linear = cv2.remap(finer.picture, finer.map(), None, cv2.INTER_LINEAR)[..., 0]
    wrong = [np.square(made - truth).mean() for made in (linear, cubic)]
    assert wrong[0] < wrong[1]
    assert linear.std() == pytest.approx(truth.std(), rel=0.08)
