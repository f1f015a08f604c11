"""The figure of two backends shows the spikes, rates and distances that it was given."""

from __future__ import annotations

import numpy as np
import pytest

from scnnbio.analysis.agreement import Settings, agreement
from scnnbio.errors import SpecError
from scnnbio.figures.agreement import Side, agreement_figure
from scnnbio.recording import Recording, Spikes


def recording(times, units, size=3):
    order = np.argsort(times)
    spikes = Spikes(
        np.array(times, float)[order],
        np.array(units, np.int32)[order],
        np.zeros(len(times), np.int32),
    )
    return Recording({"v1": spikes}, {"v1": (size, 1, 1)}, {"duration": [100.0]})


def side(shift):
    ours = recording([10.0, 20.0, 30.0, 40.0], [0, 0, 1, 1])
    theirs = recording([10.0, 20.0, 30.0, 40.0 + shift], [0, 0, 1, 1])
    found = agreement(ours, theirs, "v1", Settings(trains=1))
    return Side("one", "two", 0.5, found)


def test_the_neurons_that_differ_come_first_and_both_rows_of_ticks_are_theirs():
    axes = agreement_figure([side(1.0)]).axes
    assert [t.get_text() for t in axes[0].get_yticklabels()] == ["1", "0"]
    ours, theirs = axes[0].collections[:2]
    assert [segment[0, 0] for segment in ours.get_segments()] == [30.0, 40.0]
    assert [segment[0, 0] for segment in theirs.get_segments()] == [30.0, 41.0]
    # Upper is upper: the axis runs downwards.
    assert axes[0].yaxis_inverted()
    assert ours.get_segments()[0][:, 1].max() < theirs.get_segments()[0][:, 1].min()


def test_no_neuron_is_drawn_twice():
    # Ten of thirteen differ; half of the rest are fewer than there is room for.
    units = np.arange(13)
    ours = recording(np.full(13, 50.0), units, 13)
    theirs = recording(np.where(units < 10, 60.0, 50.0), units, 13)
    found = agreement(ours, theirs, "v1", Settings(trains=1))
    axes = agreement_figure([Side("one", "two", 0.5, found)]).axes
    shown = [t.get_text() for t in axes[0].get_yticklabels()]
    assert len(shown) == len(set(shown)) == 12


def test_rates_and_distances_are_those_given():
    axes = agreement_figure([side(1.0), side(0.0)]).axes
    np.testing.assert_allclose(axes[1].lines[1].get_xdata(), [20.0, 20.0, 0.0])
    # Three of four spikes lie where they lay, one two steps later.
    bars = [p for p in axes[2].patches if p.get_height() > 0]
    np.testing.assert_allclose([p.get_height() for p in bars], [0.75, 0.25])
    for bar, steps in zip(bars, (0.0, 2.0), strict=True):
        low = bar.get_x()
        assert low - 1e-9 <= steps <= low + bar.get_width() + 1e-9
    assert "50.0%" in axes[2].texts[0].get_text()
    assert "100.0%" in axes[5].texts[0].get_text()


def test_there_are_one_to_six_rows():
    with pytest.raises(SpecError, match="0 pairs"):
        agreement_figure([])
    with pytest.raises(SpecError, match="7 pairs"):
        agreement_figure([side(0.0)] * 7)
