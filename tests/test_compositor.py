from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.avatar_file import Avatar
from realtime.backdrop import Blur
from realtime.compositor import Compositor, Layer
from realtime.face import MOUTH_WINDOW, OVAL, Window, crop_matrix, eye_centres, transform
from realtime.head_pose import HeadPose
from realtime.view import View, lay_out
from tests.avatars import drawn_avatar

SIZE = (512, 512)
POSES = [
    HeadPose(yaw=5),
    HeadPose(pitch=-4),
    HeadPose(roll=3),
    HeadPose(shift_x=0.1, shift_y=-0.05),
    HeadPose(breath=1),
]


@pytest.fixture(scope="module")
def avatar() -> Avatar:
    """The drawn face with depth, and a person who does not fill the picture."""
    drawn = drawn_avatar()
    points = drawn.points.copy()
    middle = points[list(OVAL), :2].mean(0)
    away = np.linalg.norm((points[:, :2] - middle) / (80, 104), axis=1)
    points[:, 2] = -60 * np.sqrt(np.clip(1 - away**2, 0, 1))
    matte = np.zeros_like(drawn.matte)
    cv2.circle(matte, (160, 150), 110, 255, cv2.FILLED)
    matte[240:] = 255
    smooth = np.asarray(cv2.GaussianBlur(drawn.picture, (0, 0), 4), np.uint8)
    # Room below, so that the face is not shown larger than usual.
    picture = np.pad(smooth, ((0, 80), (0, 0), (0, 0)), mode="edge")
    matte = np.pad(matte, ((0, 80), (0, 0)), mode="edge")
    return dataclasses.replace(drawn, points=points, matte=matte, picture=picture)


@pytest.fixture(scope="module")
def view(avatar: Avatar) -> View:
    return lay_out(avatar.picture, avatar.matte, avatar.points, SIZE)


@pytest.fixture(scope="module")
def compositor(avatar: Avatar) -> Compositor:
    return Compositor(avatar, SIZE)


def in_frame(view: View, points: NDArray[np.float32]) -> NDArray[np.float32]:
    return (points[..., :2] - np.array(view.origin, np.float32)) / np.float32(view.scale)


def canonical_in_frame(view: View, points: NDArray[np.float32]) -> NDArray[np.float32]:
    inverse = cv2.invertAffineTransform(crop_matrix(view.points)).astype(np.float32)
    return in_frame(view, transform(inverse, points))


def layer(window: Window, flow: tuple[float, float] = (0, 0), matte: float = 0) -> Layer:
    shape = tuple(part.stop - part.start for part in window)
    return Layer(
        window,
        np.broadcast_to(np.array(flow, np.float32), (*shape, 2)).copy(),
        np.full(shape, matte, np.float32),
        np.broadcast_to(np.array([1, 0, 0.5], np.float32), (*shape, 3)).copy(),
    )


@pytest.mark.parametrize("size", [(512, 512), (640, 360)])
def test_at_rest_the_frame_is_the_photograph(avatar: Avatar, size: tuple[int, int]) -> None:
    view = lay_out(avatar.picture, avatar.matte, avatar.points, size)
    frame = Compositor(avatar, size).compose(HeadPose())
    assert frame.shape == (size[1], size[0], 3)
    assert frame.dtype == np.uint8
    expected = cv2.remap(view.picture[..., :3], view.map(), None, cv2.INTER_CUBIC)
    assert np.abs(frame - expected.astype(int)).max() <= 2
    assert (frame == expected).mean() > 0.8


def test_layers_that_say_nothing_change_nothing(compositor: Compositor) -> None:
    for pose in (HeadPose(), *POSES):
        plain = compositor.compose(pose)
        layered = compositor.compose(pose, [layer(MOUTH_WINDOW)])
        np.testing.assert_array_equal(plain, layered)


def test_every_number_of_the_pose_moves_the_picture(compositor: Compositor) -> None:
    still = compositor.compose(HeadPose()).astype(int)
    for pose in POSES:
        assert np.abs(compositor.compose(pose) - still).max() > 20, pose


def test_frames_do_not_depend_on_those_before(avatar: Avatar, compositor: Compositor) -> None:
    for pose in POSES:
        compositor.compose(pose, [layer(MOUTH_WINDOW, (3, 2), 0.5)])
    again = compositor.compose(POSES[0])
    np.testing.assert_array_equal(again, Compositor(avatar, SIZE).compose(POSES[0]))


def moved_by(avatar: Avatar, point: NDArray[np.float32], pose: HeadPose) -> NDArray[np.float64]:
    """Frame pixels by which a dot at a picture place moves, by its centre of mass."""
    picture = np.zeros_like(avatar.picture)
    centre = (round(float(point[0]) * 16), round(float(point[1]) * 16))
    cv2.circle(picture, centre, 3 * 16, (255, 255, 255), cv2.FILLED, cv2.LINE_AA, 4)
    compositor = Compositor(dataclasses.replace(avatar, picture=picture), SIZE)
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]

    def middle(pose: HeadPose) -> NDArray[np.float64]:
        grey = compositor.compose(pose)[..., 0].astype(float)
        return np.asarray([(grey * x).sum(), (grey * y).sum()] / grey.sum(), np.float64)

    step: NDArray[np.float64] = middle(pose) - middle(HeadPose())
    return step


def test_a_turning_head_moves_its_nose_as_far_as_it_is_deep(avatar: Avatar, view: View) -> None:
    nose = avatar.points[list(OVAL), :2].mean(0)
    depth = 60 * (view.points[152, 1] - view.points[10, 1]) / view.scale
    depth /= avatar.points[152, 1] - avatar.points[10, 1]
    expected = np.radians(5) * depth
    assert moved_by(avatar, nose, HeadPose(yaw=5))[0] == pytest.approx(expected, rel=0.25)
    assert moved_by(avatar, nose, HeadPose(pitch=5))[1] == pytest.approx(expected, rel=0.25)


def test_a_shift_is_in_eye_distances(avatar: Avatar, view: View) -> None:
    apart = np.linalg.norm(np.subtract(*eye_centres(view.points))) / view.scale
    eye = eye_centres(avatar.points)[0]
    step = moved_by(avatar, eye, HeadPose(shift_x=0.1, shift_y=0.05))
    np.testing.assert_allclose(step, [0.1 * apart, 0.05 * apart], atol=0.2)


def test_roll_turns_about_the_neck(avatar: Avatar) -> None:
    top, chin = avatar.points[10, :2], avatar.points[152, :2]
    high, low = (moved_by(avatar, place, HeadPose(roll=3)) for place in (top, chin))
    assert high[0] > 3 * low[0] > 0, "clockwise: the top goes right, the chin hardly"


def test_corners_stand_still(compositor: Compositor) -> None:
    still = compositor.compose(HeadPose())
    for pose in POSES:
        frame = compositor.compose(pose)
        np.testing.assert_array_equal(frame[:20, :20], still[:20, :20])
        np.testing.assert_array_equal(frame[:20, -20:], still[:20, -20:])


def test_paint_lies_where_its_window_does(compositor: Compositor, view: View) -> None:
    window = (slice(160, 192), slice(100, 156))
    still = compositor.compose(HeadPose())
    frame = compositor.compose(HeadPose(), [layer(window, matte=1)])
    corners = np.array([(100, 160), (155, 191)], np.float32)
    (x0, y0), (x1, y1) = canonical_in_frame(view, corners)
    inside = frame[int(y0) + 2 : int(y1) - 1, int(x0) + 2 : int(x1) - 1]
    assert inside.size > 1000
    assert np.abs(inside.astype(int) - (255, 0, 128)).max() <= 1
    changed = np.argwhere((frame != still).any(-1))
    np.testing.assert_allclose(changed.min(0), (y0, x0), atol=2)
    np.testing.assert_allclose(changed.max(0), (y1, x1), atol=2)


def test_half_a_matte_is_half_the_colour(compositor: Compositor, view: View) -> None:
    frame = compositor.compose(HeadPose(), [layer(MOUTH_WINDOW, matte=0.5)])
    still = compositor.compose(HeadPose())
    x, y = canonical_in_frame(view, np.array([[128, 170]], np.float32))[0].astype(int)
    expected = (still[y, x] + np.array([255, 0, 127.5])) / 2
    np.testing.assert_allclose(frame[y, x], expected, atol=1)


def ramp_avatar(avatar: Avatar) -> Avatar:
    """Brightness tells the picture's column."""
    columns = np.linspace(0, 255, avatar.picture.shape[1])
    ramp = np.broadcast_to(columns[None, :, None], avatar.picture.shape)
    return dataclasses.replace(avatar, picture=ramp.astype(np.uint8))


def test_flow_fetches_from_where_it_points(avatar: Avatar, view: View) -> None:
    compositor = Compositor(ramp_avatar(avatar), SIZE)
    still = compositor.compose(HeadPose()).astype(float)
    frame = compositor.compose(HeadPose(), [layer(MOUTH_WINDOW, flow=(8, 0))])
    x, y = canonical_in_frame(view, np.array([[128, 170]], np.float32))[0].astype(int)
    # The drawn face's canonical pixel is a picture pixel, and the ramp rises 255 over 320 of them.
    assert frame[y, x, 0] - still[y, x, 0] == pytest.approx(8 * 255 / 320, abs=1.5)


def test_flow_leaves_no_seam_at_the_windows_border(avatar: Avatar) -> None:
    compositor = Compositor(ramp_avatar(avatar), SIZE)
    still = compositor.compose(HeadPose()).astype(int)
    frame = compositor.compose(HeadPose(), [layer(MOUTH_WINDOW, flow=(8, 0))])
    change = (frame - still)[..., 0]
    assert change.max() >= 6
    steps = max(np.abs(np.diff(change, axis=axis)).max() for axis in (0, 1))
    assert steps <= 2, "grey levels from pixel to pixel, the ramp's own rounding included"


def test_a_picture_may_stand_behind(avatar: Avatar) -> None:
    green = np.zeros((90, 160, 3), np.uint8)
    green[..., 1] = 200
    before = Compositor(avatar, SIZE).compose(POSES[0])
    frame = Compositor(avatar, SIZE, green).compose(POSES[0])
    np.testing.assert_array_equal(frame[5, 5], (0, 200, 0))
    np.testing.assert_array_equal(frame[230:280, 230:280], before[230:280, 230:280])


def test_a_blurred_background_keeps_the_person_out(avatar: Avatar) -> None:
    picture = np.zeros_like(avatar.picture)
    picture[avatar.matte > 0] = 255
    marked = dataclasses.replace(avatar, picture=picture)
    frame = Compositor(marked, SIZE, Blur()).compose(HeadPose())
    assert frame[:60, :60].max() <= 2
    assert frame[256, 256].min() >= 253
