from __future__ import annotations

from realtime.audio.watch import PATIENCE_S, RETRY_S, Watch


def test_a_device_that_gives_is_left_alone() -> None:
    watch = Watch(0.0)
    watch.sign(10.0)
    assert not watch.lost(10.0 + PATIENCE_S)
    assert not watch.should_reopen(10.0 + PATIENCE_S)


def test_a_quiet_device_is_tried_once_a_second_until_it_gives() -> None:
    watch = Watch(0.0)
    tries = [now / 100 for now in range(500) if watch.should_reopen(now / 100)]
    assert tries == [0.51 + n * RETRY_S for n in range(5)]
    watch.sign(5.0)
    assert not watch.should_reopen(5.2)
