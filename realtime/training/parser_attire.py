"""Hats, scarves, headphones, glasses and earrings, drawn onto people who wear none."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face import OVAL, Points, eye_centres
from realtime.regions import Region
from realtime.training.parser_rooms import texture
from realtime.view import face_height

Picture = NDArray[np.uint8]
Field = NDArray[np.float32]

_HAT, _GLASSES, _HEADPHONES, _EARRINGS = 0.22, 0.22, 0.08, 0.12


@dataclass
class Person:
    """Somebody cut out, to be dressed: colour float32 [h, w, 3] 0..255, alpha float32 [h, w],
    regions uint8 [h, w], points float32 [478, 2]."""

    colour: Field
    alpha: Field
    regions: Picture
    points: Points


def dress(person: Person, rng: np.random.Generator) -> None:
    """Puts things on a person, in place; most get none."""
    if rng.random() < _HAT:
        _hat(person, rng)
    elif rng.random() < _HEADPHONES:
        _headphones(person, rng)
    if rng.random() < _GLASSES:
        put_on_glasses(person, rng)
    if rng.random() < _EARRINGS:
        _earrings(person, rng)


class _Head:
    """A frame on the face: x to the side and y down, in face heights, from between the eyes."""

    def __init__(self, points: Points) -> None:
        eyes = eye_centres(points)
        across = eyes[eyes[:, 0].argmax()] - eyes[eyes[:, 0].argmin()]
        x = across / np.linalg.norm(across)
        self.origin = eyes.mean(0)
        self.face = face_height(points)
        self.axes = np.stack([x, [-x[1], x[0]]]) * self.face
        oval = self.into(points[list(OVAL), :2])
        self.top, self.chin = float(oval[:, 1].min()), float(oval[:, 1].max())
        self.left, self.right = float(oval[:, 0].min()), float(oval[:, 0].max())

    def into(self, places: Points) -> NDArray[np.float64]:
        return np.asarray((places - self.origin) @ np.linalg.inv(self.axes))

    def out(self, places: NDArray[np.float64]) -> Points:
        return np.asarray(places @ self.axes + self.origin, np.float32)


def _cover(person: Person, share: Field, colour: Field) -> None:
    """Lays an accessory of some share [h, w] over a person."""
    person.colour += share[..., None] * (colour - person.colour)
    person.alpha[:] = person.alpha + share * (1 - person.alpha)
    person.regions[share > 0.5] = Region.ACCESSORIES


def _filled(shape: tuple[int, ...], *outlines: Points) -> Field:
    image = np.zeros(shape[:2], np.uint8)
    for outline in outlines:
        cv2.fillPoly(image, [np.round(outline * 16).astype(np.int32)], 255, cv2.LINE_AA, shift=4)
    return image.astype(np.float32) / np.float32(255)


def _lined(shape: tuple[int, ...], width: float, *outlines: Points, closed: bool) -> Field:
    image = np.zeros(shape[:2], np.uint8)
    thick = max(1, round(width))
    for outline in outlines:
        corners = [np.round(outline * 16).astype(np.int32)]
        cv2.polylines(image, corners, closed, 255, thick, cv2.LINE_AA, shift=4)
    return image.astype(np.float32) / np.float32(255)


def _ellipse(
    middle: tuple[float, float],
    half: tuple[float, float],
    ends: tuple[float, float] = (0, 2 * np.pi),
    power: float = 2.0,
) -> NDArray[np.float64]:
    """A superellipse, or a part of it; angles go from the right over below: float64 [60, 2]."""
    angle = np.linspace(*ends, 60)
    bent = [np.sign(f) * np.abs(f) ** (2 / power) for f in (np.cos(angle), np.sin(angle))]
    return np.stack([middle[i] + half[i] * bent[i] for i in (0, 1)], 1)


def _cloth(shape: tuple[int, ...], rng: np.random.Generator) -> Field:
    """Some fabric, lit from one side: float32 [h, w, 3]."""
    x = np.linspace(-1, 1, shape[1], dtype=np.float32) * rng.uniform(-0.5, 0.5)
    return np.asarray(np.clip(texture(shape[0], rng) * (1 + x[:, None]), 0, 255), np.float32)


def _hat(person: Person, rng: np.random.Generator) -> None:
    head, shape = _Head(person.points), person.alpha.shape
    line = head.top + rng.uniform(0.0, 0.16)
    wide = rng.uniform(1.03, 1.22)
    left, right = wide * head.left, wide * head.right
    middle, half = (left + right) / 2, (right - left) / 2
    kind = rng.choice(["cap", "beanie", "brim", "scarf", "band"], p=(0.3, 0.25, 0.2, 0.15, 0.1))
    high = rng.uniform(0.28, 0.45)
    crown = _ellipse((middle, line), (half, high), (np.pi, 2 * np.pi), rng.uniform(2, 3.5))
    sag = _ellipse((middle, line), (half, rng.uniform(0, 0.1)), (0, np.pi))
    if kind == "band":
        high = rng.uniform(0.03, 0.1)
        upper = _ellipse((middle, line), (half, 0.28), (np.pi, 2 * np.pi))
        lower = upper[::-1] + np.array([0, high])
        _cover(person, _filled(shape, head.out(np.vstack([upper, lower]))), _cloth(shape, rng))
        return
    # Hair that stands out above the hat's line is under it.
    above = _filled(shape, head.out(np.array([(-3, -3), (3, -3), (3, line), (-3, line)])))
    person.alpha *= 1 - cv2.GaussianBlur(above, (0, 0), 1.0)
    fabric = _cloth(shape, rng)
    if kind == "scarf":
        hangs = rng.uniform(0.1, 0.8)
        outer = _ellipse(
            ((left + right) / 2, (line + head.chin) / 2),
            (half * rng.uniform(1.1, 1.35), (head.chin - line) / 2 + rng.uniform(0.2, 0.35)),
        )
        skirt = np.array(
            [
                *((left * 1.2, 0.3), (right * 1.2, 0.3)),
                *((right * 1.7, head.chin + hangs), (left * 1.7, head.chin + hangs)),
            ]
        )
        window = _ellipse(
            (middle, (line + head.chin) / 2),
            (half * rng.uniform(0.8, 0.9), (head.chin - line) / 2),
            power=2.3,
        )
        around = np.maximum(_filled(shape, head.out(outer)), _filled(shape, head.out(skirt)))
        _cover(person, around * (1 - _filled(shape, head.out(window))), fabric)
        return
    _cover(person, _filled(shape, head.out(np.vstack([crown, sag]))), fabric)
    if kind == "cap":
        shift = rng.normal(0, 0.06)
        brim = _ellipse(
            (middle + shift, line + 0.01),
            (half * rng.uniform(0.75, 1.0), rng.uniform(0.06, 0.2)),
            power=rng.uniform(2, 3),
        )
        _cover(person, _filled(shape, head.out(brim)), fabric * np.float32(rng.uniform(0.5, 1)))
    elif kind == "brim":
        brim = _ellipse(
            (middle, line + rng.uniform(-0.03, 0.03)),
            (half * rng.uniform(1.3, 1.9), rng.uniform(0.04, 0.14)),
        )
        _cover(person, _filled(shape, head.out(brim)), fabric * np.float32(rng.uniform(0.7, 1.2)))
    else:
        fold = np.vstack([sag, sag[::-1] - (0, rng.uniform(0.06, 0.14))])
        _cover(person, _filled(shape, head.out(fold)), _cloth(shape, rng))


def _headphones(person: Person, rng: np.random.Generator) -> None:
    head, shape = _Head(person.points), person.alpha.shape
    wide = rng.uniform(1.05, 1.2)
    left, right = wide * head.left, wide * head.right
    high = head.top - rng.uniform(0.12, 0.22)
    arc = _ellipse(
        ((left + right) / 2, 0.05), ((right - left) / 2, 0.05 - high), (np.pi, 2 * np.pi)
    )
    colour = np.broadcast_to(np.float32(rng.uniform(5, 255, 3)), person.colour.shape)
    band = _lined(shape, head.face * rng.uniform(0.03, 0.08), head.out(arc), closed=False)
    cups = [
        head.out(_ellipse((x, 0.12), (rng.uniform(0.07, 0.11), rng.uniform(0.14, 0.2))))
        for x in (left, right)
    ]
    _cover(person, np.maximum(band, _filled(shape, *cups)), np.asarray(colour, np.float32))


def put_on_glasses(person: Person, rng: np.random.Generator) -> None:
    """Round or square ones, rarely dark."""
    head, shape = _Head(person.points), person.alpha.shape
    apart = 0.5 * np.ptp(head.into(eye_centres(person.points))[:, 0])
    half = apart * rng.uniform(0.62, 0.88), apart * rng.uniform(0.42, 0.75)
    power, low = rng.uniform(2, 4), rng.uniform(0.0, 0.05)
    lenses = [head.out(_ellipse((x, low), half, power=power)) for x in (-apart, apart)]
    inner, outer = apart - half[0], apart + half[0]
    bridge = head.out(_ellipse((0, low), (inner, 0.03), (np.pi, 2 * np.pi)))
    arms = [
        head.out(np.array([(side * outer, low - 0.03), (edge, low - rng.uniform(0.0, 0.04))]))
        for side, edge in ((-1, head.left), (1, head.right))
    ]
    width = head.face * rng.choice((0.008, 0.015, 0.025, 0.035))
    rims = np.maximum(
        _lined(shape, width, *lenses, closed=True),
        _lined(shape, width, bridge, *arms, closed=False),
    )
    glass = _filled(shape, *lenses)
    if rng.random() < 0.15:
        _cover(person, glass * rng.uniform(0.8, 1), rng.uniform(0, 70, 3).astype(np.float32))
    else:
        tint = np.float32(rng.uniform(60, 255, 3))
        person.colour += (glass * rng.uniform(0, 0.2))[..., None] * (tint - person.colour)
    metal = np.float32(rng.uniform(0, 255) if rng.random() < 0.3 else rng.uniform(0, 70))
    _cover(person, rims, (metal + rng.uniform(0, 30, 3)).astype(np.float32))


def _earrings(person: Person, rng: np.random.Generator) -> None:
    head, shape = _Head(person.points), person.alpha.shape
    radius = rng.uniform(0.015, 0.07)
    outlines = [
        head.out(_ellipse((1.05 * x, 0.36 + radius), (radius, radius)))
        for x in (head.left, head.right)
    ]
    ring = rng.random() < 0.5
    width = head.face * 0.012
    share = _lined(shape, width, *outlines, closed=True) if ring else _filled(shape, *outlines)
    _cover(person, share, rng.uniform(60, 255, 3).astype(np.float32))
