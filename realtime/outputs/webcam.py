"""A camera and a microphone called "Avatar" in any call app."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console

from realtime.audio.microphone import Microphone
from realtime.audio.portaudio import PortAudio
from realtime.beside import step_aside
from realtime.clock import FRAME_RATE
from realtime.errors import OutputError
from realtime.frame import Steps
from realtime.outputs.camera import CAMERA_SIZES, Camera
from realtime.outputs.feed import Feed
from realtime.outputs.keys import TerminalKeys
from realtime.outputs.live_call import LiveCall
from realtime.outputs.live_loop import LiveLoop
from realtime.outputs.live_view import Health, live_view
from realtime.outputs.recording import Recording
from realtime.outputs.schedule import Backlog, Schedule
from realtime.outputs.video_file import VideoFile
from realtime.outputs.virtual_microphone import Voice, open_voice
from realtime.outputs.wardrobe import Clothes, Wardrobe

# A second of pictures: 70 MB at 1280x720.
_RECORDING_FRAMES = FRAME_RATE


@dataclass(frozen=True)
class WebcamOptions:
    """What the user may choose; None is the system's default.

    `microphone` is a number or part of a name, `camera` a device as the system names it, `record`
    an .mp4, `fps` 25 or 30, `lookahead_ms` the engine's.
    """

    lookahead_ms: int
    microphone: str | None = None
    camera: str | None = None
    record: Path | None = None
    fps: int = FRAME_RATE


def run_webcam(engine: Steps, clothes: Clothes, options: WebcamOptions, console: Console) -> Health:
    """Is in the call until q or Ctrl-C, and gives its last state.

    `engine` shows the first of `clothes`; others are made beside the call.

    The camera has the pictures' size, if call apps know that, else they are put into 1280x720.
    Raises InputError without a microphone and OutputError without a virtual camera or a place for
    the recording; a missing virtual microphone is told, and the call goes on without.
    """
    # Messages hold commands such as pip install "x[webcam]", to be copied as they are.
    say = partial(console.print, markup=False, highlight=False, soft_wrap=True)
    with ExitStack() as parts:
        card = PortAudio()
        size = engine.size if engine.size in CAMERA_SIZES else CAMERA_SIZES[0]
        camera = Camera(options.camera, size, options.fps)
        feeds = [parts.enter_context(Feed(camera, Schedule(options.fps), say))]
        if options.record is not None:
            feeds.append(parts.enter_context(_recording(options.record, engine, say)))
        voice = _voice(card, say)
        if voice is not None:
            parts.enter_context(voice)
        own = voice.hears_itself if voice is not None else lambda: False
        microphone = parts.enter_context(Microphone(card, options.microphone, is_our_own=own))
        playout = voice.playout if voice is not None else None
        tailor = parts.enter_context(ThreadPoolExecutor(1, "tailor", step_aside))
        wardrobe = Wardrobe(clothes, tailor, say)
        loop = LiveLoop(engine, feeds, playout, time.monotonic)
        call = LiveCall(loop, microphone, feeds, playout, wardrobe, say, options.lookahead_ms)
        say(f'In the call app pick "{camera.name}" as camera; start it after us.')
        parts.enter_context(live_view(call.health, console))
        keys = parts.enter_context(TerminalKeys())
        with suppress(KeyboardInterrupt):
            call.run(keys)
        return call.health()


def _recording(path: Path, engine: Steps, say: Callable[[str], None]) -> Feed:
    recording = Recording(VideoFile(path, engine.size), path, say)
    return Feed(recording, Backlog(_RECORDING_FRAMES), say)


def _voice(card: PortAudio, say: Callable[[str], None]) -> Voice | None:
    try:
        return open_voice(card, say)
    except OutputError as error:
        say(str(error))
        say("Until then pick your own microphone in the call app, and use --lookahead-ms 0.")
        return None
