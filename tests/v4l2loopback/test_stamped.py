from __future__ import annotations

import cv2
import numpy as np
import pytest

from kernels.rgb_to_i420 import rgb_to_i420
from tests.v4l2loopback.stamped import draw, read


@pytest.mark.parametrize("size", [(1280, 720), (640, 480)])
def test_a_stamp_survives_the_camera_s_format(size: tuple[int, int]) -> None:
    sent = rgb_to_i420(draw(0x12345678, 0xFEDCBA98, size))
    stamp = read(np.asarray(cv2.cvtColor(sent, cv2.COLOR_YUV2RGB_I420), np.uint8))
    assert stamp[:2] == (0x12345678, 0xFEDCBA98)
    assert stamp.colour_error <= 3


def test_a_wrong_colour_is_seen() -> None:
    image = draw(1, 2, (640, 480))
    image[300:310, 300:310, 0] += 9
    assert read(image).colour_error == 9
