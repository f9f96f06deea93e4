"""Mouths: the frame that fits is shown as it was, another is moved; only the lower face changes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from realtime.enroll.mesh import mouth_triangles, triangles
from realtime.face import CHIN, OUTER_LOWER_LIP, Points, crop_matrix, transform
from realtime.filmed_face import FilmedFace
from realtime.mouths import LOWER_WINDOW, Mouths, cut, lay_on, lower_face
from realtime.rigid import Similarity
from tests.faces import drawn_face

ROWS, COLUMNS = LOWER_WINDOW
MESH = np.concatenate([mouth_triangles(), triangles()])


def smooth_picture(seed: int, side: int = 288) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(40, 210, (18, 18, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(noise, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)


def mouths(points: list[Points]) -> Mouths:
    pictures = [smooth_picture(seed)[LOWER_WINDOW] for seed in range(len(points))]
    return Mouths(np.stack(pictures), np.stack(points), MESH)


def test_the_frame_that_fits_is_shown_as_it_was() -> None:
    closed, far = drawn_face(), drawn_face(gap=60)
    known = mouths([closed, far])
    share = lower_face(closed)
    shown = known.show(closed, share)
    asked = share[..., None]
    np.testing.assert_allclose(asked * shown, asked * known.pictures[0], atol=1.5)


def test_a_mouth_moves_to_where_it_is_asked() -> None:
    closed = drawn_face()
    known = mouths([closed])
    target = closed.copy()
    lips = [*OUTER_LOWER_LIP, *CHIN]
    target[lips, 1] += 4
    shown = known.show(target, lower_face(closed))
    x, y = (target[17] - (COLUMNS.start, ROWS.start)).round().astype(int)
    np.testing.assert_allclose(shown[y, x], known.pictures[0][y - 4, x], atol=6)


def test_only_the_lower_face_changes_and_it_wholly() -> None:
    closed = drawn_face()
    picture = smooth_picture(9)
    share = lower_face(closed)
    other = np.full((*share.shape, 3), 255, np.float32)
    changed = picture.copy()
    lay_on(changed, np.eye(2, 3, dtype=np.float32), other, share)
    assert (changed[:112] == picture[:112]).all()
    assert (changed[LOWER_WINDOW][share > 0.999] >= 254).all()
    mouth = closed[list(OUTER_LOWER_LIP)].mean(0).round().astype(int)
    assert share[mouth[1] - ROWS.start, mouth[0] - COLUMNS.start] == 1


def test_it_begins_softly_over_the_cheeks_and_ends_sharply_below_the_chin() -> None:
    closed = drawn_face()
    share = lower_face(closed)
    for column in (closed[205, 0], closed[425, 0]):
        slope = np.diff(share[:, round(column) - COLUMNS.start])
        assert 0 < slope.max() < 0.15
        assert slope.min() < -0.15


def test_a_cut_lies_where_its_window_does() -> None:
    picture = smooth_picture(3)
    np.testing.assert_array_equal(
        cut(picture, np.eye(2, 3, dtype=np.float32)), picture[LOWER_WINDOW]
    )


def test_what_a_picture_itself_shows_below_the_nose_is_never_looked_at() -> None:
    head = drawn_face() / 77 - np.array([128, 92], np.float32) / 77
    rest = np.concatenate([head, np.zeros((len(head), 1))], 1).astype(np.float32)
    place = Similarity(77 * np.eye(3), np.array([150.0, 100, 0]))
    stood = np.asarray(place(rest), np.float32)
    face = FilmedFace(
        rest, mouths([transform(crop_matrix(stood), stood)]), np.eye(17, 16, dtype=np.float32)
    )
    picture = smooth_picture(5, 320)
    hidden = picture.copy()
    share = lower_face(transform(crop_matrix(stood), stood))
    blank = np.zeros((*share.shape, 3), np.float32)
    lay_on(hidden, crop_matrix(stood), blank, (share > 0.999).astype(np.float32))
    motion = np.zeros((478, 3), np.float32)
    one, other = (face.speak(each, place, motion).astype(int) for each in (picture, hidden))
    assert np.abs(one - other).max() <= 2


@pytest.mark.parametrize("gap", [0, 20])
def test_lips_that_were_never_seen_open_do_open(gap: int) -> None:
    share = lower_face(drawn_face())
    shown = mouths([drawn_face()]).show(drawn_face(gap=gap), share)
    assert np.isfinite(shown).all()
