"""A measured call as a picture: each click's delay and skew, and the sum that the delay is."""

from __future__ import annotations

from pathlib import Path

from realtime.measure.bench_call import Result
from realtime.measure.figures import new_figure, save_figure

# How early and late sound may be (EBU R37, tightened), ms.
_SKEW_BAND = (-60.0, 15.0)
_DOT = 3


def plot(result: Result, path: Path) -> None:
    """Writes the picture; raises OutputError if it cannot be written."""
    clicks, figures = result.clicks, result.figures
    at = clicks.sent - clicks.sent[0]
    figure = new_figure()
    delay, skew, terms = figure.subplots(3, height_ratios=(3, 3, 1))
    delay.plot(at, clicks.delay_ms, ".", markersize=_DOT)
    p50, p95 = figures["mic_to_pixel_p50_ms"], figures["mic_to_pixel_p95_ms"]
    delay.set(title=f"p50 {p50} ms, p95 {p95} ms", ylabel="microphone to pixel, ms", ylim=(0, None))
    skew.axhspan(*_SKEW_BAND, alpha=0.15)
    skew.plot(at, clicks.skew_ms, ".", markersize=_DOT)
    skew.set(xlabel="seconds", ylabel="sound early, ms")
    left = 0.0
    for name in (name for name in figures if name.startswith("sum_") and name != "sum_ms"):
        words = name.removeprefix("sum_").removesuffix("_ms").replace("_", " ")
        width = max(float(figures[name]), 0.0)
        terms.barh(0, width, left=left, label=f"{words} {figures[name]} ms")
        left += width
    terms.set(xlabel=f"mean delay as a sum: {figures['sum_ms']} ms", yticks=[])
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    save_figure(figure, path)
