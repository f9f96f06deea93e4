"""The engine: one frame a step, in sync, repeatable, blind to what it has not heard."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import numpy as np
import pytest

from realtime.backdrop import colour
from realtime.clock import FRAME_RATE, FRAME_SAMPLES, Sound, lookahead_frames
from realtime.engine import Engine, Outfit
from realtime.frame import Frame
from realtime.idle import IdleLife
from realtime.manner import Manner
from realtime.models.renderer import Layers, render
from realtime.outputs.playback import blocks_of, play
from tests.avatars import drawn_avatar, untrained_networks

SIZE = (256, 192)


class Hashes:
    """An output that keeps a hash of every picture."""

    def __init__(self, kept: list[int]) -> None:
        self._kept = kept

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *left_by: object) -> None:
        pass

    def write(self, frame: Frame) -> None:
        self._kept.append(hash(frame.image.tobytes()))


def make_engine(lookahead_ms: int = 80, seed: int = 0) -> Engine:
    return Engine(
        untrained_networks(), drawn_avatar(), lookahead_ms=lookahead_ms, size=SIZE, seed=seed
    )


def noise(frames: int, seed: int = 1) -> Sound:
    swell = 4000 * np.abs(np.sin(np.arange(frames * FRAME_SAMPLES) / 3000))
    return (swell * np.random.default_rng(seed).standard_normal(len(swell))).astype(np.int16)


def run(engine: Engine, sound: Sound) -> list[Frame]:
    return [engine.step(block) for block in blocks_of([sound])]


def same(one: list[Frame], other: list[Frame]) -> bool:
    return all(np.array_equal(a.image, b.image) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("lookahead_ms", [0, 40, 80, 120])
def test_every_step_gives_the_next_frame_and_the_sound_of_lookahead_ago(lookahead_ms: int) -> None:
    sound = noise(6)
    frames = run(make_engine(lookahead_ms), sound)
    assert [frame.index for frame in frames] == list(range(6))
    assert all(frame.image.shape == (SIZE[1], SIZE[0], 3) for frame in frames)
    heard = np.concatenate([frame.sound for frame in frames])
    delay = lookahead_frames(lookahead_ms) * FRAME_SAMPLES
    assert not heard[:delay].any()
    assert np.array_equal(heard[delay:], sound[: len(sound) - delay])


def test_the_same_seed_gives_the_same_frames_and_another_one_others() -> None:
    first, again = (run(make_engine(), noise(5)) for _ in range(2))
    assert same(first, again)
    assert not same(first, run(make_engine(seed=1), noise(5)))


@pytest.mark.parametrize("piece", [1, 159, 640, 1000, 160_000])
def test_the_size_of_the_pieces_does_not_matter(piece: int) -> None:
    sound = noise(4)
    engine = make_engine()
    pieces = [sound[i : i + piece] for i in range(0, len(sound), piece)]
    assert same([engine.step(b) for b in blocks_of(pieces)], run(make_engine(), sound))


def test_what_is_rendered_is_what_is_fed_live() -> None:
    # Longer than anything that the encoder, the head and the lids remember.
    sound = noise(10 * FRAME_RATE)
    rendered: list[int] = []
    live = make_engine()
    play(make_engine(), [sound], [Hashes(rendered)], lookahead=2, now=float)
    fed = [hash(live.step(block).image.tobytes()) for block in blocks_of([sound])]
    assert rendered[: len(fed) - 2] == fed[2:]
    assert len(set(fed)) > 0.99 * len(fed), "every frame is another"


def test_a_face_that_keeps_still_is_rendered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, rendered = make_engine(), []

    def counted(*arguments: Any) -> Layers:
        rendered.append(arguments)
        return render(*arguments)

    monkeypatch.setattr("realtime.engine.render", counted)
    monkeypatch.setattr(IdleLife, "blink", lambda *_: 0.0)
    silence = np.zeros(FRAME_SAMPLES, np.int16)
    frames = [engine.step(silence) for _ in range(25)]
    assert not rendered
    assert not same(frames[:1], frames[-1:]), "the head moves all the same"
    run(engine, noise(8))
    assert len(rendered) >= 6, "a voice moves the lips"


@pytest.mark.parametrize("lookahead_ms", [0, 80])
def test_sound_beyond_the_lookahead_changes_nothing_before(lookahead_ms: int) -> None:
    sound = noise(9)
    other = sound.copy()
    other[6 * FRAME_SAMPLES :] = noise(3, seed=2)
    one, two = (run(make_engine(lookahead_ms), each) for each in (sound, other))
    assert same(one[:6], two[:6])
    assert not same(one[6:], two[6:]), "but it does change what comes after"


def test_a_reset_forgets_the_sound_that_was_not_shown() -> None:
    engine = make_engine()
    run(engine, noise(4))
    engine.reset()
    frame = engine.step(np.zeros(FRAME_SAMPLES, np.int16))
    assert frame.index == 4
    assert not frame.sound.any()


def test_a_step_that_is_not_fresh_shows_the_picture_before_and_hears_all_the_same() -> None:
    blocks = list(blocks_of([noise(8)]))
    engine = make_engine()
    late = [engine.step(block, fresh=place not in (3, 4)) for place, block in enumerate(blocks)]
    frames = run(make_engine(), noise(8))
    assert all(np.array_equal(late[place].image, frames[2].image) for place in (3, 4))
    kept = [place for place in range(8) if place not in (3, 4)]
    assert same([late[place] for place in kept], [frames[place] for place in kept])
    assert all(np.array_equal(a.sound, b.sound) for a, b in zip(late, frames, strict=True))


def test_a_block_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="640"):
        make_engine().step(np.zeros(639, np.int16))


def test_another_look_goes_on_with_the_same_talk() -> None:
    sound = noise(12)
    unchanged, engine = make_engine(), make_engine()
    blocks = list(blocks_of([sound]))
    expected = [unchanged.step(block) for block in blocks]
    frames = [engine.step(block) for block in blocks[:6]]
    other = engine.changed(Outfit(drawn_avatar(), colour("#204060"), Manner()))
    frames += [other.step(block) for block in blocks[6:]]
    assert [frame.index for frame in frames] == list(range(12))
    assert all(np.array_equal(a.sound, b.sound) for a, b in zip(frames, expected, strict=True))
    assert same(frames, expected), "the drawn person hides the whole background"


def test_the_same_look_is_not_made_again() -> None:
    avatar = drawn_avatar()
    engine = Engine(untrained_networks(), avatar, size=SIZE)
    other = engine.changed(replace(engine.outfit, manner=Manner(roll=5.0)))
    assert other._look is engine._look
    frames = run(other, noise(40))
    straight = run(make_engine(), noise(40))
    assert np.array_equal(frames[0].image, straight[0].image), "the head sets out from where it was"
    assert not np.array_equal(frames[-1].image, straight[-1].image)
