"""Real voices to measure with: who says what, and when which phone."""

from __future__ import annotations

import csv
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from realtime.audio.sources import read_sound
from realtime.clock import SAMPLE_RATE, Sound

_DRIVING_S = 10
# By clip, the second at which a voice begins that drives portraits: the ten seconds in which the
# speaker's own lips miss fewest of an outside meter's gates, and say most; the three speakers who
# miss fewest.
_DRIVING = {
    "polads__security_and_foreign_policy_video1": 17,
    "polads__healthcare_and_prescription_drugs_video1": 31,
    "styletalk__andrew_clip_2": 0,
}


@dataclass(frozen=True)
class Voice:
    """sound: int16 [N]; phones: name, start and end in seconds; none where nobody noted them."""

    name: str
    sound: Sound
    phones: Sequence[tuple[str, float, float]]

    def part(self, start: int, seconds: int) -> Voice:
        """What is said from the second `start` on, with the phones that lie wholly in it."""
        end = start + seconds
        phones = [(p, a - start, b - start) for p, a, b in self.phones if start <= a and b <= end]
        return Voice(self.name, self.sound[start * SAMPLE_RATE : end * SAMPLE_RATE], phones)

    def write_sound(self, path: Path) -> None:
        """As a WAV file."""
        with wave.open(str(path), "wb") as file:
            file.setparams((1, self.sound.itemsize, SAMPLE_RATE, 0, "NONE", ""))
            file.writeframes(self.sound.astype("<i2").tobytes())

    def write_phones(self, path: Path) -> None:
        """As TSV: phone, start_s, end_s."""
        rows = [f"{phone}\t{start:.3f}\t{end:.3f}" for phone, start, end in self.phones]
        path.write_text("\n".join(["phone\tstart_s\tend_s", *rows]) + "\n", "utf-8")


def measuring_voices(measure: Path) -> Iterator[Voice]:
    """Every clip of `sync_rows.tsv` in the folder `measure`, whole."""
    spoken: dict[str, list[tuple[str, float, float]]] = {}
    for row in _rows(measure / "phones.tsv"):
        if row["kind"] == "phone" and row["label"] != "?":
            phone = row["label"], float(row["start_s"]), float(row["end_s"])
            spoken.setdefault(row["clip"], []).append(phone)
    for row in _rows(measure / "sync_rows.tsv"):
        place, clip = measure / "motion" / row["speaker"], row["clip"]
        with np.load(place.with_suffix(".npz")) as motion:
            at = [str(name) for name in motion["clip"]].index(clip)
            first, count = int(motion["sample0"][at]), int(motion["samples"][at])
        sound = read_sound(place.with_suffix(".opus"))[first : first + count]
        yield Voice(clip, sound, spoken.get(clip, []))


def driving_voices(measure: Path) -> list[Voice]:
    """Ten seconds of each of the three voices that drive portraits."""
    return [
        voice.part(_DRIVING[voice.name], _DRIVING_S)
        for voice in measuring_voices(measure)
        if voice.name in _DRIVING
    ]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))
