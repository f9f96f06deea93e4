"""Real voices to measure with: who says what, and when which phone."""

from __future__ import annotations

import wave
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from realtime.audio.sources import read_sound
from realtime.clock import SAMPLE_RATE, Sound
from realtime.models.audio_encoder import PHONES
from realtime.training.phones import UNKNOWN, Phone, read_phones, rows

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
    """sound: int16 [N]; phones: in seconds of the sound; none where nobody noted them."""

    name: str
    sound: Sound
    phones: Sequence[Phone]

    def part(self, start: int, seconds: int) -> Voice:
        """What is said from the second `start` on, with the phones that lie wholly in it."""
        end = start + seconds
        phones = [
            Phone(phone.index, phone.start - start, phone.end - start)
            for phone in self.phones
            if start <= phone.start and phone.end <= end
        ]
        return Voice(self.name, self.sound[start * SAMPLE_RATE : end * SAMPLE_RATE], phones)

    def write_sound(self, path: Path) -> None:
        """As a WAV file."""
        with wave.open(str(path), "wb") as file:
            file.setparams((1, self.sound.itemsize, SAMPLE_RATE, 0, "NONE", ""))
            file.writeframes(self.sound.astype("<i2").tobytes())

    def write_phones(self, path: Path) -> None:
        """As TSV: phone, start_s, end_s."""
        table = [f"{PHONES[each.index]}\t{each.start:.3f}\t{each.end:.3f}" for each in self.phones]
        path.write_text("\n".join(["phone\tstart_s\tend_s", *table]) + "\n", "utf-8")


def measuring_voices(measure: Path, clips: Container[str] | None = None) -> Iterator[Voice]:
    """Every clip of `sync_rows.tsv` in the folder `measure`, or some of them, whole."""
    spoken = read_phones(measure / "phones.tsv", "clip", "label")
    for row in rows(measure / "sync_rows.tsv"):
        place, clip = measure / "motion" / row["speaker"], row["clip"]
        if clips is not None and clip not in clips:
            continue
        with np.load(place.with_suffix(".npz")) as motion:
            at = [str(name) for name in motion["clip"]].index(clip)
            first, count = int(motion["sample0"][at]), int(motion["samples"][at])
        sound = read_sound(place.with_suffix(".opus"))[first : first + count]
        yield Voice(clip, sound, [each for each in spoken[clip] if each.index != UNKNOWN])


def driving_voices(measure: Path) -> list[Voice]:
    """Ten seconds of each of the three voices that drive portraits."""
    return [
        voice.part(_DRIVING[voice.name], _DRIVING_S)
        for voice in measuring_voices(measure, _DRIVING)
    ]
