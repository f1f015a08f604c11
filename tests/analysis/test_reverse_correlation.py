"""Receptive fields by reverse correlation of a linear-nonlinear Poisson cell that is known."""

import numpy as np
import pytest

from scnnbio.analysis.gabor import gabor
from scnnbio.analysis.measurements import Bootstrap
from scnnbio.analysis.reverse_correlation import (
    receptive_field_measures,
    spike_triggered_average,
)
from scnnbio.errors import SpecError
from tests.analysis.synthetic import coverage, spikes

SHAPE = (11, 11)
TRUTH = {"sigma_x": 1.6, "sigma_y": 2.0, "theta": 30.0, "frequency": 0.17, "phase": 40.0,
         "x0": 0.5, "y0": -0.4}  # fmt: skip
N_TRIALS, N_FRAMES = 40, 250


@pytest.fixture(scope="module")
def movies():
    rng = np.random.default_rng(0)
    return [0.3 * rng.standard_normal((N_FRAMES, *SHAPE)) for _ in range(N_TRIALS)]


def fired(movies, units, lag, rng, gain=1.2):
    """Rate 20 exp(gain x drive) of the frame ``lag`` frames earlier; the last unit is blind."""
    field = gabor(SHAPE, **TRUTH)
    field = field / np.sqrt((field**2).sum()) / 0.3
    times, owner, trials = [], [], []
    for trial, movie in enumerate(movies):
        drive = np.concatenate([np.zeros(lag), (movie * field).sum(axis=(1, 2))[: 250 - lag]])
        rate = np.repeat(20.0 * np.exp(gain * drive - gain**2 / 2)[:, None], units, axis=1)
        rate[:, -1] = 20.0
        number = rng.poisson(rate * 0.02)
        frame, unit = (i.ravel().repeat(number.ravel()) for i in np.indices(number.shape))
        times.append((frame + rng.uniform(1e-6, 1.0, len(frame))) * 20.0)
        owner.append(unit)
        trials.append(np.full(len(frame), trial))
    parts = [np.concatenate(part) for part in (times, owner, trials)]
    return spikes(*parts, units, {"sequence": np.arange(40.0)}, 5000.0)


def test_the_average_is_the_field_at_its_lag(movies):
    recording = fired(movies, 2, 2, np.random.default_rng(1))
    found = spike_triggered_average(recording, "v1", lambda k: movies[k], lags=4)
    assert found.average.shape == (2, 4, *SHAPE)
    assert found.frame == 20.0
    assert found.noise == pytest.approx(0.3, rel=0.01)
    assert found.best_lag()[0] == 2
    field = gabor(SHAPE, **TRUTH)
    # Of exp(gain x drive) the average is gain x sd along the unit field (Chichilnisky 2001).
    along = (found.average[0, 2] * field).sum() / np.sqrt((field**2).sum())
    assert along == pytest.approx(1.2 * 0.3, rel=0.05)
    # The blind unit's average is noise of the standard error that the errors count in.
    assert found.average[1].std() == pytest.approx(0.3 / np.sqrt(found.n[1]), rel=0.1)
    assert found.peak_errors()[1] < 5.0
    # The slow way: frame by frame of each spike.
    part = recording.spikes["v1"]
    mine = np.flatnonzero(part.unit == 0)
    frame = np.ceil(part.time[mine] / 20.0 - 1e-9).astype(int) - 1
    pairs = [(t, f) for t, f in zip(part.trial[mine], frame, strict=True) if f >= 3]
    slow = np.mean([movies[t][f - 2] for t, f in pairs], axis=0)
    slow -= np.mean([movie.mean(axis=0) for movie in movies], axis=0)
    np.testing.assert_allclose(found.average[0, 2], slow, atol=1e-12)
    assert found.n[0] == len(pairs)


def test_the_fitted_field_and_its_coverage(movies):
    recording = fired(movies, 9, 1, np.random.default_rng(2))
    found = receptive_field_measures(
        recording, "v1", lambda k: movies[k], lags=2, bootstrap=Bootstrap(draws=24)
    )
    truths = {
        "orientation": 120.0, "frequency": 0.17, "n_x": 1.6 * 0.17, "n_y": 2.0 * 0.17,
        "x0": 0.5, "y0": -0.4, "phase": 40.0,
    }  # fmt: skip
    inside = [
        coverage(found[name], truth, {"orientation": 180.0, "phase": 360.0}.get(name))
        for name, truth in truths.items()
    ]
    # Of 24 draws the ends are the extremes nearly, and units share the error of the movies.
    assert np.mean(inside) > 0.7
    for name, truth in truths.items():
        assert np.nanmedian(found[name].value) == pytest.approx(truth, rel=0.1, abs=0.15), name
    assert (found["best_lag"].value[:-1] == 20.0).all()
    assert found["orientation"].insufficient[-1] == "no pixel 5 standard errors from 0"
    assert found["r_squared"].value[0] > 0.7
    few = receptive_field_measures(
        recording, "v1", lambda k: movies[k], bootstrap=Bootstrap(draws=0), least_spikes=10**6
    )
    assert few["n_x"].insufficient[0] == "fewer than 1000000 spikes"


def test_frames_that_differ_are_refused(movies):
    recording = fired(movies, 1, 1, np.random.default_rng(2))
    with pytest.raises(SpecError, match="alike in every trial"):
        spike_triggered_average(recording, "v1", lambda k: movies[k][: 250 - k])
    with pytest.raises(SpecError, match="lags"):
        spike_triggered_average(recording, "v1", lambda k: movies[k], lags=0)
