from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from realtime.commands.common import ASSETS
from realtime.enroll.edit import Edit, Style, edited, style_of
from realtime.enroll.palette import colours_from, colours_to, palette
from realtime.enroll.parse import parse
from realtime.enroll.parts import lab, part_share
from realtime.enroll.reshape import Shape
from realtime.enroll.restyle import Colours, colours_of, restyle
from realtime.errors import InputError
from realtime.face import crop_matrix, lip_gap, transform
from realtime.gallery import AvatarGallery
from realtime.models.face_parser import load_parser
from realtime.models.networks import Networks
from realtime.models.weights import load_weights
from tests.avatars import drawn_avatar, filmed_avatar

PARSER, NETWORKS = load_parser(), Networks.restore(load_weights())
AVA, MAX = (AvatarGallery(ASSETS).load(name) for name in ("ava", "max"))
PARSED = parse(PARSER, AVA.picture, AVA.points)


@pytest.mark.parametrize("part", ["lips", "hair", "brows", "eyes", "skin"])
def test_a_part_takes_the_donors_colour_and_nothing_else_changes(part: str) -> None:
    style = style_of(MAX, part, PARSER)
    new = edited(AVA, Edit({part: style}), PARSER, NETWORKS)
    share = part_share(AVA, part, PARSED)
    before, after = (lab(each.picture)[share > 0.9].mean(0) for each in (AVA, new))
    way = style.colours.mean - before
    assert (after - before) @ way >= 0.8 * way @ way
    assert (new.picture[share == 0] == AVA.picture[share == 0]).all()
    assert new.edits == (f"{part} as max, strength 1",)
    assert new.weights_hash == NETWORKS.digest


def test_strength_is_the_share_of_the_way() -> None:
    style, share = Style(palette()["lips"]["red"], "red"), part_share(AVA, "lips", PARSED)
    means = []
    for strength in (0.0, 0.5, 1.0):
        new = edited(AVA, Edit({"lips": style}, strength), PARSER, NETWORKS)
        means.append(lab(new.picture)[share > 0.9].mean(0))
    np.testing.assert_allclose(means[1], (means[0] + means[2]) / 2, atol=1.5)


def test_strands_and_shading_stay() -> None:
    share = part_share(AVA, "hair", PARSED)
    new = restyle(AVA.picture, share, palette()["hair"]["auburn"], 1.0)
    light = [lab(picture)[..., 0][share > 0.95] for picture in (AVA.picture, new)]
    before, after = (each - each.mean() for each in light)
    assert before @ after > 0.95 * np.linalg.norm(before) * np.linalg.norm(after)


def test_thicker_lips_and_a_smile_move_lips_only() -> None:
    shape = Shape(lips=1.0, smile=0.5)
    new = edited(AVA, Edit(shape=shape), PARSER, NETWORKS)
    old, moved = (transform(crop_matrix(AVA.points), each.points) for each in (AVA, new))
    height = [points[17, 1] - points[0, 1] for points in (old, moved)]
    assert height[1] > 1.15 * height[0]
    assert moved[61, 1] < old[61, 1]
    assert moved[291, 0] - moved[61, 0] > old[291, 0] - old[61, 0]
    np.testing.assert_allclose(moved[[33, 133, 362, 263]], old[[33, 133, 362, 263]], atol=1e-2)
    assert abs(lip_gap(moved) - lip_gap(old)) < 1
    brows = slice(0, int(AVA.points[[33, 263], 1].mean()))
    assert (new.picture[brows] == AVA.picture[brows]).all()
    assert new.edits == ("lips +1", "smile +0.5")


@pytest.mark.parametrize("sliders", [{"lips": 1.5}, {"gaze_x": -2.0}])
def test_sliders_end(sliders: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="-1 to 1"):
        Shape(**sliders)
    with pytest.raises(ValueError, match="0 to 1"):
        Edit(strength=1.1)


def test_no_edit_changes_no_pixel() -> None:
    new = edited(AVA, Edit(), PARSER, NETWORKS)
    assert (new.picture == AVA.picture).all()
    assert (new.points == AVA.points).all()
    assert new.edits == ()


def test_skin_that_shines_through_a_hairline_keeps_its_colour() -> None:
    ramp = np.clip((72 - np.arange(128)) / 16, 0, 1).astype(np.float32)
    share = np.tile(ramp, (64, 1))
    hair, skin = np.array([25, 22, 20]), np.array([205, 150, 120])
    picture = np.round(share[..., None] * hair + (1 - share[..., None]) * skin).astype(np.uint8)
    donor = Colours(
        np.array([35, 22, 28], np.float32),
        12.0,
        np.array([0.3, 0.5], np.float32),
        np.array([2, 2], np.float32),
    )
    light, red, _ = np.moveaxis(lab(restyle(picture, share, donor, 1.0)), -1, 0)
    assert light[0, 20] == pytest.approx(35, abs=3)
    assert (np.diff(light[32]) > -0.5).all(), "nowhere brighter than the skin"
    assert red.max() < max(22, lab(picture)[32, 127, 1]) + 2, "nor redder than the dye"


def test_a_donor_without_the_part_is_refused() -> None:
    bald = replace(drawn_avatar(), name="bald", picture=np.full((320, 320, 3), 150, np.uint8))
    with pytest.raises(InputError, match="expected hair in the portrait of bald, found none"):
        style_of(bald, "hair", PARSER)


def test_a_palette_entry_survives_its_file() -> None:
    own = colours_of(AVA.picture, part_share(AVA, "lips", PARSED))
    read = colours_from(colours_to(own))
    np.testing.assert_allclose(read.mean, own.mean, atol=1e-3)
    np.testing.assert_allclose(read.scatter, own.scatter, atol=1e-3)
    assert read.contrast == pytest.approx(own.contrast, abs=1e-3)


def test_an_avatar_of_a_video_keeps_its_look() -> None:
    with pytest.raises(InputError, match="a portrait's avatar to edit"):
        edited(filmed_avatar(), Edit(), PARSER, NETWORKS)
