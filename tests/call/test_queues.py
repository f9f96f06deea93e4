from __future__ import annotations

import numpy as np
import pytest

from realtime.call.queues import LONGEST_WAIT, PACKET, PictureSlot, SoundQueue, Upsampler
from realtime.call.timeline import RTP_FRAME
from realtime.clock import FRAME_SAMPLES
from tests.call.speakers import tone

LOUD = np.full(RTP_FRAME, 1000, np.int16)


def test_a_frame_of_sound_leaves_as_two_packets_20_ms_apart() -> None:
    queue = SoundQueue()
    queue.put(3, np.arange(RTP_FRAME, dtype=np.int16), due=5.0)
    first, second = queue.pop(), queue.pop()
    assert first is not None
    assert second is not None
    assert (first.place, first.due, first.samples[0]) == (3 * RTP_FRAME, 5.0, 0)
    assert (second.place, second.samples[0]) == (3 * RTP_FRAME + PACKET, PACKET)
    assert second.due == pytest.approx(5.02)
    assert queue.pop() is None


def test_an_index_left_out_is_silence_in_its_place() -> None:
    queue = SoundQueue()
    queue.put(0, LOUD, due=1.0)
    queue.put(2, LOUD, due=1.08)
    packets = [queue.pop() for _ in range(6)]
    assert [packet.place // PACKET for packet in packets if packet] == [0, 1, 2, 3, 4, 5]
    assert [int(packet.samples[0]) for packet in packets if packet] == [
        1000,
        1000,
        0,
        0,
        1000,
        1000,
    ]
    np.testing.assert_allclose(
        [packet.due for packet in packets if packet], 1 + 0.02 * np.arange(6)
    )


def test_sound_that_nobody_takes_is_bounded_and_counted() -> None:
    queue = SoundQueue()
    for index in range(10):
        queue.put(index, LOUD, due=index * 0.04)
    assert queue.dropped == 20 - LONGEST_WAIT
    first = queue.pop()
    assert first is not None
    assert first.place == (20 - LONGEST_WAIT) * PACKET


def test_hush_keeps_places_and_takes_the_sound() -> None:
    queue = SoundQueue()
    queue.put(0, LOUD, due=0.0)
    queue.hush()
    packets = [queue.pop(), queue.pop()]
    assert [(packet.place, int(packet.samples.max())) for packet in packets if packet] == [
        (0, 0),
        (PACKET, 0),
    ]


def test_a_newer_picture_takes_the_place_of_one_not_taken() -> None:
    slot = PictureSlot()
    image = np.zeros((2, 2, 3), np.uint8)
    slot.put(0, image)
    slot.put(1, image)
    waiting = slot.pop()
    assert waiting is not None
    assert waiting[0] == 1
    assert slot.pop() is None
    assert slot.dropped == 1


def test_blocks_come_out_three_times_as_long_and_a_millisecond_late() -> None:
    upsampler = Upsampler()
    sound = tone(400, rate=16_000)
    blocks = [
        upsampler.push(sound[at : at + FRAME_SAMPLES]) for at in range(0, len(sound), FRAME_SAMPLES)
    ]
    assert {len(block) for block in blocks} == {RTP_FRAME}
    found = np.concatenate(blocks).astype(float)
    expected = tone(400).astype(float)
    lags = [float(np.dot(found[600 + lag : 15000 + lag], expected[600:15000])) for lag in range(96)]
    assert int(np.argmax(lags)) <= 48
