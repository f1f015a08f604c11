"""Explained and explainable shares of synthetic recordings, whose truth has a closed form."""

from __future__ import annotations

import numpy as np
import pytest

from scnnbio.analysis.measures_of_encoding import _predicted, encoding_measures
from scnnbio.errors import SpecError
from scnnbio.recording import Recording, Spikes

#: Stimuli, repeats in the recording, units of the model and recorded units.
STIMULI, REPEATS, MODEL, UNITS = 300, 8, 6, 24


def of_counts(counts: np.ndarray, sequence: np.ndarray) -> Recording:
    """Counts (trials, units) of a second each, at times that do not matter."""
    trial, unit = np.nonzero(counts)
    repeated = counts[trial, unit]
    spikes = Spikes(np.full(repeated.sum(), 500.0), unit.repeat(repeated), trial.repeat(repeated))
    trials = {"duration": np.full(len(counts), 1000.0), "sequence": sequence}
    return Recording({"cells": spikes}, {"cells": (counts.shape[1], 1, 1)}, trials)


def made(own: float, seed: int = 0) -> tuple[Recording, Recording, dict[str, float]]:
    """A model, a recording, and the true shares.

    A recorded unit has Poisson counts of mean ``20 + 4 (part / |part| + own * u)``, where the part
    is linear in the model's counts and u is a normal number of each stimulus and unit that the
    model does not have. Of the variance 16 (1 + own^2) of the means over stimuli, 16 are the
    model's; the counts' own variance is the mean, 20, and that of the mean of 8 repeats 20 / 8.
    """
    rng = np.random.default_rng(seed)
    model = rng.poisson(12.0, (STIMULI, MODEL))
    part = (model - 12.0) @ rng.normal(size=(MODEL, UNITS))
    part = (part - part.mean(axis=0)) / part.std(axis=0)
    mean = np.maximum(20.0 + 4.0 * (part + own * rng.normal(size=part.shape)), 0.0)
    order = rng.permutation(np.repeat(np.arange(STIMULI), REPEATS))
    recorded = of_counts(rng.poisson(mean[order]), order.astype(float))
    shown = rng.permutation(STIMULI)
    signal = 16.0 * (1.0 + own**2)
    truth = {
        "explained_share": 1.0 / (1.0 + own**2),
        "explainable_share": signal / (signal + 20.0 / REPEATS),
    }
    return of_counts(model[shown], shown.astype(float)), recorded, truth


@pytest.mark.parametrize("own", [0.0, 1.0, 2.0])
def test_explained_and_explainable_shares_are_the_true_ones(own: float) -> None:
    model, recorded, truth = made(own)
    found = encoding_measures(model, "cells", recorded, "cells")
    for name, wanted in truth.items():
        values = np.asarray(found[name].value)
        assert len(values) == UNITS
        assert not np.isnan(values).any()
        # Standard errors over 24 units are below 0.015. Six weights of 240 stimuli cost the
        # prediction 6 / 240 of the part that cannot be predicted.
        loss = 0.0 if name == "explainable_share" else (1 - wanted + 0.1) * MODEL / 240
        assert values.mean() == pytest.approx(wanted - loss, abs=0.04), name
    assert found["explained_share"].n[0] == STIMULI


def test_responses_to_other_stimuli_predict_less_than_the_mean() -> None:
    model, recorded, _ = made(0.0)
    drawn = np.random.default_rng(9).permutation(STIMULI).astype(float)
    trials = model.trials | {"sequence": drawn}
    other = Recording(model.spikes, model.shapes, trials)
    found = encoding_measures(other, "cells", recorded, "cells")["explained_share"]
    assert np.mean(np.asarray(found.value) > 0) < 0.5
    assert np.abs(np.asarray(found.value)).max() < 0.2


def test_the_division_is_fixed_and_no_part_sees_its_own_counts() -> None:
    rng = np.random.default_rng(2)
    features, mean = rng.normal(size=(60, 4)), rng.normal(size=(60, 3))
    guess = _predicted(features, mean, folds=5, seed=0)
    np.testing.assert_array_equal(guess, _predicted(features, mean, folds=5, seed=0))
    part = np.random.default_rng(0).permutation(60) % 5
    changed = mean.copy()
    changed[part == 2] += 100.0
    again = _predicted(features, changed, folds=5, seed=0)
    np.testing.assert_allclose(again[part == 2], guess[part == 2])
    assert np.abs(again[part == 1] - guess[part == 1]).max() > 1.0


def test_units_without_a_stimulus_response_are_left_out_with_the_reason() -> None:
    model, recorded, _ = made(0.0)
    rng = np.random.default_rng(1)
    counts = recorded.counts("cells")
    counts[:, 0], counts[:, 1] = 0, rng.poisson(20.0, len(counts))
    one = of_counts(counts, recorded.trials["sequence"])
    found = encoding_measures(model, "cells", one, "cells")["explained_share"]
    assert found.insufficient[:3] == ("no spikes", "counts do not differ between stimuli", "")


def test_what_lacks_is_said() -> None:
    model, recorded, _ = made(0.0)
    few = recorded.take(np.flatnonzero(recorded.trials["sequence"] < 12))
    with pytest.raises(SpecError, match="12 stimuli are in both and repeated"):
        encoding_measures(model, "cells", few, "cells")
    one = recorded.take(np.flatnonzero(recorded.trials["sequence"] == 3))
    with pytest.raises(SpecError, match="one stimulus alone"):
        encoding_measures(model, "cells", one, "cells")
    with pytest.raises(SpecError, match="1 parts leave nothing"):
        encoding_measures(model, "cells", recorded, "cells", folds=1)
