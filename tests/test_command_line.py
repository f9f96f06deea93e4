"""The command line: one sentence for every error, exit code 1, and a README that is true."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

import pytest

import run_avatar

README = Path(__file__).parents[1] / "README.md"


def parsers() -> dict[str, argparse.ArgumentParser]:
    """Every command with its parser: `demo`, `bench engine`, ..."""

    def below(parser: argparse.ArgumentParser, name: str) -> dict[str, argparse.ArgumentParser]:
        found: dict[str, argparse.ArgumentParser] = {}
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for word, sub in action.choices.items():
                    found |= below(sub, f"{name} {word}".strip())
        return found or {name: parser}

    return below(run_avatar.make_parser(), "")


def options(parser: argparse.ArgumentParser) -> set[str]:
    words = {word for action in parser._actions for word in action.option_strings}
    return {word for word in words if word.startswith("--")} - {"--help"}


def failure(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Runs a command that must fail; its one sentence."""
    assert run_avatar.main(words) == 1
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    assert message.count("\n") == 1
    return message


def test_every_command_and_option_has_a_word_of_help() -> None:
    for name, parser in parsers().items():
        for action in parser._actions:
            assert action.help, f"{name} {action.option_strings or action.dest}"


def test_the_readme_names_every_command_and_option_and_no_other() -> None:
    text = README.read_text("utf-8")
    table = dict(re.findall(r"^\| `([a-z ]+)` \| (.*) \|$", text, re.MULTILINE))
    commands = parsers()
    assert table.keys() == commands.keys()
    for name, row in table.items():
        assert set(re.findall(r"--[a-z-]+", row)) == options(commands[name]), name


def test_stages_are_the_ones_that_training_knows() -> None:
    from realtime.training.stages import STAGES

    assert set(run_avatar.STAGES) == set(STAGES)


@pytest.mark.parametrize("text", ["512", "511x512", "64x64", "4096x512", "axb", "-2x512"])
def test_sizes_that_no_video_can_have_are_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="found"):
        run_avatar.image_size(text)


@pytest.mark.parametrize("text", ["0", "-1", "99999", "x", "nan", "1.5"])
def test_numbers_out_of_their_limits_are_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=f"expected 1 to 65535, found '{text}'"):
        run_avatar.number(int, 1, 65535)(text)
    assert run_avatar.number(int, 1, 65535)("8080") == 8080


def test_nothing_to_change_and_nothing_to_learn_from_are_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "same.avatar"
    assert "something to change" in failure(["edit", "ava", "-o", str(out)], capsys)
    assert not out.exists()
    assert "`clean`" in failure(["train", "speech", "--data", str(tmp_path)], capsys)


def test_bad_sound_and_bad_avatars_are_one_sentence_and_leave_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty, foreign = tmp_path / "empty.wav", tmp_path / "foreign.avatar"
    empty.touch()
    foreign.write_text("hello")
    before = set(tmp_path.iterdir())
    out = ["--out", str(tmp_path / "out.mp4")]
    assert "0 bytes" in failure(["render", "--speech", str(empty), *out], capsys)
    assert "no such file" in failure(["render", "--speech", str(tmp_path / "no.wav"), *out], capsys)
    assert ".avatar" in failure(["render", "--avatar", str(foreign), *out], capsys)
    assert "nobody" in failure(["render", "--avatar", "nobody", *out], capsys)
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize("command", ["render", "webcam"])
def test_backgrounds_and_tracks_that_cannot_be_shown_are_one_sentence(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video, picture, track = (tmp_path / name for name in ("a.mp4", "a.png", "a.csv"))
    for path in (video, picture, track):
        path.write_text("hello")
    for words in ("purple", "blur=2", "blur=x", "#12", str(tmp_path / "none.jpg")):
        assert repr(words) in failure([command, "--background", words], capsys)
    assert "a.mp4" in failure([command, "--background", str(video)], capsys)
    assert "a.png" in failure([command, "--background", str(picture)], capsys)
    assert "a.csv" in failure([command, "--pose-track", str(track)], capsys)


def test_an_unwritable_place_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["render", "--out", str(tmp_path / "none" / "out.mp4")]
    assert "cannot write" in failure(words, capsys)


def test_a_missing_extra_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("realtime.commands.bench_gpu.gpu_name", lambda: "some GPU")
    monkeypatch.setitem(sys.modules, "torch_tensorrt", None)
    message = failure(["bench", "engine", "--device", "tensorrt"], capsys)
    assert "the extra 'tensorrt'" in message


def test_enrolment_asks_for_consent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["enroll", str(tmp_path / "me.jpg"), "-o", str(tmp_path / "me.avatar")]
    assert "--i-have-consent" in failure(words, capsys)
    assert list(tmp_path.iterdir()) == []


def test_a_photograph_has_nothing_to_tune_by(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["enroll", str(tmp_path / "me.jpg"), "-o", str(tmp_path / "me.avatar")]
    message = failure([*words, "--i-have-consent", "--tune"], capsys)
    assert "expected a video to tune by, found me.jpg" in message


def test_commands_are_imported_without_any_extra() -> None:
    blocked = dict.fromkeys(run_avatar.EXTRAS)
    folder = README.parent / "realtime" / "commands"
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__", "cluster"}  # wants Ray
    program = f"import sys; sys.modules.update({blocked})\nfrom realtime.commands import "
    run = subprocess.run(
        [sys.executable, "-c", program + ", ".join(sorted(modules))], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
