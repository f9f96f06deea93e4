from __future__ import annotations

import cv2
import numpy as np

from realtime.foreground import foreground


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
