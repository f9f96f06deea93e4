"""Portraits and voices before a meter that is somebody else's."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from realtime.commands.common import ASSETS
from realtime.gallery import AvatarGallery
from realtime.measure import voices
from realtime.models.audio_encoder import PHONES
from realtime.picture_bytes import encode_jpeg
from run_avatar import main

_METER = """
import json, pathlib, sys
words = dict(zip(sys.argv[2::2], sys.argv[3::2]))
rows = pathlib.Path(words["--phones"]).read_text().splitlines()[1:] if "--phones" in words else []
names = ("sync_offset_ms", "closure_rate", "closure_gap", "rounding", "lip_gap_std")
metrics = {"sync_conf": 0.5, "phones": len(rows), **dict.fromkeys(names, -10)}
metrics["portrait"] = len(words.get("--portrait", ""))
failures = ["phones: too few"] if "--gates" in words and len(rows) < 2 else []
pathlib.Path(words["--json"]).write_text(json.dumps({"metrics": metrics, "failures": failures}))
"""


@pytest.fixture
def meter(tmp_path: Path) -> str:
    """Counts phones, and wants two where there are gates."""
    (tmp_path / "meter.py").write_text(_METER)
    return f"{sys.executable} {tmp_path / 'meter.py'}"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two portraits, and two clips of one speaker of which one has phones."""
    measure = tmp_path / "data" / "measure"
    (measure / "motion").mkdir(parents=True)
    (measure / "portraits").mkdir()
    for name in ("her", "him"):
        picture = encode_jpeg(np.full((64, 64, 3), 200, np.uint8)).tobytes()
        (measure / "portraits" / f"{name}.jpg").write_bytes(picture)
    (measure / "sync_rows.tsv").write_text("speaker\tclip\nshe\tfirst\nshe\tsecond\n")
    (measure / "phones.tsv").write_text(
        "clip\tkind\tlabel\tstart_s\tend_s\n"
        "second\tphone\tP\t0.5\t1.1\nsecond\tphone\tAA\t1.2\t1.4\nsecond\tphone\t?\t1.4\t1.5\n"
        "second\tword\tpa\t1.0\t1.4\nsecond\tphone\tM\t1.5\t1.6\n"
    )
    np.savez(
        measure / "motion" / "she.npz",
        clip=["first", "second"],
        sample0=[0, 16_000],
        samples=[16_000, 32_000],
    )
    noise = np.random.default_rng(0).normal(0, 3000, 48_000).astype(np.int16)
    monkeypatch.setattr(voices, "read_sound", lambda _: noise)
    monkeypatch.setattr(voices, "_DRIVING", {"second": 1})
    monkeypatch.setattr(voices, "_DRIVING_S", 1)
    ava = AvatarGallery(ASSETS).find("ava")
    monkeypatch.setattr("realtime.commands.drive.enroll_portrait", lambda *_: ava)
    return measure.parent


def test_voices_keep_their_phones_and_are_cut_with_them(data: Path) -> None:
    first, second = voices.measuring_voices(data / "measure")
    assert not first.phones
    assert [PHONES[phone.index] for phone in second.phones] == ["P", "AA", "M"]
    (part,) = voices.driving_voices(data / "measure")
    assert np.array_equal(part.sound, second.sound[16_000:])
    assert [PHONES[phone.index] for phone in part.phones] == ["AA", "M"]
    np.testing.assert_allclose([part.phones[0].start, part.phones[0].end], [0.2, 0.4])


def test_portraits_say_a_voice_and_are_told_which_gates_they_pass(
    data: Path, meter: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gates, out, figures = tmp_path / "gates.json", tmp_path / "out", tmp_path / "figures.json"
    gates.write_text('{"phones": {"min": 2}}')
    words = ["--data", str(data), "--meter", meter, "--out", str(out), "--size", "128x128"]
    words += ["--gates", str(gates), "--json", str(figures)]
    assert main(["bench", "portraits", *words, "--every", "2"]) == 0
    assert json.loads(figures.read_text()) == {"videos": 1, "pass_all": 1, "miss_one": 0}
    assert main(["bench", "portraits", *words]) == 0
    assert json.loads(figures.read_text())["videos"] == 2
    assert "| phones | at least 2 | 100% | 2 / 2 / 2 |" in capsys.readouterr().out
    assert sorted(path.name for path in (out / "videos").glob("*.mp4")) == [
        "her-second.mp4",
        "him-second.mp4",
    ]


def test_the_avatar_says_every_voice(data: Path, meter: str, tmp_path: Path) -> None:
    out, figures = tmp_path / "out", tmp_path / "figures.json"
    words = ["--data", str(data), "--meter", meter, "--out", str(out), "--size", "128x128"]
    assert main(["bench", "voices", *words, "--json", str(figures)]) == 0
    assert {path.name for path in (out / "ava-80").glob("*.mp4")} == {"first.mp4", "second.mp4"}
    found = json.loads(figures.read_text())
    assert found["sync_conf"] == 0.5
    assert found["worst_offset_ms"] == 10


def test_data_and_meter_must_be_there(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["bench", "voices", "--out", str(tmp_path / "out"), "--size", "128x128"]
    assert main([*words, "--data", str(tmp_path), "--meter", "true"]) == 1
    assert "expected --data to be the folder of `measure`" in capsys.readouterr().err
    assert main([*words, "--data", str(data), "--meter", "/nowhere/meter"]) == 1
    assert "cannot run /nowhere/meter" in capsys.readouterr().err
