"""Other mouths, rooms and microphones, made from a log-mel by arithmetic on its bands."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from realtime.audio.mel import BANDS, FLOOR, SILENCE, band_edges, hz_to_mel

Array = NDArray[np.float32]

_PER_DB = np.log(10) / 10  # natural logarithm of a power, per decibel
_WARP = 0.16  # a vocal tract up to 16 % longer or shorter
_LEVEL_DB = (-18.0, 8.0)
_EQUALISER_DB, _EQUALISER_POINTS = 4.0, 6
_NOISE_SHARE, _NOISE_DB = 0.6, (6.0, 45.0)
_OTHER_VOICE_SHARE, _OTHER_VOICE_DB = 0.1, (10.0, 25.0)
_DROP_SHARE, _DROP_HOPS = 0.15, 12


def augment(rng: np.random.Generator, mel: Array) -> Array:
    """Log-mels float32 [B, T, 80] -> the same words as another voice heard elsewhere."""
    power = np.maximum(np.exp(_warped(rng, mel)) - FLOOR, 0)
    level = np.percentile(power.mean(2), 90, axis=1)[:, None, None] + FLOOR
    power = power * _curve(rng, len(mel), _EQUALISER_DB)
    power += level * _noise(rng, mel.shape)
    power += np.roll(power, 1, 0) * _share(rng, len(mel), _OTHER_VOICE_SHARE, _OTHER_VOICE_DB)
    power *= np.exp(rng.uniform(*_LEVEL_DB, (len(mel), 1, 1)) * _PER_DB)
    out = np.asarray(np.log(power + FLOOR), np.float32)
    return _dropped(rng, out)


def _warped(rng: np.random.Generator, mel: Array) -> Array:
    edges = band_edges()
    factor = np.exp(rng.uniform(-_WARP, _WARP, (len(mel), 1)))
    scale = hz_to_mel(edges)
    place = (hz_to_mel(edges[1:-1] * factor) - scale[1]) / (scale[1] - scale[0])
    place = np.clip(place, 0, BANDS - 1.001)
    low = place.astype(int)
    part = np.asarray(place - low, np.float32)[:, None]
    lower = np.take_along_axis(mel, low[:, None], 2)
    upper = np.take_along_axis(mel, low[:, None] + 1, 2)
    return lower + (upper - lower) * part


def _curve(rng: np.random.Generator, count: int, spread_db: float) -> Array:
    """A smooth random gain over the bands: power factors [count, 1, 80]."""
    points = rng.normal(0, spread_db, (count, _EQUALISER_POINTS))
    at = np.linspace(0, _EQUALISER_POINTS - 1, BANDS)
    low = np.minimum(at.astype(int), _EQUALISER_POINTS - 2)
    curve = points[:, low] + (points[:, low + 1] - points[:, low]) * (at - low)
    return np.asarray(np.exp(curve * _PER_DB), np.float32)[:, None]


def _share(
    rng: np.random.Generator, count: int, share: float, below_db: tuple[float, float]
) -> Array:
    """For a `share` of the batch a power factor some dB below 1, else 0: [count, 1, 1]."""
    factor = np.exp(-rng.uniform(*below_db, (count, 1, 1)) * _PER_DB)
    return np.asarray(factor * (rng.random((count, 1, 1)) < share), np.float32)


def _noise(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Steady coloured noise, its power scattered as that of short windows is."""
    colour = _curve(rng, shape[0], 2 * _EQUALISER_DB)
    scatter = rng.gamma(4.0, 0.25, shape).astype(np.float32)
    return scatter * colour * _share(rng, shape[0], _NOISE_SHARE, _NOISE_DB)


def _dropped(rng: np.random.Generator, mel: Array) -> Array:
    """Here and there a piece lost on the way: digital silence."""
    for clip in mel:
        if rng.random() < _DROP_SHARE:
            start = rng.integers(len(clip))
            clip[start : start + rng.integers(1, _DROP_HOPS)] = SILENCE
    return mel
