"""How well masks and mattes of enrolment agree with those drawn by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.enroll.landmarks import Landmarker, portrait_points
from realtime.enroll.mask import region_mask
from realtime.enroll.matte import person_matte
from realtime.enroll.outlines import settled
from realtime.enroll.parse import parse
from realtime.enroll.portrait import head_and_shoulders
from realtime.errors import InputError
from realtime.face import CROP, crop_matrix
from realtime.measure.drawn_masks import DrawnMask
from realtime.models.face_parser import FaceParser
from realtime.picture_bytes import decode
from realtime.regions import Region

Flags = NDArray[np.bool_]
Field = NDArray[np.float32]

GROUPS = {
    "skin": (Region.SKIN,),
    "hair": (Region.HAIR,),
    "brows": (Region.BROWS,),
    "eyes": (Region.EYES,),
    "nose": (Region.NOSE,),
    "lips": (Region.UPPER_LIP, Region.LOWER_LIP),
    "mouth": (Region.MOUTH,),
    "body": (Region.BODY,),
    "ears": (Region.EARS,),
    "accessories": (Region.ACCESSORIES,),
}
# The mean is asked of these.
ASKED = ("skin", "hair", "brows", "eyes", "nose", "lips", "mouth", "body")
_TOLERANCE = 2  # pixels at the crop's scale, within which an edge counts as found
_LARGEST_PIXELS = 4_000_000


def measure_parsing(
    drawings: Sequence[DrawnMask], portraits: Path, landmarker: Landmarker, parser: FaceParser
) -> dict[str, float]:
    """iou_GROUP, pooled over the canonical crops in which it is drawn, and iou_mean of ASKED.

    matte_error: mean absolute difference of the person's matte, and matte_f: F of its outline
    within 2 px, both over all that is enrolled, at the scale of the crop, means over portraits.
    """
    both, either = dict.fromkeys(GROUPS, 0), dict.fromkeys(GROUPS, 0)
    errors, outlines = [], []
    for drawing in drawings:
        data = drawing.check((portraits / drawing.picture).read_bytes())
        picture = decode(data, cv2.IMREAD_COLOR_RGB, _LARGEST_PIXELS)
        if picture is None:
            raise InputError(f"expected a picture of 4 megapixels at most in {drawing.picture}")
        whole = portrait_points(landmarker, picture)
        picture, points = head_and_shoulders(picture, whole)
        drawn = head_and_shoulders(np.dstack([drawing.paint()] * 3), whole)[0][..., 0]
        points = settled(picture, points)
        parsed = parse(parser, picture, points)
        matrix = crop_matrix(points)
        found, true = region_mask(picture, points, parsed), _cropped(drawn, matrix)
        for group, regions in GROUPS.items():
            one, other = np.isin(found, regions), np.isin(true, regions)
            if np.isin(drawn, regions).any():
                both[group] += int((one & other).sum())
                either[group] += int((one | other).sum())
        matte = person_matte(picture, points, parsed).astype(np.float32) / 255
        person = (drawn != Region.BACKGROUND).astype(np.float32)
        scale = float(np.linalg.norm(matrix[0, :2]))
        size = round(drawn.shape[1] * scale), round(drawn.shape[0] * scale)
        small, truth = (
            np.asarray(cv2.resize(each, size, interpolation=cv2.INTER_AREA), np.float32)
            for each in (matte, person)
        )
        errors.append(float(np.abs(small - truth).mean()))
        outlines.append(outline_f(small > 0.5, truth > 0.5))
    iou = {f"iou_{group}": both[group] / max(either[group], 1) for group in GROUPS}
    mean = float(np.mean([iou[f"iou_{group}"] for group in ASKED]))
    return {
        **iou,
        "iou_mean": mean,
        "matte_error": float(np.mean(errors)),
        "matte_f": float(np.mean(outlines)),
        "portraits": float(len(drawings)),
    }


def _cropped(mask: NDArray[np.uint8], matrix: Field) -> NDArray[np.uint8]:
    crop = cv2.warpAffine(mask, matrix, (CROP, CROP), flags=cv2.INTER_NEAREST)
    return np.asarray(crop, np.uint8)


def outline_f(found: Flags, true: Flags) -> float:
    """F of two outlines, an edge pixel counting as found within 2 px of the other's."""
    edges = [_edge(found), _edge(true)]
    side = 2 * _TOLERANCE + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    near = [cv2.dilate(edge.astype(np.uint8), disc) > 0 for edge in edges]
    precision = float((edges[0] & near[1]).sum() / max(edges[0].sum(), 1))
    recall = float((edges[1] & near[0]).sum() / max(edges[1].sum(), 1))
    return 2 * precision * recall / max(precision + recall, 1e-9)


def _edge(flags: Flags) -> Flags:
    """Pixels inside that touch the outside; the picture's rim is no edge."""
    inside = flags.astype(np.uint8)
    kernel = np.ones((3, 3), np.uint8)
    inner: Flags = cv2.erode(inside, kernel, borderType=cv2.BORDER_REPLICATE) > 0
    return np.logical_and(flags, ~inner)
