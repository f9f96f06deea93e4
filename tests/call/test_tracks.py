from __future__ import annotations

import asyncio

import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError

from realtime.call.timeline import RTP_FRAME
from realtime.call.tracks import Outlet

IMAGE = np.zeros((64, 64, 3), np.uint8)
SOUND = np.full(RTP_FRAME, 7, np.int16)


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_sound_and_picture_of_an_index_have_the_same_time() -> None:
    async def work() -> None:
        outlet = Outlet(Hands())
        outlet.picture.encode_s = 0
        for index in (4, 6):
            outlet.release(index, IMAGE, SOUND)
            picture = await outlet.picture.recv()
            sound = await outlet.sound.recv()
            if index == 6:
                assert not sound.to_ndarray().any(), "what index 5 left out is silence"
                assert sound.time == pytest.approx(5 * 0.04)
                await outlet.sound.recv()
                sound = await outlet.sound.recv()
            assert picture.time == sound.time == pytest.approx(index * 0.04)
            assert sound.samples == 960
            await outlet.sound.recv()

    asyncio.run(work())


def test_the_time_of_encoding_is_measured_and_the_sound_held_back_by_it() -> None:
    async def work() -> None:
        clock = Hands()
        outlet = Outlet(clock)
        for index in range(60):
            outlet.picture.put(index, IMAGE)
            await outlet.picture.recv()
            clock.now += 0.03
        assert outlet.picture.encode_s == pytest.approx(0.03, abs=0.001)
        outlet.release(60, IMAGE, SOUND)
        packet = outlet.sound.queue.pop()
        assert packet is not None
        assert packet.due == pytest.approx(clock.now + outlet.picture.encode_s)

    asyncio.run(work())


def test_a_track_that_waits_wakes_up_and_one_that_ended_says_so() -> None:
    async def work() -> None:
        outlet = Outlet(Hands())
        waiting = asyncio.create_task(outlet.picture.recv())
        await asyncio.sleep(0)
        outlet.release(0, IMAGE, SOUND)
        assert (await waiting).pts == 0
        outlet.stop()
        for track in (outlet.sound, outlet.picture):
            with pytest.raises(MediaStreamError):
                await track.recv()

    asyncio.run(work())
