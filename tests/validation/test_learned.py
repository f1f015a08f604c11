"""Claims on drift, sharing and digits: right runs agree, those that were tampered with do not."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from scnnbio import backends, load
from scnnbio.experiment import Run, Study
from scnnbio.validation import CLAIMS

FOLDER = Path(__file__).parents[2] / "experiments"


def ran(name: str, stage: str, *settings: str) -> tuple[Study, Run]:
    study = load(FOLDER / f"{name}.toml", profile="tiny", settings=settings)
    (experiment,) = (s.experiment for s in study.stages if s.name == stage)
    return study, backends.get("reference").run(experiment)


@pytest.fixture(scope="module")
def pairs() -> Run:
    return ran("stdp_drift", "pairs")[1]


def moved(run: Run, name: str, by: float) -> Run:
    weights = dict(run.weights)
    present = run.experiment.network.projection(name).connector.present
    weights[name] = weights[name] + by * present
    return dataclasses.replace(run, weights=weights)


def test_a_drift_that_is_not_that_of_the_window_disagrees(pairs: Run) -> None:
    claim = CLAIMS["stdp_drift"]
    right = claim.judge(pairs, projection="learned_1")
    assert right.verdict == "agrees"
    assert right.n == 6
    # A drift of 1 per second is ten times the largest of theory.
    wrong = claim.judge(moved(pairs, "learned_1", 1.0), projection="learned_1")
    assert wrong.verdict == "disagrees"
    assert claim.judge(pairs, projection="driven_1").verdict == "not applicable"


def test_one_number_of_places_has_no_slope(pairs: Run) -> None:
    score = CLAIMS["sharing_snr"].judge(pairs)
    assert score.verdict == "not applicable"
    assert "at least two different numbers of places" in score.reason


def test_digits_other_than_mnists_are_not_held_against_its_number() -> None:
    _, run = ran("digits_stdp", "untrained")
    score = CLAIMS["goupy2023_mnist"].judge(run, population="v1")
    assert score.verdict == "not applicable"
    assert "10,000 test digits of MNIST" in score.reason
    gain = CLAIMS["above_pixels"].judge(run, population="v1")
    assert -1 < gain.value < 1
    assert gain.verdict == ("agrees" if gain.value >= 0 else "disagrees")
    silent = CLAIMS["above_pixels"].judge(run, population="retina")
    assert "no spikes of 'retina'" in silent.reason
    unlearned = CLAIMS["kernels_settled"].judge(run, projection="retina_v1")
    assert unlearned.verdict == "not applicable"


def test_kernels_away_from_their_bounds_are_not_settled() -> None:
    study = load(FOLDER / "digits_stdp.toml", profile="tiny")
    (experiment,) = (s.experiment for s in study.stages if s.name == "unlabelled")
    kernel = experiment.network.projection("retina_v1").kernel
    half, ends = np.full(kernel.shape, 0.5), (kernel > 0.8).astype(float)
    verdicts = [
        CLAIMS["kernels_settled"]
        .judge(Run(experiment, None, {"retina_v1": w}, {}), projection="retina_v1")  # type: ignore[arg-type]
        .verdict
        for w in (half, ends)
    ]
    assert verdicts == ["disagrees", "agrees"]
