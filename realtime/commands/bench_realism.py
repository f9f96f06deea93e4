"""`bench portraits` and `bench voices`: videos of strangers, before an outside meter."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from realtime.commands.common import (
    Arguments,
    build_engine,
    fastest_backend,
    load_networks,
    make_folder,
    report,
)
from realtime.commands.drive import Take, plan, speak, videos
from realtime.enroll.portrait import pictures_under
from realtime.errors import InputError
from realtime.measure.outside_meter import (
    OutsideMeter,
    Verdict,
    gate_table,
    means,
    metric_table,
    read_gates,
)
from realtime.measure.voices import Voice, driving_voices, measuring_voices
from realtime.outputs.progress import bar

_LIPS = ("sync_conf", "sync_offset_ms", "closure_rate", "closure_gap", "rounding", "lip_gap_std")


def portraits(arguments: Arguments) -> None:
    """Portraits of people never seen, each driven by three real voices; which gates they pass."""
    measure = _measuring(arguments.data)
    gates = read_gates(arguments.gates)
    people = pictures_under(measure / "portraits")[:: arguments.every]
    sounds = _written(driving_voices(measure), arguments.out)
    takes = plan(measure / "portraits", people, list(sounds), arguments.out / "videos")
    made = videos(takes, arguments.size, arguments.landmarker)
    meter = OutsideMeter(shlex.split(arguments.meter), arguments.gates)
    verdicts = list(_judged(meter, made, sounds).values())
    print(gate_table(verdicts, gates))
    missed = [len(verdict.missed) for verdict in verdicts]
    result = {"videos": len(verdicts), "pass_all": missed.count(0), "miss_one": missed.count(1)}
    report(result, arguments.json)


def voices(arguments: Arguments) -> None:
    """The avatar says what sixteen real people said; how well its lips fit."""
    heard = list(measuring_voices(_measuring(arguments.data)))
    sounds = _written(heard, arguments.out)
    folder = arguments.out / f"{arguments.avatar}-{arguments.lookahead_ms}"
    make_folder(folder)
    takes = [Take(None, sound, folder / f"{sound.stem}.mp4") for sound in sounds]
    meter = OutsideMeter(shlex.split(arguments.meter))
    judged = _judged(meter, _said(takes, arguments), sounds)
    print(metric_table({take.voice.stem: each for take, each in judged.items()}, _LIPS))
    verdicts = list(judged.values())
    offsets = [abs(verdict.metrics["sync_offset_ms"]) for verdict in verdicts]
    report(means(verdicts, _LIPS) | {"worst_offset_ms": max(offsets)}, arguments.json)


def _measuring(data: Path) -> Path:
    if not (data / "measure" / "sync_rows.tsv").is_file():
        raise InputError(f"expected --data to be the folder of `measure`, found none in {data}")
    return data / "measure"


def _written(voices: Iterable[Voice], out: Path) -> dict[Path, Path | None]:
    """The voices as sound files, and what tells their phones, where they are known."""
    make_folder(out / "voices")
    written: dict[Path, Path | None] = {}
    for voice in voices:
        sound = out / "voices" / f"{voice.name}.wav"
        voice.write_sound(sound)
        phones = sound.with_suffix(".tsv") if voice.phones else None
        if phones:
            voice.write_phones(phones)
        written[sound] = phones
    return written


def _said(takes: Sequence[Take], arguments: Arguments) -> Iterator[Take]:
    networks = load_networks()
    backend = fastest_backend(networks)
    with bar("voices", len(takes)) as advance:
        for take in takes:
            if not take.video.exists():
                speak(build_engine(networks, arguments, backend), take.voice, take.video)
            yield take
            advance()


def _judged(
    meter: OutsideMeter, takes: Iterable[Take], phones: Mapping[Path, Path | None]
) -> dict[Take, Verdict]:
    """Each take's verdict: one video is measured while the next is made."""
    asked: list[tuple[Take, Future[Verdict]]] = []
    with ThreadPoolExecutor(max_workers=1) as beside:
        for take in takes:
            if asked:  # a meter that does not run is told of at once
                asked[-1][1].result()
            given = {"phones": phones[take.voice], "portrait": take.portrait}
            asked.append((take, beside.submit(meter.measure, take.video, **given)))
        return {take: verdict.result() for take, verdict in asked}
