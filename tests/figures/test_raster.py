"""Rasters: the spikes on the axes are those of the recording."""

from __future__ import annotations

import numpy as np
import pytest

from scnnbio.errors import SpecError
from scnnbio.figures.raster import raster
from scnnbio.recording import Recording, Spikes


@pytest.fixture
def recording() -> Recording:
    return Recording(
        {
            "lgn": Spikes([10.0, 20.0, 30.0], [0, 5, 7], [0, 0, 1]),
            "v1": Spikes([12.0, 40.0], [2, 1], [0, 1]),
        },
        {"lgn": (2, 2, 2), "v1": (3, 1, 1)},
        {"duration": [50.0, 50.0]},
    )


def test_on_is_above_off_and_every_spike_is_in_its_row(recording):
    axes = raster(recording, trials=[0]).axes
    off, on = axes[0].lines
    # OFF cells are units 4 to 7 in rows 0 to 3, ON cells units 0 to 3 in rows 4 to 7.
    assert (off.get_xdata().tolist(), off.get_ydata().tolist()) == ([20.0], [1])
    assert (on.get_xdata().tolist(), on.get_ydata().tolist()) == ([10.0], [4])
    (layer,) = axes[1].lines
    assert (layer.get_xdata().tolist(), layer.get_ydata().tolist()) == ([12.0], [2])


def test_rate_is_spikes_by_units_and_time(recording):
    axes = raster(recording, trials=[0]).axes[2]
    layer = axes.patches[2].get_data()
    # One spike of three units in a bin of 1 ms, at 12 ms.
    assert layer.values[12] == pytest.approx(1000.0 / 3)
    assert layer.values.sum() == pytest.approx(1000.0 / 3)
    assert axes.get_xlabel() == "time in the trial (ms)"
    assert "(Hz)" in axes.get_ylabel()


def test_the_rate_of_off_cells_leaves_out_those_of_on_cells(recording):
    axes = raster(recording, trials=[0]).axes[2]
    off, on = (patch.get_data().values for patch in axes.patches[:2])
    # Each fires one spike with its four units: OFF at 20 ms, ON at 10 ms.
    assert np.flatnonzero(off).tolist() == [20]
    assert np.flatnonzero(on).tolist() == [10]
    assert off[20] == on[10] == pytest.approx(1000.0 / 4)


def test_many_units_are_thinned_and_the_label_says_so(recording):
    axes = raster(recording, trials=[1], max_units=2).axes
    assert "2 of 8" in axes[0].get_ylabel()
    assert "2 of 3" in axes[1].get_ylabel()


def test_the_rate_is_of_all_units_however_few_are_drawn(recording):
    all_drawn, one_drawn = (raster(recording, trials=[1], max_units=m).axes[2] for m in (200, 1))
    for one, other in zip(all_drawn.patches, one_drawn.patches, strict=True):
        np.testing.assert_array_equal(one.get_data().values, other.get_data().values)
    assert sum(patch.get_data().values.sum() for patch in all_drawn.patches) > 0


def test_a_population_that_was_not_recorded_is_left_out(recording):
    only = Recording({"v1": recording.spikes["v1"]}, {"v1": (3, 1, 1)}, recording.trials)
    assert len(raster(only).axes) == 4  # two trials, each with raster and rate


def test_nothing_to_show_is_refused(recording):
    with pytest.raises(SpecError, match="were recorded"):
        raster(recording, inputs="a", outputs="b")
    with pytest.raises(SpecError, match="cannot be shown"):
        raster(recording, trials=[2])
    nothing = Recording({"v1": Spikes([], [], [])}, {"v1": (3, 1, 1)}, {"duration": np.empty(0)})
    with pytest.raises(SpecError, match="cannot be shown"):
        raster(nothing)


def test_a_grating_is_named_by_its_period(recording):
    table = {"duration": [100.0], "orientation": [30.0], "spatial_frequency": [0.12]}
    trials = {name: np.array(values) for name, values in table.items()}
    spikes = {"v1": Spikes([1.0], [0], [0])}
    axes = raster(Recording(spikes, {"v1": (3, 1, 1)}, trials)).axes
    assert axes[0].get_title(loc="left") == "30°, period 8.33 pixels"
