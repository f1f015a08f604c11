"""Errors of grids, on recordings whose errors are known by construction."""

from __future__ import annotations

import numpy as np
import pytest

from scnnbio.analysis.convergence import convergence, order, spike_errors
from scnnbio.errors import SpecError
from scnnbio.recording import Recording, Spikes


def recording(times: list[float], units: list[int], neurons: int = 4) -> Recording:
    spikes = Spikes(time=times, unit=units, trial=np.zeros(len(times), int))
    return Recording({"v1": spikes}, {"v1": (neurons, 1, 1)}, {"duration": [100.0]})


def test_spikes_are_compared_in_order_where_counts_agree():
    """Unit 0 is late by 0.1 and 0.2, unit 1 lost its spike, units 2 and 3 never fire."""
    exact = recording([10.0, 20.0, 15.0], [0, 0, 1])
    grid = recording([20.2, 10.1], [0, 0])
    error, same = spike_errors(exact, grid, "v1")
    np.testing.assert_allclose(error, [0.1, 0.2])
    assert same == 0.5


@pytest.mark.parametrize("power", [1, 2])
def test_the_order_is_the_power_of_dt_that_was_put_in(power):
    exact = recording([10.0, 20.0, 30.0], [0, 1, 2])
    grids = {
        dt: recording([10.0 + dt**power, 20.0 + dt**power, 30.0 + 3 * dt**power], [0, 1, 2])
        for dt in (0.1, 0.4, 0.2)
    }
    found = convergence(exact, grids, "v1")
    np.testing.assert_array_equal(found.dt, [0.4, 0.2, 0.1])
    np.testing.assert_allclose(found.median, found.dt**power)
    assert found.order == pytest.approx(power)
    assert found.spikes == 3


def test_what_cannot_be_compared_is_an_error():
    exact = recording([10.0], [0])
    with pytest.raises(SpecError, match="no grid"):
        convergence(exact, {}, "v1")
    with pytest.raises(SpecError, match="no spike"):
        convergence(exact, {0.1: recording([], [])}, "v1")
    with pytest.raises(SpecError, match="one experiment"):
        spike_errors(exact, recording([10.0], [0], neurons=5), "v1")
    with pytest.raises(SpecError, match="two time steps"):
        order([0.1], [0.1])
