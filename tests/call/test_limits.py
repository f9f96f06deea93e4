from __future__ import annotations

import pytest

from realtime.call.limits import Bucket, Buckets, Limits, RefusalError, check_offer


def test_a_bucket_lets_a_burst_pass_and_then_its_rate() -> None:
    bucket = Bucket(rate=2, burst=3, now=0)
    assert [bucket.take(0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(now) for now in (0.25, 0.5, 0.75, 1.0)] == [False, True, False, True]


def test_addresses_do_not_take_from_each_other_and_are_bounded() -> None:
    buckets = Buckets(rate=1, burst=1, most=2)
    assert buckets.take("a", 0)
    assert not buckets.take("a", 0)
    assert buckets.take("b", 0)
    assert buckets.take("c", 0)
    assert buckets.take("a", 0), "the address longest unseen is forgotten"


GOOD = "v=0\r\nm=audio 9 X 111\r\nm=video 9 X 96\r\nm=application 9 X y\r\n"


def test_an_offer_of_a_call_passes() -> None:
    check_offer(GOOD, Limits())


@pytest.mark.parametrize(
    ("offer", "status"),
    [
        ("", 400),
        ("hello", 400),
        ("v=0\r\n", 400),
        ("v=0\r\nm=video 9 X 96\r\n", 400),
        (GOOD + "m=video 9 X 96\r\n", 400),
        (GOOD + "m=image 9 X 96\r\n", 400),
        (GOOD + "a=candidate:1 1 udp 1 1.2.3.4 1 typ host\r\n" * 65, 400),
        (GOOD + "a" * 70_000, 413),
    ],
)
def test_an_offer_of_anything_else_is_refused(offer: str, status: int) -> None:
    with pytest.raises(RefusalError) as caught:
        check_offer(offer, Limits())
    assert caught.value.status == status
