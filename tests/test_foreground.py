from __future__ import annotations

import cv2
import numpy as np

from realtime.foreground import foreground, light_wrap


def test_a_rim_has_the_persons_colour_and_what_is_inside_stays() -> None:
    share = np.zeros((160, 160), np.uint8)
    cv2.circle(share, (80, 80), 40, 255, cv2.FILLED)
    share = np.asarray(cv2.GaussianBlur(share, (0, 0), 3), np.uint8)
    person, room = np.array([60, 30, 20.0]), np.array([240, 235, 200.0])
    part = share[..., None] / 255
    seen = np.round(part * person + (1 - part) * room).astype(np.uint8)
    own = foreground(np.dstack([seen, share]))
    assert (own[..., 3] == share).all()
    assert (own[share == 255, :3] == seen[share == 255]).all()
    rim = (share > 50) & (share < 255)
    assert np.abs(own[rim, :3] - person).max() < 12
    assert np.abs(seen[rim] - person).max() > 100


def test_the_light_behind_bleeds_into_the_edge_alone() -> None:
    share = np.zeros((160, 160), np.uint8)
    share[:, :80] = 255
    person = np.full((160, 160, 3), 40, np.uint8)
    white = np.full((160, 160, 3), 255, np.uint8)
    lit = light_wrap(np.dstack([person, share]), white)
    assert (lit[..., 3] == share).all()
    assert (lit[:, :70, :3] == 40).all()
    assert 60 < lit[80, 79, 0] < 120
    assert (np.diff(lit[80, :80, 0].astype(int)) >= 0).all()
