"""`demo` and `render`: an avatar speaks a sound file into a video."""

from __future__ import annotations

import time

from rich import print as show

from realtime.audio.sources import read_sound
from realtime.clock import FRAME_SAMPLES, frame_time, lookahead_frames
from realtime.commands.common import Arguments, build_engine, fastest_backend, load_networks
from realtime.commands.scenery import pose_track, scenery
from realtime.idle import IdleLife
from realtime.measure.latency import latency_table
from realtime.outputs.contact_sheet import ContactSheet, evenly, moments, read_phones
from realtime.outputs.output import Output
from realtime.outputs.playback import LivePace, Pace, Timings, Unpaced, play
from realtime.outputs.progress import bar
from realtime.outputs.video_file import VideoFile


def demo(arguments: Arguments) -> None:
    """Paced as a live call would be."""
    timings = perform(arguments, LivePace(time.perf_counter, time.sleep))
    first = timings.done[lookahead_frames(arguments.lookahead_ms)] - arguments.started
    show(latency_table(timings, arguments.lookahead_ms))
    print(f"first frame {first:.2f} s after the program's start")


def render(arguments: Arguments) -> None:
    """As fast as it can."""
    timings = perform(arguments, Unpaced())
    took = timings.done[-1] - timings.done[0]
    print(f"{frame_time(len(timings.done)):.1f} s of video in {took:.1f} s")


def perform(arguments: Arguments, pace: Pace) -> Timings:
    """Plays the speech through the avatar into a file, and into a contact sheet if asked."""
    sound = read_sound(arguments.speech)
    lookahead = lookahead_frames(arguments.lookahead_ms)
    frames = -(-len(sound) // FRAME_SAMPLES)
    patient = isinstance(pace, Unpaced)
    background = scenery(arguments.background, arguments.size, patient=patient)
    track = pose_track(arguments)
    networks = load_networks()
    engine = build_engine(networks, arguments, fastest_backend(networks), background, track)
    outputs: list[Output] = [VideoFile(arguments.out, arguments.size)]
    if arguments.contact_sheet:
        outputs.append(contact_sheet(arguments, frames, lookahead))
    with bar(arguments.out.name, frames) as advance:
        timings = play(
            engine,
            [sound],
            outputs,
            lookahead=lookahead,
            now=time.perf_counter,
            pace=pace,
            progress=lambda _: advance(),
        )
    print(f"wrote {arguments.out}")
    return timings


def contact_sheet(arguments: Arguments, frames: int, lookahead: int) -> Output:
    """Frames chosen by the phones beside the speech (same name, .tsv), else evenly spaced."""
    phones = arguments.speech.with_suffix(".tsv")
    idle = IdleLife(arguments.seed)
    chosen = (
        moments(read_phones(phones), lambda index: idle.blink(index + lookahead), frames)
        if phones.is_file()
        else evenly(frames)
    )
    return ContactSheet(arguments.contact_sheet, chosen)
