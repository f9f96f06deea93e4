"""Packing: avatars get the codes of new weights and keep all else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from realtime import avatar_file
from realtime.training.pack import recode
from tests.avatars import drawn_avatar, untrained_networks


def test_avatars_get_the_codes_of_new_weights(tmp_path: Path) -> None:
    path = tmp_path / "some.avatar"
    avatar_file.save(drawn_avatar(), path)
    before = avatar_file.load(path)
    recode([path], replace(untrained_networks(), digest="of new weights"))
    after = avatar_file.load(path)
    assert after.weights_hash == "of new weights"
    assert after.codes.shape == before.codes.shape
    assert np.ptp(after.codes) > 0
    for part in ("picture", "mask", "matte", "points"):
        np.testing.assert_array_equal(getattr(after, part), getattr(before, part))
    assert (after.name, after.consent, after.manner) == (before.name, before.consent, before.manner)
