"""Responses by condition, against a loop over trials and against Elephant."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from scnnbio.analysis.rates import responses
from scnnbio.errors import SpecError
from scnnbio.recording import Recording, Spikes


@pytest.fixture
def recording() -> Recording:
    """Two trials without a grating, then two orientations by three frequencies, three times."""
    rng = np.random.default_rng(0)
    orientation = np.r_[np.nan, np.nan, np.tile(np.repeat([90.0, 0.0], 3), 3)]
    frequency = np.r_[np.nan, np.nan, np.tile([0.1, 0.2, 0.3], 6)]
    n = 900
    return Recording(
        {"v1": Spikes(rng.uniform(0, 500, n), rng.integers(0, 4, n), rng.integers(0, 20, n))},
        {"v1": (4, 1, 1)},
        {
            "duration": np.full(20, 500.0),
            "orientation": orientation,
            "spatial_frequency": frequency,
        },
    )


def test_rates_agree_with_a_loop(recording: Recording) -> None:
    table = responses(recording, "v1", window=(100.0, 350.0))
    assert table.conditions["orientation"].tolist() == [0, 0, 0, 90, 90, 90]
    assert table.n_trials.tolist() == [3] * 6
    assert table.condition[:2].tolist() == [-1, -1]
    spikes = recording.spikes["v1"]
    for c in range(6):
        for unit in range(4):
            count = 0
            for trial in range(20):
                same = all(
                    recording.trials[name][trial] == table.conditions[name][c]
                    for name in ("orientation", "spatial_frequency")
                )
                if same:
                    here = (spikes.trial == trial) & (spikes.unit == unit)
                    count += int(((spikes.time > 100) & (spikes.time <= 350) & here).sum())
            assert table.rates[c, unit] == pytest.approx(count / 3 / 0.25)


def test_rates_are_those_of_elephant(recording: Recording) -> None:
    from elephant.statistics import mean_firing_rate

    table = responses(recording, "v1", by=("orientation",))
    trials = np.flatnonzero(table.condition == 1)
    block = recording.to_neo(units=[2], trials=trials.tolist())
    trains = [segment.spiketrains[0] for segment in block.segments]
    rates = [float(mean_firing_rate(train).rescale("Hz")) for train in trains]
    assert table.rates[1, 2] == pytest.approx(np.mean(rates))


def test_standard_errors_are_those_of_scipy(recording: Recording) -> None:
    table = responses(recording, "v1", window=(100.0, 350.0))
    wanted = [scipy.stats.sem(table.counts[table.condition == c], axis=0) / 0.25 for c in range(6)]
    np.testing.assert_allclose(table.standard_errors, wanted)
    alone = responses(recording.take([2]), "v1", window=(100.0, 350.0))
    assert np.isnan(alone.standard_errors).all()


def test_curve_is_taken_at_each_units_best_frequency(recording: Recording) -> None:
    table = responses(recording, "v1")
    orientations, curves = table.curve("orientation")
    assert orientations.tolist() == [0.0, 90.0]
    grid = table.rates.reshape(2, 3, 4)
    for unit in range(4):
        _, frequency = np.unravel_index(grid[:, :, unit].argmax(), (2, 3))
        np.testing.assert_allclose(curves[unit], grid[:, frequency, unit])
    np.testing.assert_allclose(curves.max(axis=1), table.rates.max(axis=0))


def test_curve_at_a_fixed_frequency(recording: Recording) -> None:
    table = responses(recording, "v1")
    _, curves = table.curve("orientation", spatial_frequency=0.2)
    np.testing.assert_allclose(curves, table.rates.reshape(2, 3, 4)[:, 1].T)
    with pytest.raises(SpecError, match="not 'contrast'"):
        table.curve("contrast")


def test_what_is_missing_is_named(recording: Recording) -> None:
    with pytest.raises(SpecError, match="no column 'contrast'; there are stage"):
        responses(recording, "v1", by=("contrast",))
    with pytest.raises(SpecError, match="no trial has orientation"):
        responses(recording.take([0, 1]), "v1", by=("orientation",))
    mixed = Recording({"v1": Spikes([], [], [])}, {}, {"duration": [1.0, 2.0], "a": [1, 1]})
    with pytest.raises(SpecError, match="give a window"):
        responses(mixed, "v1", by=("a",))


def test_text_makes_conditions_too() -> None:
    recording = Recording(
        {"v1": Spikes([1.0, 2.0], [0, 0], [0, 2])},
        {},
        {"duration": [1000.0] * 3, "image": ["b", "a", "b"]},
    )
    table = responses(recording, "v1", by=("image",))
    assert table.conditions["image"].tolist() == ["a", "b"]
    assert table.rates[:, 0].tolist() == [0.0, 1.0]
