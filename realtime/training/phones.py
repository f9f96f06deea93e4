"""Phone labels of a whole sound file on a 10 ms grid."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from realtime.models.audio_encoder import PHONES

GRID_SECONDS = 0.01
UNKNOWN = 255  # no label here: left out of every loss and every score
INDEX = {phone: i for i, phone in enumerate(PHONES)}

_IPA = "ɑ æ ʌ ə ɔ W I ɛ ɜ A ɪ ᵻ i O Q Y ʊ u ᵊ ɒ a b d ð f ɡ h ʤ k l m n ŋ p ɹ s ʃ t ɾ θ v w j z ʒ ʧ"
_ARPABET = (
    "AA AE AH AH AO AW AY EH ER EY IH IH IY OW OW OY UH UW AH AA AA B D DH F G HH JH K L M N NG P"
    " R S SH T D TH V W Y Z ZH CH"
)
_FROM_IPA = dict(zip(_IPA.split(), _ARPABET.split(), strict=True)) | {"sil": "SIL"}


@dataclass(frozen=True)
class Phone:
    """A phone (index into PHONES, or UNKNOWN) and its time in seconds of its file or clip."""

    index: int
    start: float
    end: float


def rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of one of the data set's unquoted .tsv files."""
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)


def read_phones(path: Path, key: str, name: str) -> dict[str, list[Phone]]:
    """ARPAbet phones of a .tsv file by the column `key`; `name` is the column of the phone."""
    found: dict[str, list[Phone]] = defaultdict(list)
    for row in rows(path):
        if row.get("kind", "phone") == "phone":
            index = INDEX.get(row[name], UNKNOWN)
            found[row[key]].append(Phone(index, float(row["start_s"]), float(row["end_s"])))
    return found


def read_kokoro_phones(path: Path) -> dict[str, list[Phone]]:
    """Phones of the synthetic voices by file; a word border belongs to the phone before it."""
    found: dict[str, list[Phone]] = defaultdict(list)
    for row in rows(path):
        phones, end = found[row["file"]], float(row["end_s"])
        if row["phone"] == "_":
            phones[-1] = Phone(phones[-1].index, phones[-1].start, end)
        else:
            index = INDEX[_FROM_IPA[row["phone"].strip("ː")]]
            phones.append(Phone(index, float(row["start_s"]), end))
    return found


def label_grid(phones: Iterable[Phone], length: int, fill: int) -> NDArray[np.uint8]:
    """uint8 [length]: entry j is the phone at j * 10 ms, `fill` where there is none."""
    grid = np.full(length, fill, np.uint8)
    for phone in phones:
        grid[_at(phone.start) : _at(phone.end)] = phone.index
    return grid


def _at(seconds: float) -> int:
    return max(0, int(np.ceil(seconds / GRID_SECONDS - 1e-6)))
