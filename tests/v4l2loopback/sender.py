"""Shows stamped pictures on the virtual camera: FIRST COUNT RATE WIDTH HEIGHT."""

from __future__ import annotations

import sys
import time

import numpy as np

from realtime.clock import FRAME_SAMPLES
from realtime.frame import Frame
from realtime.outputs.camera import Camera
from tests.v4l2loopback.stamped import draw

_LINGER_S = 2.0  # So that the reader has the last picture before the camera goes.


def main(first: int, count: int, rate: int, width: int, height: int) -> None:
    silence = np.zeros(FRAME_SAMPLES, np.int16)
    with Camera(size=(width, height)) as camera:
        began = time.monotonic()
        for place in range(count):
            time.sleep(max(0.0, began + place / rate - time.monotonic()))
            now_ms = round(time.monotonic() * 1000) % 2**32
            camera.write(Frame(place, draw(first + place, now_ms, (width, height)), silence))
        time.sleep(_LINGER_S)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
