"""The shipped speech sample: sentences of one held-out synthetic voice, and a silence of 2 s."""

from __future__ import annotations

import csv
from pathlib import Path

import av
import numpy as np

from realtime.audio.sources import read_sound
from realtime.clock import SAMPLE_RATE, Sound, samples_to_seconds, seconds_to_samples

# Two sentences, a silence, three more: P, B, M, F, V, W and open vowels are all among them.
SENTENCES = ("u01031", "u02703", "u00542", "u02724", "u01690")
PAUSES_S = (0.25, 2.0, 0.25, 0.25)
# So much of a sentence's own silence is kept before and after it.
_MARGIN_S = 0.15
_FILE = "test_00"

Row = tuple[str, float, float]


def make_sample(data: Path, out: Path) -> None:
    """Writes speech.opus and speech.tsv (phone, start_s, end_s) into the folder `out`.

    data: the folder that holds `clean`.
    """
    sound = read_sound(data / "clean" / "tts" / f"{_FILE}.opus")
    rows = [row for row in _rows(data / "clean" / "tts" / "phones.tsv") if row["file"] == _FILE]
    parts: list[Sound] = []
    phones: list[Row] = []
    for utterance, pause in zip(SENTENCES, (*PAUSES_S, 0.0), strict=True):
        spoken = [
            (row["phone"], float(row["start_s"]), float(row["end_s"]))
            for row in rows
            if row["utterance"] == utterance
        ][1:-1]
        first, last = spoken[0][1] - _MARGIN_S, spoken[-1][2] + _MARGIN_S
        shift = samples_to_seconds(sum(map(len, parts))) - first
        cut = sound[seconds_to_samples(first) : seconds_to_samples(last)]
        parts += [cut, np.zeros(seconds_to_samples(pause), np.int16)]
        phones += [(phone, start + shift, end + shift) for phone, start, end in spoken]
        if pause:
            phones.append(("sil", phones[-1][2], samples_to_seconds(sum(map(len, parts)))))
    _write_opus(out / "speech.opus", np.concatenate(parts))
    lines = [f"{phone}\t{start:.3f}\t{end:.3f}" for phone, start, end in phones]
    (out / "speech.tsv").write_text("\n".join(["phone\tstart_s\tend_s", *lines, ""]), "utf-8")


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def _write_opus(path: Path, sound: Sound) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libopus", rate=SAMPLE_RATE, layout="mono")
        stream.bit_rate = 32_000
        frame = av.AudioFrame.from_ndarray(sound[np.newaxis], format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
