"""Shows stamped pictures on the virtual camera: FIRST RATE WIDTH HEIGHT.

Goes on until its standard input ends; then prints the number of the last picture.
"""

from __future__ import annotations

import select
import sys
import time
from itertools import count

import numpy as np

from realtime.clock import FRAME_SAMPLES
from realtime.frame import Frame
from realtime.outputs.camera import Camera
from tests.v4l2loopback.stamped import draw

_LINGER_S = 3.0  # So that the reader has the last picture before the camera goes.


def main(first: int, rate: int, width: int, height: int) -> None:
    silence = np.zeros(FRAME_SAMPLES, np.int16)
    with Camera(size=(width, height)) as camera:
        due = time.monotonic()
        for number in count(first):
            time.sleep(max(0.0, due - time.monotonic()))
            due = time.monotonic() + 1 / rate
            image = draw(number, round(time.monotonic() * 1000) % 2**32, (width, height))
            camera.write(Frame(number, image, silence))
            if select.select([sys.stdin], [], [], 0)[0]:
                break
        print(number, flush=True)
        time.sleep(_LINGER_S)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
