"""The convergence figure shows the errors it was given."""

from __future__ import annotations

import numpy as np
import pytest

from scnnbio.analysis.convergence import Convergence
from scnnbio.analysis.paired import Statistic
from scnnbio.errors import SpecError
from scnnbio.figures.convergence import convergence_figure

DT = np.array([0.4, 0.2, 0.1])


def _found(name: str) -> Convergence:
    # Errors of half a step, so the order is 1 by construction.
    return Convergence(name, DT, 10, DT / 2, DT, np.array([0.8, 0.9, 1.0]))


def test_errors_counts_and_the_order_are_those_given():
    axes = convergence_figure([_found("v1")], {0.4: 1e-13, 0.1: 1e-12}).axes
    np.testing.assert_allclose(axes[0].lines[0].get_ydata(), DT / 2)
    assert "order 1.00" in axes[0].lines[0].get_label()
    np.testing.assert_allclose(axes[1].lines[0].get_ydata(), [0.8, 0.9, 1.0])
    np.testing.assert_allclose(axes[2].lines[0].get_ydata(), [1e-12, 1e-13])
    assert all("(m" in a.get_ylabel() for a in (axes[0], axes[2]))


def test_the_last_panel_is_left_out_without_states_and_no_population_is_refused():
    assert len(convergence_figure([_found("v1"), _found("v2")]).axes) == 2
    with pytest.raises(SpecError, match="one to five"):
        convergence_figure([])


def test_backends_are_named_and_their_rates_shown_in_percent():
    rate = Statistic(10.0, 11.0, 0.1, 0.05, 0.2, 20, 0)
    figure = convergence_figure(
        [_found("v1"), _found("v1")], rates=[[rate] * 3, [rate] * 3], labels=["one", "two"]
    )
    axes = figure.axes
    assert len(axes) == 3
    # One legend, below the panels that share it: none lies on the data.
    (legend,) = figure.legends
    assert [text.get_text().split(",")[0] for text in legend.get_texts()[:2]] == ["one", "two"]
    assert all(panel.get_legend() is None for panel in axes)
    np.testing.assert_allclose(axes[2].lines[0].get_ydata(), [10.0] * 3)
    bar = axes[2].collections[0].get_segments()[0]
    np.testing.assert_allclose(bar[:, 1], [5.0, 20.0])
    # Open and larger, so that what lies under it is seen.
    assert axes[1].lines[1].get_markersize() > axes[1].lines[0].get_markersize()
    assert axes[1].lines[1].get_markerfacecolor() == "none"


def test_errors_of_zero_have_no_order():
    exact = Convergence("v1", DT, 10, np.zeros(3), np.zeros(3), np.ones(3))
    axes = convergence_figure([exact]).axes
    assert axes[0].lines[0].get_label() == "v1: 10 spikes"


def test_the_axis_of_errors_ends_at_the_largest():
    # Room for a legend had taken it three decades further.
    axes = convergence_figure([_found("v1")]).axes
    assert DT.max() < axes[0].get_ylim()[1] < 3 * DT.max()
