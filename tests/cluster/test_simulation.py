from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from realtime.cluster.simulation import Outcome, Plan, Simulation
from realtime.enroll.portrait import read_picture
from realtime.measure.bench_cluster import plot, simulate

STEPS_S = np.random.default_rng(0).gamma(9, 0.0016, 200)
PLAN = Plan(sessions=600, workers=6, places=130, cores=50, seconds=400, drain_s=150, death_s=250)


def simulated(plan: Plan, seed: int = 1) -> Outcome:
    return Simulation(plan, STEPS_S, seed).run()


def test_calls_are_spread_evenly() -> None:
    assert simulated(replace(PLAN, death_s=1000)).busiest_over_mean < 1.1


def test_a_drain_breaks_no_call_and_a_death_only_its_own() -> None:
    outcome = simulated(PLAN)
    assert outcome.lost == 0
    assert 60 < outcome.redialled <= PLAN.places


def test_nobody_is_refused_while_there_is_room() -> None:
    outcome = simulated(PLAN)
    assert (outcome.refused, outcome.refused_with_room) == (0, 0)


def test_a_cluster_without_places_refuses() -> None:
    outcome = simulated(replace(PLAN, places=60))
    assert outcome.refused > 100
    assert outcome.refused_with_room == 0


def test_a_cluster_without_cores_refuses_though_places_are_free() -> None:
    outcome = simulated(replace(PLAN, cores=10.0))
    assert outcome.refused_with_room == outcome.refused > 100


def test_the_same_seed_gives_the_same_run() -> None:
    assert simulated(PLAN, 3).busiest == simulated(PLAN, 3).busiest
    assert simulated(PLAN, 3).busiest != simulated(PLAN, 4).busiest


def test_workers_of_the_bench_are_as_large_as_they_need_to_be(tmp_path: Path) -> None:
    figures, outcome = simulate(600, 6, STEPS_S, 1)
    assert figures["lost"] == figures["refused_with_room"] == 0
    assert figures["busiest_over_mean"] == round(outcome.busiest_over_mean, 3)
    plot(outcome, tmp_path / "calls.png")
    assert read_picture(tmp_path / "calls.png").shape[2] == 3
