"""Another look for an avatar: parts in a donor's colours, features in another shape.

An edited avatar is an avatar like any other: its photograph, landmarks, mask and style codes are
changed together, so everything that talks goes on as before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from realtime.avatar_file import Avatar
from realtime.enroll.mask import region_mask
from realtime.enroll.palette import palette
from realtime.enroll.parse import Parsed, parse
from realtime.enroll.parts import Field, part_share
from realtime.enroll.reshape import Shape, reshape
from realtime.enroll.restyle import Colours, colours_of, restyle
from realtime.errors import InputError
from realtime.face import crop_matrix, crop_picture, planes
from realtime.frame import Picture
from realtime.models.face_parser import FaceParser
from realtime.models.networks import Networks
from realtime.regions import one_hot
from realtime.view import face_height

# A part of fewer pixels that are rather it than not, in face heights squared, is not seen.
_LEAST = {"hair": 0.03, "lips": 0.002, "brows": 0.001, "eyes": 0.0003, "skin": 0.05}


class Style(NamedTuple):
    """The colours to give a part, and whose they are."""

    colours: Colours
    source: str


@dataclass(frozen=True)
class Edit:
    """styles: by part of PARTS. strength: 0..1, how far towards them. shape: sliders."""

    styles: Mapping[str, Style] = field(default_factory=dict)
    strength: float = 1.0
    shape: Shape = field(default_factory=Shape)

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 1:
            raise ValueError(f"expected a strength of 0 to 1, found {self.strength:g}")

    def words(self) -> tuple[str, ...]:
        """What is changed, a line each, as the avatar keeps it."""
        styles = [
            f"{part} as {style.source}, strength {self.strength:g}"
            for part, style in self.styles.items()
        ]
        moved = [f"{name} {value:+g}" for name, value in vars(self.shape).items() if value]
        return (*styles, *moved)


def style_of(donor: Avatar, part: str, parser: FaceParser) -> Style:
    """A part's colours in another portrait; raises InputError where it is not seen."""
    parsed = parse(parser, donor.picture, donor.points)
    return Style(colours_of(donor.picture, _seen(donor, part, parsed)), donor.name)


def named_style(part: str, name: str) -> Style:
    """A part's colours in the palette; raises InputError where it has none of that name."""
    names = palette().get(part)
    if names is None:
        raise InputError(f"expected colours of {', '.join(palette())}, found {part}")
    if name not in names:
        raise InputError(f"expected {part} of {', '.join(names)}, found {name}")
    return Style(names[name], name)


def _seen(avatar: Avatar, part: str, parsed: Parsed) -> Field:
    share = part_share(avatar, part, parsed)
    if (share > 0.5).sum() < _LEAST[part] * face_height(avatar.points) ** 2:
        raise InputError(f"expected {part} in the portrait of {avatar.name}, found none")
    return share


def restyled(avatar: Avatar, edit: Edit, parser: FaceParser) -> Picture:
    """The avatar's picture in the edit's colours; InputError where a part is not seen."""
    picture = avatar.picture
    if edit.styles:
        parsed = parse(parser, picture, avatar.points)
        for part, style in edit.styles.items():
            picture = restyle(picture, _seen(avatar, part, parsed), style.colours, edit.strength)
    return picture


def edited(avatar: Avatar, edit: Edit, parser: FaceParser, networks: Networks) -> Avatar:
    """The avatar with another look; raises InputError where a part to restyle is not seen."""
    if avatar.film is not None:
        raise InputError("expected a portrait's avatar to edit, found a video's")
    picture, points, mask = restyled(avatar, edit, parser), avatar.points, avatar.mask
    if edit.shape != Shape():
        picture, points = reshape(picture, points, edit.shape)
        mask = region_mask(picture, points, parse(parser, picture, points))
    crop = planes(crop_picture(picture, crop_matrix(points)))
    return replace(
        avatar,
        picture=picture,
        points=points,
        mask=mask,
        codes=networks.codes(crop, one_hot(mask)),
        weights_hash=networks.digest,
        edits=(*avatar.edits, *edit.words()),
    )
