"""`edit`: another look for an avatar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TypeVar

from realtime import avatar_file
from realtime.avatar_file import Avatar
from realtime.commands.common import ASSETS, Arguments, load_networks
from realtime.commands.make import enroll_portrait
from realtime.consent import CONSENT
from realtime.enroll.edit import Edit, Style, edited, named_style, style_of
from realtime.enroll.palette import palette
from realtime.enroll.parts import PARTS
from realtime.enroll.portrait import read_picture
from realtime.enroll.reshape import Shape
from realtime.errors import InputError
from realtime.gallery import AvatarGallery
from realtime.manner import Manner
from realtime.models.face_parser import FaceParser, load_parser
from realtime.models.networks import Networks

_Sliders = TypeVar("_Sliders", Shape, Manner)


def edit(arguments: Arguments) -> None:
    """Writes the avatar with another look; raises InputError where it cannot be done."""
    networks, parser, gallery = load_networks(), load_parser(), AvatarGallery(ASSETS)
    avatar = gallery.find(arguments.avatar)
    styles = {**_donors(arguments, networks, parser, gallery), **_named(arguments)}
    shape, manner = _moved(Shape(), arguments.shape), _moved(avatar.manner, arguments.manner)
    asked = Edit(styles, arguments.strength, shape)
    if not asked.words() and manner == avatar.manner and not arguments.name:
        raise InputError("expected something to change, such as --lips red, found nothing")
    changed = edited(avatar, asked, parser, networks)
    named = replace(changed, manner=manner, name=arguments.name or avatar.name)
    avatar_file.save(named, arguments.out)
    print(f"wrote {arguments.out}: {', '.join(asked.words()) or 'its manner'}")


def _donors(
    arguments: Arguments, networks: Networks, parser: FaceParser, gallery: AvatarGallery
) -> Mapping[str, Style]:
    """The styles that photographs or avatars lend."""
    files = {part: getattr(arguments, f"{part}_from") for part in PARTS}
    return {
        part: style_of(_donor(file, arguments, networks, gallery), part, parser)
        for part, file in files.items()
        if file
    }


def _donor(file: str, arguments: Arguments, networks: Networks, gallery: AvatarGallery) -> Avatar:
    if Path(file).suffix == ".avatar" or file in gallery.names():
        return gallery.find(file)
    if not arguments.i_have_consent:
        raise InputError(f"expected --i-have-consent for {file}, which states: {CONSENT}")
    picture = read_picture(Path(file))
    return enroll_portrait(networks, picture, Path(file).stem, arguments.landmarker)


def _named(arguments: Arguments) -> dict[str, Style]:
    """The styles that are asked for by name."""
    names = {part: getattr(arguments, part) for part in palette()}
    return {part: named_style(part, name) for part, name in names.items() if name is not None}


def _moved(sliders: _Sliders, words: list[str]) -> _Sliders:
    """Sliders with every NAME=VALUE applied."""
    known = asdict(sliders)
    given = {}
    for word in words:
        name, _, value = word.partition("=")
        try:
            given[name] = float(value)
        except ValueError as error:
            raise InputError(f"expected NAME=NUMBER, found {word!r}") from error
        if name not in known:
            raise InputError(f"expected one of {', '.join(known)}, found {name!r}")
    try:
        return replace(sliders, **given)
    except ValueError as error:
        raise InputError(str(error)) from error
