"""What a face parser learns from: photographs cut into person, room and regions.

MediaPipe's segmenters, run over flips and scales of whole pictures, say where hair and person are;
closed-form matting finds the edge between; masks of the set say where ears are; the hairs of brows
are darker than the skin around.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.enroll.outlines import lab_of
from realtime.enroll.portrait import read_picture
from realtime.face import BROWS, OVAL, Points, crop_matrix, eye_centres
from realtime.regions import Region
from realtime.training.parser_brows import brow_hairs
from realtime.view import face_height

Picture = NDArray[np.uint8]
Flags = NDArray[np.bool_]
Field = NDArray[np.float32]
Segment = Callable[[Picture], Field]

# Truth is kept at this face height, in pixels; a class that nobody knows.
FACE_PX = 128
UNKNOWN = 255
_HAIR_MODEL, _PERSON_MODEL = "hair_segmenter_meta.tflite", "selfie_segmentation.tflite"
_ZOOMS = (0.75, 1.0, 1.35)
_SURE = 0.9
_EDGE = 4  # pixels of FACE_PX to either side of the person's edge that matting decides
# Teachers between these are doubted.
_DOUBT = (0.3, 0.7)
# Thin things so near to hair may be hair; what lies so near to the oval may be forehead.
_STRANDS, _NEAR_OVAL = 14, 12
# A shine on a forehead has fewer pixels.
_SHINE_PX = 500
# Cheeks begin so far below the eyes, in face heights, and have so many colours.
_LIDS, _SKIN_COLOURS = 0.08, 3
# What is made up around the crop, in pixels, and out of how wide a strip of shoulders.
_BEYOND, _STRIP = 72, 18


@dataclass(frozen=True)
class Truth:
    """One upright photograph whose face is FACE_PX high, cut apart.

    foreground, background: RGB uint8 [h, w, 3]; alpha uint8 [h, w]; regions: which part of the
    person, uint8 [h, w], UNKNOWN where nobody knows. points: float32 [478, 2].
    """

    name: str
    person: str
    foreground: Picture
    background: Picture
    alpha: Picture
    regions: Picture
    points: Points


def make_truths(data: Path, progress: Callable[[int, int], None]) -> list[Truth]:
    """Truths of every usable photograph of `data`/clean/faces; needs mediapipe and pymatting."""
    faces, models = data / "clean" / "faces", data / "weights"
    hair, person = _segmenter(models / _HAIR_MODEL, 1), _segmenter(models / _PERSON_MODEL, 0)
    with open(faces / "index.tsv", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    with np.load(faces / "landmarks.npz") as archive:
        landmarks = archive["lm"].astype(np.float32) * np.float32(archive["scale"])
    truths = []
    for number, (row, points) in enumerate(zip(rows, landmarks, strict=True)):
        progress(number, len(rows))
        flags = set(row["flags"].replace(";", ",").split(","))
        if not flags & {"hand", "small"}:
            truths.append(_truth(faces, row, flags, points, hair, person))
    return truths


def save_truths(path: Path, truths: Sequence[Truth]) -> None:
    """Writes truths as one archive, whole or not at all."""
    arrays = {
        f"{number}/{field.name}": np.asarray(getattr(truth, field.name))
        for number, truth in enumerate(truths)
        for field in fields(Truth)
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, allow_pickle=False, **arrays)
    partial.replace(path)


def load_truths(path: Path) -> list[Truth]:
    with np.load(path) as archive:
        count = len({name.split("/")[0] for name in archive.files})
        return [_restored(archive, number) for number in range(count)]


def _restored(archive: Any, number: int) -> Truth:
    held: dict[str, Any] = {
        field.name: archive[f"{number}/{field.name}"] for field in fields(Truth)
    }
    return Truth(**held | {name: str(held[name]) for name in ("name", "person")})


def _segmenter(model: Path, channel: int) -> Segment:
    """A MediaPipe segmenter as a function: RGB uint8 [H, W, 3] -> float32 [H, W], 0..1."""
    import mediapipe
    from mediapipe.tasks.python import BaseOptions, vision

    segmenter = vision.ImageSegmenter.create_from_options(
        vision.ImageSegmenterOptions(
            base_options=BaseOptions(model_asset_path=str(model)), output_confidence_masks=True
        )
    )

    def segment(picture: Picture) -> Field:
        data = np.ascontiguousarray(picture)
        image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=data)
        found = segmenter.segment(image).confidence_masks[channel].numpy_view()
        return np.array(found, np.float32).reshape(picture.shape[:2])

    return segment


def _ensembled(segment: Segment, picture: Picture, points: Points) -> Field:
    """The mean over flips and zooms on the face; a zoomed view counts less towards its rim."""
    height, width = picture.shape[:2]
    x, y = points[list(OVAL), :2].mean(0)
    y_rim, x_rim = (np.minimum(np.arange(n), n - 1 - np.arange(n)) / n for n in (height, width))
    inner = np.clip(8 * np.minimum(y_rim[:, None], x_rim), 0, 1).astype(np.float32)
    total, weight = (
        np.zeros((height, width), np.float32),
        np.full((height, width), 1e-6, np.float32),
    )
    for zoom in _ZOOMS:
        matrix = np.array(
            [[zoom, 0, width / 2 - zoom * x], [0, zoom, height / 2 - zoom * y]], np.float32
        )
        warped = cv2.warpAffine(
            picture, matrix, (width, height), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
        )
        view = np.asarray(warped, np.uint8)
        found = np.mean([segment(view), segment(view[:, ::-1])[:, ::-1]], axis=0)
        # The whole view has no rim of its own.
        trust = inner if zoom > 1 else np.ones_like(inner)
        how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        trust_here = cv2.warpAffine(trust, matrix, (width, height), flags=how)
        total += trust_here * cv2.warpAffine(found, matrix, (width, height), flags=how)
        weight += trust_here
    return np.asarray(total / weight, np.float32)


def _truth(
    faces: Path,
    row: dict[str, str],
    flags: set[str],
    points: Points,
    hair: Segment,
    person: Segment,
) -> Truth:
    from pymatting import estimate_alpha_cf, estimate_foreground_ml

    whole = read_picture(faces / row["file"])
    factor = FACE_PX / face_height(points)
    size = round(whole.shape[1] * factor), round(whole.shape[0] * factor)
    picture = np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), np.uint8)
    person_share, hair_share = (
        np.asarray(
            cv2.resize(_ensembled(segment, whole, points), size, interpolation=cv2.INTER_AREA),
            np.float32,
        )
        for segment in (person, hair)
    )
    points = np.asarray(points[:, :2] * factor, np.float32)
    person_share = np.maximum(person_share, hair_share * (person_share > 0.05))
    trimap = np.full(person_share.shape, 0.5)
    trimap[_shrunk(person_share > _SURE)] = 1
    trimap[_shrunk(person_share < 1 - _SURE)] = 0
    trimap[_polygon(points[list(OVAL)], picture.shape)] = 1
    alpha = np.clip(estimate_alpha_cf(picture / 255, trimap), 0, 1)
    alpha = np.clip((alpha - 0.04) / 0.92, 0, 1)
    foreground, background = estimate_foreground_ml(picture / 255, alpha, return_background=True)
    drawn = cv2.imread(
        str((faces / "masks" / row["file"]).with_suffix(".png")), cv2.IMREAD_GRAYSCALE
    )
    masks = np.asarray(drawn, np.uint8)
    ears = _ears(masks, points, picture.shape)
    regions = _regions(picture, alpha, hair_share, ears, points, flags)
    regions[_shines(regions, alpha, points)] = UNKNOWN
    regions[brow_hairs(picture, points) & (regions == Region.SKIN)] = Region.BROWS
    truth = Truth(
        name=row["file"],
        person=row["person"],
        foreground=_bytes(foreground),
        background=_bytes(background),
        alpha=_bytes(alpha),
        regions=regions,
        points=points,
    )
    return _extended(truth)


def _bytes(image: NDArray[Any]) -> Picture:
    return np.asarray(np.clip(image, 0, 1) * 255 + 0.5, np.uint8)


def _shrunk(flags: Flags) -> Flags:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _EDGE + 1, 2 * _EDGE + 1))
    return cv2.erode(flags.astype(np.uint8), kernel) > 0


def _grown(flags: Flags, reach: int) -> Flags:
    return cv2.dilate(flags.astype(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8)) > 0


def _polygon(points: Points, shape: tuple[int, ...]) -> Flags:
    image = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(image, [np.round(points[:, :2] * 16).astype(np.int32)], 1, shift=4)
    return image > 0


def _ears(mask: Picture, points: Points, shape: tuple[int, ...]) -> Flags:
    """The ears of the canonical mask, in the picture."""
    ears = (mask == Region.EARS).astype(np.float32)
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    there = cv2.warpAffine(ears, crop_matrix(points), shape[1::-1], flags=how)
    return np.asarray(there > 0.5, np.bool_)


def _regions(
    picture: Picture,
    alpha: NDArray[Any],
    hair: Field,
    ears: Flags,
    points: Points,
    flags: set[str],
) -> Picture:
    """Which part of the person every pixel is, if it is the person: uint8 [h, w]."""
    y = np.broadcast_to(np.arange(len(alpha))[:, None], alpha.shape)
    chin, mouth = points[152, 1], points[[61, 291], 1].mean()
    brows = points[[i for brow in BROWS for i in brow], 1].min()
    oval = _polygon(points[list(OVAL)], picture.shape)
    regions = np.full(alpha.shape, Region.BODY, np.uint8)
    if "headwear" in flags:
        # A scarf covers what it does not frame; below the chin it may be scarf or dress.
        regions[y < chin] = Region.ACCESSORIES
        regions[y >= chin] = UNKNOWN
        regions[oval] = Region.SKIN
        return regions
    bare = ~oval & (y < chin)
    hairy = cv2.medianBlur((hair > 0.5).astype(np.uint8), 5) > 0
    regions[bare & (y < mouth)] = Region.SKIN
    regions[oval] = Region.SKIN
    if hairy.sum() > 0.02 * FACE_PX**2:
        # Above a face that has hair, what is not like skin is hair that was missed, or a shine.
        missed = bare & ~ears & (y < mouth) & _unlike_skin(picture, oval, points)
        regions[missed] = np.where(_grown(oval, _NEAR_OVAL), UNKNOWN, Region.HAIR)[missed]
        strands = _grown(hairy, _STRANDS) & (alpha < 0.8) & ~oval & (y > mouth)
        regions[strands] = UNKNOWN
    regions[(hair > _DOUBT[0]) & (hair < _DOUBT[1]) & (regions != Region.HAIR)] = UNKNOWN
    regions[hairy] = Region.HAIR
    if "hair_mask_doubtful" in flags:
        regions[(y < brows) | ~oval] = UNKNOWN
    regions[ears & ~hairy] = Region.EARS
    return regions


def _shines(regions: Picture, alpha: NDArray[Any], points: Points) -> Flags:
    """Small patches of hair in the midst of a forehead: light on skin, most of them."""
    hair = (regions == Region.HAIR).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(hair)
    area = stats[:, cv2.CC_STAT_AREA] * (np.arange(len(stats)) > 0)
    lowest = stats[:, cv2.CC_STAT_TOP] + stats[:, cv2.CC_STAT_HEIGHT]
    shines = (area < min(_SHINE_PX, area.max())) & (lowest < eye_centres(points)[:, 1].mean())
    shines[np.unique(labels[_grown(alpha < 0.5, 1)])] = False
    return np.asarray(shines[labels] & (hair > 0), np.bool_)


def _unlike_skin(picture: Picture, oval: Flags, points: Points) -> Flags:
    """Pixels whose colour is farther from the cheeks' colours than nearly all of the cheeks."""
    lab = lab_of(picture)
    lab = np.asarray(cv2.GaussianBlur(lab, (0, 0), 1.0), np.float32)
    y = np.arange(len(picture))[:, None]
    below_eyes = y > eye_centres(points)[:, 1].mean() + _LIDS * FACE_PX
    cheeks = oval & below_eyes & (y < points[[61, 291], 1].mean())
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    cv2.setRNGSeed(0)
    how = cv2.KMEANS_PP_CENTERS
    _, _, colours = cv2.kmeans(lab[cheeks], _SKIN_COLOURS, None, criteria, 1, how)
    apart = np.linalg.norm(lab[:, :, None] - colours, axis=-1).min(-1)
    return np.asarray(apart > 1.3 * np.quantile(apart[cheeks], 0.85), np.bool_)


def _extended(truth: Truth) -> Truth:
    """The same with more room around and shoulders that go on, as whole portraits have them.

    Where hair reaches the upper border, or a neck the lower one, the picture ends as it did.
    """
    height, width = truth.alpha.shape
    chin = int(truth.points[152, 1])
    above = 0 if (truth.alpha[0] > 20).any() else _BEYOND
    below = _BEYOND if (truth.alpha[-2:] > 127).mean() > 0.75 else 0
    y, x = np.mgrid[-above : height + below, -_BEYOND : width + _BEYOND].astype(np.float32)
    aside = np.maximum(np.maximum(-x, x - (width - 1)), 0)
    inward = _to_and_fro(aside)
    columns = np.where(x < 0, inward, np.where(x > width - 1, width - 1 - inward, x))
    falls = np.where(x < 0, _fall(truth, 1), _fall(truth, -1)).astype(np.float32)
    rows = y - falls * (aside + inward)
    beneath = np.maximum(rows - (height - 1), 0)
    rows_inside = np.where(beneath > 0, height - 1 - _to_and_fro(beneath), rows)

    def laid(image: Picture, down: Field, how: int) -> Picture:
        border = cv2.BORDER_REPLICATE
        return np.asarray(cv2.remap(image, columns, down, how, borderMode=border), np.uint8)

    alpha = laid(truth.alpha, rows, cv2.INTER_LINEAR)
    alpha[:above] = 0
    # Below the chin a person has no holes.
    beyond = (aside > 0) & (y > chin)
    alpha = np.where(beyond, np.maximum.accumulate(np.where(beyond, alpha, 0), 0), alpha)
    room = cv2.copyMakeBorder(
        truth.background, above, below, _BEYOND, _BEYOND, cv2.BORDER_REFLECT_101
    )
    regions = laid(truth.regions, rows, cv2.INTER_NEAREST)
    regions[beyond & (regions == UNKNOWN)] = Region.BODY
    return Truth(
        truth.name,
        truth.person,
        laid(truth.foreground, rows_inside, cv2.INTER_LINEAR),
        np.asarray(room, np.uint8),
        np.asarray(alpha, np.uint8),
        regions,
        truth.points + np.array([_BEYOND, above], np.float32),
    )


def _to_and_fro(distance: Field) -> Field:
    """How far inside the border to look for what lies this far outside."""
    return np.asarray(_STRIP - np.abs(_STRIP - distance % (2 * _STRIP)), np.float32)


def _fall(truth: Truth, inwards: int) -> float:
    """How steeply the shoulder falls at one side of the picture, rows a column outwards."""
    chin = int(truth.points[152, 1])
    body = truth.alpha[chin:, ::inwards][:, : 2 * _STRIP] > 127
    if not body.any(0).all():
        return 0.0
    tops = body.argmax(0)
    return float(np.clip((tops[0] - tops[-1]) / (2 * _STRIP), 0, 0.8))
