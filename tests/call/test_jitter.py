from __future__ import annotations

import asyncio

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.jitterbuffer import JitterBuffer
from aiortc.rtp import RtpPacket

from realtime.call.jitter import Reorder, release_at_once


def pushed(numbers: list[int]) -> list[list[int]]:
    reorder: Reorder[int] = Reorder()
    return [reorder.push(number & 0xFFFF, number) for number in numbers]


def test_packets_in_order_pass_at_once() -> None:
    assert pushed([7, 8, 9]) == [[7], [8], [9]]


def test_a_lost_packet_is_waited_for_by_one_packet_only_and_the_hold_falls_back() -> None:
    assert pushed([1, 2, 4, 5, 6, 7]) == [[1], [2], [], [4, 5], [6], [7]]


def test_two_swapped_packets_are_put_in_order() -> None:
    assert pushed([1, 3, 2, 4]) == [[1], [], [2, 3], [4]]


def test_a_packet_after_its_place_was_given_up_is_dropped_and_counted() -> None:
    reorder: Reorder[int] = Reorder()
    for number in (1, 3, 4, 2, 2):
        reorder.push(number, number)
    assert (reorder.lost, reorder.late) == (1, 2)


def test_numbers_wrap() -> None:
    assert pushed([0xFFFE, 0xFFFF, 0x10001, 0x10000, 0x10002]) == [
        [0xFFFE],
        [0xFFFF],
        [],
        [0x10000, 0x10001],
        [0x10002],
    ]


@pytest.mark.parametrize("jump", [5000, -5000])
def test_a_sender_that_starts_anew_is_followed(jump: int) -> None:
    start = 20_000
    assert pushed([start, start + jump, start + jump + 1]) == [
        [start],
        [start + jump],
        [start + jump + 1],
    ]


def test_losses_at_random_never_hold_more_than_one_packet() -> None:
    reorder: Reorder[int] = Reorder()
    sent = [number for number in range(5000) if number * 7919 % 20]
    held = 0
    for count, number in enumerate(sent, 1):
        held += 1 - len(reorder.push(number, number))
        assert held <= 1, count
    assert reorder.lost == sent[-1] - sent[0] + 1 - len(sent)
    assert reorder.late == 0


def test_the_receivers_own_buffer_is_replaced() -> None:
    """Fails loudly if a new aiortc keeps its buffer elsewhere."""

    async def work() -> None:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        receiver = connection.addTransceiver("audio").receiver
        release_at_once(receiver)
        buffer = vars(receiver)["_RTCRtpReceiver__jitter_buffer"]
        assert isinstance(buffer, JitterBuffer)
        packet = RtpPacket(sequence_number=5, timestamp=960)
        packet._data = b"opus"  # type: ignore[attr-defined]
        _, frame = buffer.add(packet)
        assert frame is not None
        assert (frame.data, frame.timestamp) == (b"opus", 960)
        await connection.close()

    asyncio.run(work())
