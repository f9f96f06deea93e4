from __future__ import annotations

from aiortc.rtp import RtpPacket

from realtime.measure.call_peer import WholeFrames


def packet(number: int, picture: int, *, last: bool) -> RtpPacket:
    made = RtpPacket(sequence_number=number, timestamp=picture * 3600, marker=int(last))
    made._data = b"%d " % number  # type: ignore[attr-defined]
    return made


def test_a_picture_is_given_with_its_last_packet() -> None:
    buffer = WholeFrames(16, is_video=True)
    assert buffer.add(packet(1, 1, last=False)) == (False, None)
    _, frame = buffer.add(packet(2, 1, last=True))
    assert frame is not None
    assert (frame.data, frame.timestamp) == (b"1 2 ", 3600)


def test_after_a_packet_was_sent_again_all_pictures_that_waited_are_given() -> None:
    buffer = WholeFrames(16, is_video=True)
    buffer.add(packet(1, 1, last=True))
    for number in (3, 4, 5):
        assert buffer.add(packet(number, number, last=True))[1] is None
    _, frame = buffer.add(packet(2, 2, last=True))
    found = [frame.data if frame else b""]
    while (frame := buffer.whole()) is not None:
        found.append(frame.data)
    assert found == [b"2 ", b"3 ", b"4 ", b"5 "]
