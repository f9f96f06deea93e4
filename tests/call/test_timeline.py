from __future__ import annotations

import numpy as np
import pytest

from realtime.call.timeline import (
    FRAME_S,
    GRACE_S,
    LATE_FOR_S,
    RTP_RATE,
    Timeline,
    mirrored,
)
from realtime.clock import FRAME_SAMPLES, Sound
from tests.call.speakers import tone

PACKET = 960
PACKET_S = 0.02


def heard(timeline: Timeline, sound: Sound, packets: list[int], lag: float = 0.0) -> Sound:
    """Packets of 20 ms with these numbers, each at its time -> what came out, joined."""
    blocks = [
        block
        for number in packets
        for block in timeline.push(
            number * PACKET,
            sound[number * PACKET : (number + 1) * PACKET],
            (number + 1) * PACKET_S + lag,
        )
    ]
    return np.concatenate([np.zeros(0, np.int16), *blocks])


def test_every_second_packet_completes_a_block_at_once() -> None:
    timeline = Timeline(0.0)
    counts = [
        len(timeline.push(i * PACKET, np.zeros(PACKET, np.int16), i * PACKET_S)) for i in range(100)
    ]
    assert counts == [0, 1] * 50


@pytest.mark.parametrize("size", [1, 7, 480, 960, 2000])
def test_sound_is_the_same_in_any_pieces_and_at_most_a_millisecond_late(size: int) -> None:
    sound = tone(400)
    timeline = Timeline(0.0)
    blocks = [
        block
        for at in range(0, len(sound), size)
        for block in timeline.push(at, sound[at : at + size], at / RTP_RATE)
    ]
    found = np.concatenate(blocks).astype(float)
    expected = sound[::3].astype(float)
    lags = [float(np.dot(found[200 + lag : 5000 + lag], expected[200:5000])) for lag in range(32)]
    assert int(np.argmax(lags)) <= 16
    whole = heard(Timeline(0.0), sound, list(range(20)))
    np.testing.assert_array_equal(np.concatenate(blocks), whole[: len(found)])


def test_a_lost_packet_is_concealed_and_the_delay_does_not_grow() -> None:
    sound = tone(2000)
    whole = heard(Timeline(0.0), sound, list(range(100)))
    timeline = Timeline(0.0)
    patched = heard(timeline, sound, [i for i in range(100) if i % 20 != 10])
    assert len(patched) == len(whole)
    assert timeline.concealed == 5 * PACKET
    loudness = np.abs(patched.reshape(-1, 320).astype(float)).mean(1)
    assert loudness.min() > 0.3 * loudness.max()
    np.testing.assert_allclose(patched[-2500:], whole[-2500:], atol=2)


def test_concealment_begins_where_the_sound_ended_and_fades_to_silence() -> None:
    echo = np.arange(10, dtype=np.int16)
    assert mirrored(echo, np.arange(4)).tolist() == [9, 8, 7, 6]
    assert mirrored(echo, np.arange(9, 13)).tolist() == [0, 0, 1, 2]
    sound = np.full(RTP_RATE, 5000, np.int16)
    gap = heard(Timeline(0.0), sound, [0, 1, 2, 12, 13])
    assert np.abs(gap[3000:3600]).max() == 0


def test_silence_comes_in_time_when_nothing_arrives() -> None:
    timeline = Timeline(10.0)
    assert timeline.deadline == pytest.approx(10 + FRAME_S + GRACE_S)
    assert timeline.starve(10.05) == []
    released = []
    for _ in range(50):
        blocks = timeline.starve(timeline.deadline)
        released += [(len(block), int(block.any())) for block in blocks]
    assert released == [(FRAME_SAMPLES, 0)] * 50
    assert timeline.deadline == pytest.approx(10 + FRAME_S + GRACE_S + 50 * FRAME_S)


def test_what_comes_after_its_place_was_filled_is_dropped() -> None:
    sound = tone(2000)
    timeline = Timeline(0.0)
    before = heard(timeline, sound, list(range(10)))
    filled = [timeline.starve(timeline.deadline) for _ in range(3)]
    assert [len(each) for each in filled] == [1, 1, 1]
    burst = [
        timeline.push(i * PACKET, sound[i * PACKET : (i + 1) * PACKET], 0.4) for i in range(10, 20)
    ]
    assert [len(each) for each in burst] == [0, 0, 0, 0, 0, 0, 0, 1, 0, 1]
    assert timeline.late == 6 * PACKET
    assert len(before) == 5 * FRAME_SAMPLES


def test_a_sender_whose_clock_stood_still_is_heard_again() -> None:
    sound = tone(4000)
    timeline = Timeline(0.0)
    heard(timeline, sound, list(range(10)))
    for _ in range(20):
        timeline.starve(timeline.deadline)
    first = None
    for number in range(10, 60):
        now = 1.0 + number * PACKET_S
        blocks = timeline.push(number * PACKET, sound[:PACKET], now)
        if blocks and first is None:
            first = now - 1.2
        timeline.starve(now)
    assert first is not None
    assert LATE_FOR_S < first <= LATE_FOR_S + 3 * PACKET_S


@pytest.mark.parametrize("jump", [10 * RTP_RATE, -10 * RTP_RATE])
def test_a_jump_of_the_timestamps_is_followed_at_once(jump: int) -> None:
    sound = tone(40)
    timeline = Timeline(0.0)
    place = 100 * RTP_RATE
    assert len(timeline.push(place, sound, 0.04)) == 1
    assert len(timeline.push(place + jump, sound, 0.08)) == 1


def test_hush_silences_the_block_that_is_not_yet_whole() -> None:
    sound = tone(100)
    timeline = Timeline(0.0)
    timeline.push(0, sound[:PACKET], 0.02)
    timeline.hush()
    (block,) = timeline.push(PACKET, np.zeros(PACKET, np.int16), 0.04)
    assert np.abs(block[:300]).max() == 0
