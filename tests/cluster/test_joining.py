from __future__ import annotations

import pytest

from realtime.cluster.ray_workers import joined
from realtime.errors import InputError


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere.invalid:6379", "127.0.0.1:x", "ava"])
def test_a_cluster_that_cannot_be_reached_is_told_in_words(address: str) -> None:
    with pytest.raises(InputError, match=f"found none at {address}"), joined(address):
        pass
