"""`bench edit`: does an edit change what it should and nothing else; can it be switched live?"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.avatar_file import Avatar
from realtime.beside import step_aside
from realtime.clock import FRAME_MS, Sound
from realtime.engine import Engine, Outfit
from realtime.enroll.edit import Edit, edited
from realtime.enroll.parse import parse
from realtime.enroll.parts import lab, part_share
from realtime.frame import Picture
from realtime.models.face_parser import FaceParser
from realtime.models.networks import Networks

Field = NDArray[np.float32]
MakeEngine = Callable[[Avatar], Engine]

# Pixels of a 256 pixel high face crop around an edited part that may change with it; a pixel that
# belongs this much to a part shows its colour.
_MARGIN, _INSIDE = 8, 0.9
_CROP_SHARE = 0.6  # of the frame's height that the crop's side is shown at, about


def compare(
    networks: Networks,
    parser: FaceParser,
    avatar: Avatar,
    edit: Edit,
    engine: MakeEngine,
    blocks: Sequence[Sound],
) -> dict[str, float]:
    """Of a restyled avatar speaking the blocks, against itself unedited.

    outside_level: the greatest mean absolute difference of a frame beyond the edited parts and
    their margin, levels of 255. PART_moved: how far the mean colour of a part came on the way to
    the donor's, 0..1, over all frames.
    """
    after = edited(avatar, edit, parser, networks)
    parsed = parse(parser, avatar.picture, avatar.points)
    shares = {part: part_share(avatar, part, parsed) for part in edit.styles}
    marked = [replace(avatar, picture=_grey(share)) for share in shares.values()]
    engines = [engine(each) for each in (avatar, after, *marked)]
    outside, own, new = [], [], []
    for block in blocks:
        frame, changed, *marks = (each.step(block).image for each in engines)
        places = [np.asarray(mark[..., 0] / np.float32(255), np.float32) for mark in marks]
        outside.append(_difference(frame, changed, np.max(places, axis=0)))
        own.append([_mean(frame, place) for place in places])
        new.append([_mean(changed, place) for place in places])
    moved = {
        f"{part}_moved": _share_of_way(before, now, edit.styles[part].colours.mean)
        for part, before, now in zip(shares, np.mean(own, 0), np.mean(new, 0), strict=True)
    }
    return {"outside_level": round(max(outside), 3)} | moved


def _grey(share: Field) -> Picture:
    return np.repeat(np.round(share * 255).astype(np.uint8)[..., None], 3, -1)


def _difference(one: Picture, other: Picture, inside: Field) -> float:
    reach = round(_MARGIN * one.shape[0] * _CROP_SHARE / 256)
    near = cv2.dilate(inside, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 1 / 255
    return float(cv2.absdiff(one, other)[~near].mean())


def _mean(frame: Picture, inside: Field) -> Field:
    return np.asarray(lab(frame)[inside > _INSIDE * inside.max()].mean(0))


def _share_of_way(before: Field, after: Field, donor: Field) -> float:
    way = donor - before
    return round(float((after - before) @ way / (way @ way)), 3)


def switch_live(
    engine: Engine,
    others: Iterable[Callable[[], Avatar]],
    blocks: Sequence[Sound],
    now: Callable[[], float],
    sleep: Callable[[float], None],
) -> dict[str, float]:
    """Steps through half of the blocks in real time, and then through the others while other looks
    are made beside, one after another, each swapped in between two steps.

    Of both halves ("alone", "switch"): the longest step and the median, ms, and how many frames
    came too late.
    """
    ready: list[Engine] = []

    def make() -> None:
        step_aside()
        current = engine
        for avatar in others:
            made = avatar()
            current = current.changed(Outfit(made, None, made.manner))
            ready.append(current)

    def figures(name: str, blocks: Sequence[Sound]) -> dict[str, float]:
        steps, late, began = [], 0, now()
        for index, block in enumerate(blocks):
            sleep(max(began + index * FRAME_MS / 1000 - now(), 0))
            current = [engine, *ready][-1]
            before = now()
            current.step(block)
            steps.append((now() - before) * 1000)
            late += now() > began + (index + 2) * FRAME_MS / 1000
        return {
            f"{name}_longest_step_ms": round(max(steps), 1),
            f"{name}_step_p50_ms": round(float(np.median(steps)), 1),
            f"{name}_late_frames": float(late),
        }

    middle = len(blocks) // 2
    alone = figures("alone", blocks[:middle])
    beside = threading.Thread(target=make)
    beside.start()
    switching = figures("switch", blocks[middle:])
    switches = float(len(ready))
    beside.join()
    return {**alone, **switching, "switches": switches}
