"""Shows stamped pictures on the virtual camera: FIRST RATE WIDTH HEIGHT.

Goes on until its standard input ends; then prints the number of the last picture and holds it for
a while, since a reader may keep one back until the next comes.
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

_HELD = 15


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
        for _ in range(_HELD):
            time.sleep(1 / rate)
            camera.write(Frame(number, image, silence))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
