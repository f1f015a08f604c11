"""Histograms of orientation and selectivity, and tuning curves."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from scnnbio.errors import SpecError
from scnnbio.figures.histograms import draw_against_bins
from scnnbio.figures.orientation import example_units, orientation_figure, tuning_curves
from scnnbio.figures.style import new_figure


def stairs(axes) -> list[np.ndarray]:
    return [patch.get_data().values for patch in axes.patches if hasattr(patch, "get_data")]


def test_orientations_wrap_about_180_and_expectation_is_n_over_bins():
    # With four bins the first reaches from -22.5 to 22.5: 175, 5 and 185 belong to it.
    figure = orientation_figure(
        [175.0, 5.0, 185.0, 90.0, np.nan], [0.2, 0.4, np.nan, 0.9, 0.1], [1, 2], [0, 0.5, 1], bins=4
    )
    axes = figure.axes[0]
    np.testing.assert_array_equal(stairs(axes)[0], [3, 0, 1, 0])
    assert axes.lines[0].get_ydata()[0] == 1.0
    assert axes.get_xlabel().endswith("(deg)")


def test_variance_is_a_share_of_the_cells_beside_the_published():
    figure = orientation_figure([0.0], [0.2, 0.4, np.nan, 0.9, 0.1], [1, 3], [0, 0.5, 1])
    published, model = stairs(figure.axes[1])
    np.testing.assert_allclose(published, [0.25, 0.75])
    np.testing.assert_allclose(model, [0.75, 0.25])
    assert "n = 4" in figure.axes[1].get_legend().get_texts()[0].get_text()


def test_cells_beyond_the_bins_stand_apart():
    axes = new_figure(85, 60).add_subplot()
    draw_against_bins(axes, [5.0, 15.0, np.inf, 95.0], [6, 2], [10, 50, 90], above=2)
    shares = stairs(axes)  # below, the bins, above; published before the model
    np.testing.assert_allclose(np.concatenate(shares[0::2]), [0.0, 0.6, 0.2, 0.2])
    np.testing.assert_allclose(np.concatenate(shares[1::2]), [0.25, 0.25, 0.0, 0.5])
    names = [tick.get_text() for tick in axes.get_xticklabels()]
    assert names[0] == "<10"
    assert names[-1] == ">90"


def test_bins_that_do_not_fit_are_refused():
    axes = new_figure(85, 60).add_subplot()
    with pytest.raises(SpecError, match="one more edge"):
        draw_against_bins(axes, [1.0], [6, 2], [10, 50])
    with pytest.raises(SpecError, match="bins"):
        orientation_figure([0.0], [0.1], [1], [0, 1], bins=1)


def test_tuning_shows_means_and_their_standard_error(results):
    table = results.evidence["gratings"].responses
    figure = tuning_curves(table, [1], spontaneous=np.arange(8.0))
    (bars,) = figure.axes[0].containers
    line, _, (sticks,) = bars.lines
    # By definition: counts of four repeats over half a second, the first angle again at the end.
    counts = table.counts[:24, 1].reshape(4, 6)
    rate, error = counts.mean(axis=0) / 0.5, counts.std(axis=0, ddof=1) / 2 / 0.5
    np.testing.assert_allclose(line.get_ydata()[:-1], rate)
    assert line.get_ydata()[-1] == rate[0]
    np.testing.assert_allclose(line.get_xdata(), np.arange(7) * 30.0)
    half = [np.ptp(segment[:, 1]) / 2 for segment in sticks.get_segments()]
    np.testing.assert_allclose(half[:-1], error)
    assert figure.axes[0].lines[-1].get_ydata()[0] == 1.0
    # A rate of 0 is seen above the axis.
    assert figure.axes[0].get_ylim()[0] < 0.0 < figure.axes[0].get_ylim()[1]
    assert "(Hz)" in figure.get_supylabel()
    assert "(deg)" in figure.get_supxlabel()


def test_examples_span_the_range_and_leave_out_silent_units():
    rates = np.array([[4.0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0], [3, 1, 1, 1]])
    angles = np.arange(4) * 45.0
    # Circular variances 0, 1, none, and 1 - 2/6.
    assert example_units(rates, angles).tolist() == [0, 3, 1]
    assert example_units(rates, angles, 2).tolist() == [0, 1]


def test_units_that_are_not_there_are_refused(results):
    with pytest.raises(SpecError, match="cannot be shown"):
        tuning_curves(results.evidence["gratings"].responses, [99])


def test_one_trial_a_grating_has_no_standard_error(results):
    table = results.evidence["gratings"].responses
    once = dataclasses.replace(table, condition=table.condition[:6], counts=table.counts[:6])
    assert tuning_curves(table, [0]).get_supylabel() == "mean rate ± SEM (Hz)"
    assert tuning_curves(once, [0]).get_supylabel() == "mean rate (Hz)"
