"""A measured call as a picture: each click's delay and skew, and the sum that the delay is."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.errors import OutputError
from realtime.frame import Picture
from realtime.measure.bench_call import Result

Times = NDArray[np.float64]
Colour = tuple[int, int, int]

_WIDTH, _PANEL, _MARGIN, _LEFT = 960, 220, 40, 70
_INK, _GRID, _POINT, _BAND = (40, 40, 44), (215, 215, 210), (31, 95, 191), (225, 238, 222)
# How early and late sound may be (EBU R37, tightened), ms.
_SKEW_BAND = (-60.0, 15.0)
_PARTS: tuple[Colour, ...] = (
    (69, 117, 180),
    (116, 173, 209),
    (171, 217, 233),
    (200, 200, 190),
    (253, 174, 97),
    (244, 109, 67),
    (215, 48, 39),
)


def plot(result: Result) -> Picture:
    """RGB uint8 [H, 960, 3]."""
    clicks, figures = result.clicks, result.figures
    at = clicks.sent - clicks.sent[0]
    top = float(np.nanmax(clicks.delay_ms)) * 1.1
    delay = _panel(at, clicks.delay_ms, (0.0, top), None)
    spread = np.append(clicks.skew_ms[~np.isnan(clicks.skew_ms)], _SKEW_BAND)
    skew = _panel(at, clicks.skew_ms, (spread.min() - 10, spread.max() + 10), _SKEW_BAND)
    titles = [
        "microphone to pixel, ms: "
        f"p50 {figures['mic_to_pixel_p50_ms']}, p95 {figures['mic_to_pixel_p95_ms']}",
        "skew, ms (sound early is positive): "
        f"p05 {figures['skew_p05_ms']}, p95 {figures['skew_p95_ms']}",
        f"mean delay as a sum: {figures['sum_ms']} ms",
    ]
    panels = [delay, skew, _sum(figures)]
    return np.concatenate([_titled(*each) for each in zip(titles, panels, strict=True)])


def save_plot(result: Result, path: Path) -> None:
    """Writes the picture; raises OutputError if it cannot be written."""
    _, data = cv2.imencode(".png", cv2.cvtColor(plot(result), cv2.COLOR_RGB2BGR))
    try:
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error


def _panel(
    at: Times, values: Times, limits: tuple[float, float], band: tuple[float, float] | None
) -> Picture:
    """A point for each value over its time, s."""
    image = np.full((_PANEL, _WIDTH, 3), 255, np.uint8)
    low, high = limits

    def y(value: float) -> int:
        return round((high - value) / (high - low) * (_PANEL - 1))

    right = _WIDTH - _MARGIN
    if band:
        cv2.rectangle(image, (_LEFT, y(band[1])), (right, y(band[0])), _BAND, cv2.FILLED)
    step = 50 if high - low > 120 else 20
    for mark in np.arange(np.ceil(low / step) * step, high, step):
        cv2.line(image, (_LEFT, y(mark)), (right, y(mark)), _GRID)
        _write(image, f"{mark:.0f}", (_LEFT - 42, y(mark) + 4))
    scale = (right - _LEFT) / max(float(at[-1]), 1e-3)
    for seconds, value in zip(at, values, strict=True):
        if not np.isnan(value):
            spot = (_LEFT + round(seconds * scale), y(value))
            cv2.circle(image, spot, 2, _POINT, cv2.FILLED, cv2.LINE_AA)
    _write(image, f"{at[-1]:.0f} s", (right - 36, _PANEL - 6))
    return image


def _sum(figures: dict[str, float | int | bool]) -> Picture:
    """A bar of the terms one after the other, each with its name below."""
    image = np.full((_PANEL, _WIDTH, 3), 255, np.uint8)
    names = [name for name in figures if name.startswith("sum_") and name != "sum_ms"]
    scale = (_WIDTH - _MARGIN - _LEFT) / max(float(figures["sum_ms"]), 1.0)
    left = float(_LEFT)
    for row, (name, colour) in enumerate(zip(names, _PARTS, strict=True)):
        right = left + max(float(figures[name]), 0.0) * scale
        cv2.rectangle(image, (round(left), 8), (round(right), 56), colour, cv2.FILLED)
        x, y = _LEFT + row % 4 * 220, 90 + row // 4 * 40
        cv2.rectangle(image, (x, y - 12), (x + 14, y + 2), colour, cv2.FILLED)
        words = name.removeprefix("sum_").removesuffix("_ms").replace("_", " ")
        _write(image, f"{words} {figures[name]} ms", (x + 22, y))
        left = right
    return image


def _titled(title: str, panel: Picture) -> Picture:
    head = np.full((_MARGIN, _WIDTH, 3), 255, np.uint8)
    _write(head, title, (_LEFT, _MARGIN - 12), 0.55)
    return np.concatenate([head, panel])


def _write(image: Picture, text: str, at: tuple[int, int], size: float = 0.42) -> None:
    cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, _INK, 1, cv2.LINE_AA)
