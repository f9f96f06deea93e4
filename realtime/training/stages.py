"""The stages of `train`: what each makes, and how each is measured."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from realtime.models.weights import default_path

if TYPE_CHECKING:
    from realtime.training.timed import Stint

# The truth of the parser lies beside the tests.
_DRAWN_MASKS = Path(__file__).parents[2] / "tests" / "data" / "drawn_masks"


@dataclass(frozen=True)
class Options:
    """data: the folder that holds `clean` and, for measuring, `measure`; runs: where stages write.

    steps: how long speech and recogniser train; minutes: the other stages. from_shipped:
    whether generator and parser begin with the shipped weights. judges: a folder of published
    networks that judge the generator, too.
    """

    data: Path
    runs: Path
    steps: int
    minutes: float
    seed: int
    device: str
    resume: bool
    from_shipped: bool = False
    judges: Path | None = None


def _by_steps(train: Callable[..., Path], name: str, options: Options) -> None:
    train(
        options.data,
        options.runs / name,
        steps=options.steps,
        seed=options.seed,
        device=options.device,
        resume=options.resume,
    )


def _stint(name: str, options: Options) -> Stint:
    import torch

    from realtime.training.timed import Stint

    device = torch.device(options.device)
    return Stint(options.runs / name, options.minutes, options.seed, device, options.resume)


def speech(options: Options) -> None:
    from realtime.training.speech import train

    _by_steps(train, "speech", options)


def syncnet(options: Options) -> None:
    from realtime.training.syncnet import train

    train(options.data, _stint("syncnet", options))


def parser(options: Options) -> None:
    import shutil

    from realtime.models.face_parser import shipped_path
    from realtime.models.weights import load_weights
    from realtime.training.parser import train

    shipped = load_weights(shipped_path()) if options.from_shipped else None
    shutil.copyfile(train(options.data, _stint("parser", options), shipped), shipped_path())


def recogniser(options: Options) -> None:
    from realtime.training.recogniser import train

    _by_steps(train, "recogniser", options)


def generator(options: Options) -> None:
    import cv2

    from realtime.measure.pictures import sheet
    from realtime.models.weights import load_weights
    from realtime.training.generator import train

    shipped = load_weights() if options.from_shipped else None
    path = train(options.data, _stint("generator", options), shipped, options.judges)
    held_out = sheet(load_weights(path), options.data)
    cv2.imwrite(str(path.with_name("sheet.png")), cv2.cvtColor(held_out, cv2.COLOR_RGB2BGR))


def ablations(options: Options) -> None:
    from realtime.training.ablations import train

    train(options.data, _stint("ablations", options))


def pack(options: Options) -> None:
    from realtime.models.networks import Networks
    from realtime.models.syncnet import shipped_path
    from realtime.models.weights import load_weights
    from realtime.training.pack import pack as pack_stages
    from realtime.training.pack import recode

    pack_stages(options.runs, default_path())
    pack_stages(options.runs, shipped_path(), ("syncnet/syncnet.safetensors",))
    recode(default_path().parent.glob("*.avatar"), Networks.restore(load_weights()))


def denture(options: Options) -> None:
    import cv2

    from realtime.training.denture import draw_denture

    head = options.data / "clean" / "head3d" / "ict_facekit_light.npz"
    picture = cv2.cvtColor(draw_denture(head), cv2.COLOR_RGBA2BGRA)
    cv2.imwrite(str(default_path().with_name("denture.png")), picture)


def sample(options: Options) -> None:
    from realtime.training.speech_sample import make_sample

    make_sample(options.data, default_path().parent)


def faces(options: Options) -> None:
    from realtime.enroll.landmarks import Landmarker, find_model
    from realtime.models.face_parser import load_parser
    from realtime.models.networks import Networks
    from realtime.models.weights import load_weights
    from realtime.training.new_faces import make

    networks = Networks.restore(load_weights())
    with Landmarker(find_model(None, os.environ)) as landmarker:
        make(
            options.data,
            default_path().parent,
            created=date.today().isoformat(),
            landmarker=landmarker,
            parser=load_parser(),
            networks=networks,
        )


def palette(options: Options) -> None:
    from functools import partial

    from realtime.commands.make import enroll_portrait
    from realtime.enroll.palette import PALETTE
    from realtime.models.face_parser import load_parser
    from realtime.models.networks import Networks
    from realtime.models.weights import load_weights
    from realtime.training.palette import make_palette

    enroll = partial(enroll_portrait, Networks.restore(load_weights()), landmarker_file=None)
    out = default_path().with_name(PALETTE)
    make_palette(options.data / "clean" / "faces", enroll, load_parser(), out)


def measure_generator(options: Options) -> dict[str, Any]:
    from realtime.measure.pictures import evaluate
    from realtime.models.weights import load_weights

    return {
        f"{who}_{what}": value
        for who, row in evaluate(load_weights(), options.data).items()
        for what, value in row.items()
    }


def measure_ablations(options: Options) -> dict[str, Any]:
    from realtime.training.ablations import as_markdown, measure

    rows = measure(options.data, options.runs / "ablations")
    print(as_markdown(rows))
    return {f"{name}_{what}": value for name, row in rows.items() for what, value in row.items()}


def measure_recogniser(options: Options) -> dict[str, Any]:
    from realtime.measure.recognition import separation
    from realtime.training.recogniser import load_recogniser, views_by_person

    people = views_by_person(options.data / "measure" / "portraits")
    return dict(separation(load_recogniser(options.runs), people))


def measure_parser(options: Options) -> dict[str, Any]:
    from realtime.enroll.landmarks import Landmarker, find_model
    from realtime.measure.drawn_masks import read_drawn_masks
    from realtime.measure.parsing import measure_parsing
    from realtime.models.face_parser import load_parser

    drawings = read_drawn_masks(_DRAWN_MASKS)
    portraits = options.data / "measure" / "portraits"
    with Landmarker(find_model(None, os.environ)) as landmarker:
        return dict(measure_parsing(drawings, portraits, landmarker, load_parser()))


def measure_syncnet(options: Options) -> dict[str, Any]:
    import numpy as np

    from realtime.measure.sync import SECOND, embed, face_clips, judge
    from realtime.models.syncnet import load_syncnet
    from realtime.training.speech_corpus import motion_files

    network = load_syncnet()
    known = {path.stem for path in motion_files(options.data / "clean" / "motion")}
    clips = face_clips(options.data / "measure" / "motion")
    tracks = [embed(network, c.points, c.sound) for c in clips if c.speaker not in known]
    figures: dict[str, Any] = {}
    for name, run in (("", 1), ("_1s", SECOND)):
        verdicts = judge(tracks, np.random.default_rng(options.seed), run)
        figures |= {
            f"windows{name}": len(verdicts.own),
            f"accuracy{name}": verdicts.accuracy(float(network.threshold)),
            f"pairs{name}": verdicts.pairs(),
        }
    return figures


def measure_speech(options: Options) -> dict[str, Any]:
    from realtime.canonical import CanonicalFace
    from realtime.face import close_lips
    from realtime.gallery import AvatarGallery
    from realtime.measure.lips import evaluate, sync_figures
    from realtime.measure.voices import measuring_voices
    from realtime.models.networks import Networks
    from realtime.models.syncnet import load_syncnet
    from realtime.models.weights import load_weights

    networks, measure = Networks.restore(load_weights()), options.data / "measure"
    face = CanonicalFace.of(AvatarGallery(default_path().parent).load("ava"))
    sounds = (voice.sound for voice in measuring_voices(measure))
    return {
        **evaluate(networks, options.data, measure),
        **sync_figures(networks, load_syncnet(), close_lips(face.points), sounds),
    }


STAGES: Mapping[str, Callable[[Options], None]] = {
    "speech": speech,
    "syncnet": syncnet,
    "parser": parser,
    "recogniser": recogniser,
    "generator": generator,
    "ablations": ablations,
    "pack": pack,
    "faces": faces,
    "denture": denture,
    "sample": sample,
    "palette": palette,
}
MEASURES: Mapping[str, Callable[[Options], dict[str, Any]]] = {
    "speech": measure_speech,
    "syncnet": measure_syncnet,
    "generator": measure_generator,
    "ablations": measure_ablations,
    "parser": measure_parser,
    "recogniser": measure_recogniser,
}
