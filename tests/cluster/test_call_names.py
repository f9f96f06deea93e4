from __future__ import annotations

import pytest

from realtime.call.limits import RefusalError
from realtime.cluster.call_names import new_name, worker_of

SECRET = b"a secret of the cluster"


def test_a_name_says_where_the_call_lives() -> None:
    name = new_name("worker-ab12-0", SECRET)
    assert worker_of(name, SECRET) == "worker-ab12-0"
    assert name != new_name("worker-ab12-0", SECRET)


@pytest.mark.parametrize("forged", ["", "worker-0", "worker-0.random", "worker-0.random.mac", "é"])
def test_what_we_did_not_sign_is_no_call(forged: str) -> None:
    with pytest.raises(RefusalError, match="no such call") as refusal:
        worker_of(forged, SECRET)
    assert refusal.value.status == 404


def test_any_other_worker_or_secret_is_a_forgery() -> None:
    name = new_name("worker-0", SECRET)
    for forged in (name.replace("worker-0", "worker-1"), name[:-1], name + "A"):
        with pytest.raises(RefusalError):
            worker_of(forged, SECRET)
    with pytest.raises(RefusalError):
        worker_of(name, b"another secret")


def test_a_workers_name_must_not_look_like_more() -> None:
    with pytest.raises(ValueError, match="letters"):
        new_name("a.b", SECRET)
