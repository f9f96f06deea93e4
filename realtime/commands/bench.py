"""`bench`: engine, kernels and call."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from realtime.audio.sources import sound_blocks
from realtime.avatar_file import Avatar
from realtime.backdrop import Background
from realtime.clock import Sound
from realtime.commands import bench_gpu
from realtime.commands.common import (
    ASSETS,
    Arguments,
    build_engine,
    fastest_backend,
    fastest_on_cpu,
    load_networks,
    report,
    report_crowds,
    write_picture,
)
from realtime.engine import Engine
from realtime.gallery import AvatarGallery
from realtime.measure.bench_engine import bench_engine, multiply_adds
from realtime.measure.bench_kernels import bench_kernels
from realtime.measure.bench_sessions import bench_sessions
from realtime.measure.step_parts import step_parts
from realtime.models.networks import Networks
from realtime.models.renderer import Backend, backends
from realtime.outputs.playback import blocks_of
from realtime.outputs.video_file import VideoFile

_PROFILED_STEPS = 100
# Enough of the sample for lips that move, not for a blink.
_COUNTED_STEPS = 16
_SHOWN_PEOPLE = 6


def engine(arguments: Arguments) -> None:
    """The engine's step, and with --sessions how many share the machine."""
    networks = load_networks()
    if arguments.device != "cpu":
        bench_gpu.engine(networks, arguments)
        return
    threads = torch.get_num_threads()
    backend = fastest_on_cpu(networks)
    engine = build_engine(networks, arguments, backend)
    blocks = list(blocks_of(sound_blocks(arguments.speech)))
    engine.step(blocks[0])
    first_frame_s = time.perf_counter() - arguments.started
    counted = build_engine(networks, arguments, Backend("torch", torch.float64))
    with TemporaryDirectory() as folder:
        result = bench_engine(
            engine,
            blocks,
            output=VideoFile(Path(folder) / "beside.mp4", arguments.size),
            multiply_adds=multiply_adds(counted, blocks[:_COUNTED_STEPS]),
            threads=threads,
            seconds=arguments.seconds,
            lookahead_ms=arguments.lookahead_ms,
            first_frame_s=first_frame_s,
            now=time.perf_counter,
        )
    result |= step_parts(engine, blocks[:_PROFILED_STEPS], time.perf_counter)
    result["backend"] = str(backend)
    if arguments.sessions > 1 or arguments.png:
        result |= _crowd(networks, backend, blocks, arguments)
    report(result, arguments.json)


def _crowd(
    networks: Networks, backend: Backend, blocks: list[Sound], arguments: Arguments
) -> dict[str, float | int]:
    """One session, two, and so on to as many as were asked for: prints all, returns the last."""
    engines = [build_engine(networks, arguments, backend) for _ in range(arguments.sessions)]
    crowds = bench_sessions(engines, blocks, seconds=arguments.seconds, now=time.perf_counter)
    return report_crowds(crowds, arguments.png)


def edit(arguments: Arguments) -> None:
    """Red lips and auburn hair on the avatar, against itself; how looks are switched live."""
    from realtime.commands.make import enroll_portrait
    from realtime.enroll.edit import Edit, edited, named_style
    from realtime.enroll.look_sheet import look_sheet, talking_sheet
    from realtime.measure.bench_edit import compare, switch_live
    from realtime.measure.pose_range import pose_range
    from realtime.measure.region_codes import enrolled
    from realtime.models.face_parser import load_parser

    networks, parser = load_networks(), load_parser()
    backend = fastest_backend(networks)
    avatar = AvatarGallery(ASSETS).find(arguments.avatar)
    edits = [
        Edit({part: named_style(part, name)})
        for part, name in (("lips", "red"), ("hair", "auburn"), ("lips", "berry"))
    ]

    def make_engine(avatar: Avatar, background: Background = None) -> Engine:
        return Engine(
            networks,
            avatar,
            size=arguments.size,
            seed=arguments.seed,
            background=background,
            backend=backend,
        )

    def change(avatar: Avatar, edit: Edit) -> Avatar:
        return edited(avatar, edit, parser, networks)

    blocks = list(islice(blocks_of(sound_blocks(arguments.speech)), round(25 * arguments.seconds)))
    result: dict[str, float] = {**pose_range(avatar, arguments.size)}
    for each in edits[:2]:
        for name, value in compare(networks, parser, avatar, each, make_engine, blocks).items():
            result[name] = max(value, result.get(name, value))
    looks = [partial(change, avatar, each) for each in edits]
    result |= switch_live(make_engine(avatar), looks, blocks, time.perf_counter, time.sleep)
    if arguments.sheet:
        avatars = [AvatarGallery(ASSETS).load(name) for name in AvatarGallery(ASSETS).names()]
        write_picture(look_sheet(avatars, change), arguments.sheet)
    if arguments.portraits:
        enroll = partial(enroll_portrait, networks, landmarker_file=None)
        people = enrolled(arguments.portraits, enroll)
        result |= _region_codes(people, arguments.png)
        if arguments.talking:
            shown = people[:: math.ceil(len(people) / _SHOWN_PEOPLE)]
            write_picture(talking_sheet(shown, change, make_engine, blocks), arguments.talking)
    report(result, arguments.json)


def _region_codes(people: Sequence[Avatar], png: Path | None) -> dict[str, float]:
    from realtime.measure.region_codes import codes_of, plot, silhouette

    codes, regions = codes_of(people)
    if png:
        plot(codes, regions, png)
    return {"codes": float(len(codes)), "silhouette": silhouette(codes, regions)}


def kernels(arguments: Arguments) -> None:
    """Layer by layer, then in sum."""
    if arguments.device == "cuda":
        bench_gpu.kernels(arguments)
        return
    result, rows = bench_kernels(backends(), time.perf_counter)
    print(f"{'layer':>24}  plain ms   ours ms  R-fold ms")
    for row in rows:
        print(f"{row.name:>24}  {row.plain_ms:8.2f}  {row.ours_ms:8.2f}   {row.rfold_ms:8.2f}")
    report(result, arguments.json)
