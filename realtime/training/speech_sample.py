"""The shipped speech sample: sentences of one held-out synthetic voice, and a silence of 2 s."""

from __future__ import annotations

import csv
from pathlib import Path

import av
import numpy as np

from realtime.audio.sources import read_sound
from realtime.clock import SAMPLE_RATE, Sound, samples_to_seconds, seconds_to_samples

# Two sentences, a silence, two more: P, B, M, F, V, W and open vowels are all among them.
SENTENCES = ("u01031", "u02703", "u00542", "u02724")
PAUSES_S = (0.3, 2.0, 0.3)
_FILE = "test_00"

Row = tuple[str, float, float]


def make_sample(data: Path, out: Path) -> None:
    """Writes speech.opus and speech.tsv (phone, start_s, end_s) into the folder `out`.

    data: the folder that holds `clean`.
    """
    sound = read_sound(data / "clean" / "tts" / f"{_FILE}.opus")
    starts = {
        row["utterance"]: (int(row["start_sample"]), int(row["samples"]))
        for row in _rows(data / "clean" / "tts" / "sentences.tsv")
    }
    parts: list[Sound] = []
    phones: list[Row] = []
    for utterance, pause in zip(SENTENCES, (*PAUSES_S, 0.0), strict=True):
        first, count = starts[utterance]
        shift = samples_to_seconds(sum(map(len, parts)) - first)
        phones += [
            (row["phone"], float(row["start_s"]) + shift, float(row["end_s"]) + shift)
            for row in _rows(data / "clean" / "tts" / "phones.tsv")
            if row["file"] == _FILE and row["utterance"] == utterance
        ]
        parts += [sound[first : first + count], np.zeros(seconds_to_samples(pause), np.int16)]
        if pause:
            end = samples_to_seconds(sum(map(len, parts)))
            phones.append(("sil", end - pause, end))
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
