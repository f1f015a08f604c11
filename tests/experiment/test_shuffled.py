"""A stage with shuffled kernels: the same weights of each map, at other places."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scnnbio import Study, load
from scnnbio.errors import SpecError
from scnnbio.experiment import Run, Stage
from tests.experiment.small import experiment, study


def learned(scale: float = 1.0) -> Run:
    one = experiment()
    kernel = one.network.projection("lgn_v1").kernel
    weights = np.random.default_rng(1).random(kernel.shape) * scale
    thresholds = {
        p.name: np.full(p.shape[0], -50.0) for p in one.network.populations if p.homeostasis
    }
    return Run(one, None, {"lgn_v1": weights, **thresholds}, {})  # type: ignore[arg-type]


def ready(shuffled: int | None) -> np.ndarray:
    one = experiment(learning=False, stage="test")
    stage = Stage(one, experiment().network, "learn", shuffled)
    return stage.ready({"learn": learned()}).network.projection("lgn_v1").kernel


def test_each_map_keeps_its_weights_at_other_places() -> None:
    plain, mixed = ready(None), ready(3)
    np.testing.assert_array_equal(plain, learned().weights["lgn_v1"])
    assert (plain != mixed).mean() > 0.5
    flat = [np.sort(kernel.reshape(len(kernel), -1), axis=1) for kernel in (plain, mixed)]
    np.testing.assert_array_equal(*flat)
    np.testing.assert_array_equal(mixed, ready(3))
    assert not np.array_equal(mixed, ready(4))


def test_a_study_with_it_there_and_back(tmp_path: Path) -> None:
    made = study()
    test = made.stages[1]
    stages = (made.stages[0], Stage(test.experiment, test.network, "learn", 7))
    Study("shuffled", stages, seed=3).save(tmp_path / "own.toml")
    assert [s.shuffled for s in load(tmp_path / "own.toml").stages] == [None, 7]


def test_what_is_not_learned_or_no_seed_is_refused() -> None:
    one = experiment(learning=False, stage="test")
    with pytest.raises(SpecError, match="needs weights_from"):
        Stage(one, one.network, None, 1)
    with pytest.raises(SpecError, match=r"stages\.test\.shuffled: .* whole number"):
        Stage(one, one.network, "learn", -1)
