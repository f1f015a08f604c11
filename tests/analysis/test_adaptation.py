"""Adaptation: the index by hand, GLIF1 in closed form, GLIF3 by another integrator, the medians."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from scnnbio.analysis.adaptation import ADAPTATION, adaptation, adaptation_index
from scnnbio.errors import SpecError
from scnnbio.experiment import load
from scnnbio.figures import draw
from scnnbio.neurons import LIBRARY
from scnnbio.neurons.rates import firing_rate
from scnnbio.workflow import execute

ROOT = Path(__file__).parents[2]
FILE = ROOT / "experiments" / "adaptation.toml"
CELLS = ROOT / "../shared/data/glif/ephys_features_teeter2018_mouse_v1.csv"


@pytest.fixture(scope="module")
def results():
    return execute(load(FILE), "brian2")


@pytest.fixture(scope="module")
def run(results):
    return results.runs["long_squares"]


def test_the_index_by_hand():
    assert adaptation_index([10.0, 10.0, 10.0]) == 0.0
    # (20 - 10)/30 and (30 - 20)/50
    assert adaptation_index([10.0, 20.0, 30.0]) == pytest.approx((1 / 3 + 1 / 5) / 2)
    assert adaptation_index([20.0, 10.0]) == pytest.approx(-1 / 3)
    assert np.isnan(adaptation_index([10.0]))


@pytest.mark.slow
def test_without_adaptation_rates_are_the_closed_form(run):
    found = adaptation(run, "glif1_excitatory")
    closed = firing_rate(LIBRARY["GLIF1"], found.current, dt=0.1)
    fires = closed > 0
    np.testing.assert_array_equal(found.rate > 0, fires)
    # Counted over a second; an interval in closed form, on the grid.
    np.testing.assert_allclose(found.rate[fires], np.floor(closed[fires] + 1e-9), atol=1.0)
    assert np.abs(found.index[fires]).max() < 1e-9
    np.testing.assert_allclose(found.first_rate[fires], closed[fires], rtol=1e-9)


@pytest.mark.slow
def test_the_intervals_of_glif3_are_those_of_a_runge_kutta_solution(run):
    """dv/dt with two after-spike currents, held for tau_refrac; scipy finds the crossings."""
    found = adaptation(run, "glif3_excitatory")
    p = {name: q.default for name, q in LIBRARY["GLIF3"].parameters.items()}
    current = found.current[found.hero]
    taus = np.array([p["asc_tau1"], p["asc_tau2"]])
    jumps = np.array([p["asc_amp1"], p["asc_amp2"]])

    def slope(_, z):
        leak = (p["v_rest"] - z[0]) / p["tau_m"]
        return [leak + (z[1] + z[2] + current) / p["cm"], *(-z[1:] / taus)]

    def crossing(_, z):
        return z[0] - p["v_thresh"]

    crossing.terminal, crossing.direction = True, 1.0
    time, state, spikes = 0.0, np.array([p["v_rest"], 0.0, 0.0]), []
    while True:
        found_at = solve_ivp(
            slope, (time, 1000.0), state, method="DOP853", events=crossing, rtol=1e-9, atol=1e-9
        )
        if not len(found_at.t_events[0]):
            break
        spikes.append(float(found_at.t_events[0][0]))
        currents = found_at.y_events[0][0][1:] * np.exp(-p["tau_refrac"] / taus) + jumps
        time, state = spikes[-1] + p["tau_refrac"], np.array([p["v_reset"], *currents])
    ours, theirs = found.intervals[found.hero], np.diff(spikes)
    assert len(ours) == len(theirs) > 10
    np.testing.assert_allclose(ours, theirs, atol=0.25)  # the grid is 0.1 ms
    assert found.index[found.hero] == pytest.approx(adaptation_index(theirs), abs=1e-3)


@pytest.mark.slow
def test_after_spike_currents_adapt_as_recorded_cells_do(results, run):
    indices = {
        p.name: (a := adaptation(run, p.name)).index[a.hero]
        for p in run.experiment.network.populations
        if not p.is_source
    }
    assert indices["glif2_excitatory"] == pytest.approx(0.0, abs=1e-9)
    for level in (3, 4, 5):
        cells = ADAPTATION["excitatory"]
        assert cells.low - 0.001 < indices[f"glif{level}_excitatory"] < cells.high
    cells = ADAPTATION["inhibitory"]
    assert cells.low < indices["glif3_inhibitory"] < cells.high
    assert indices["glif3_inhibitory"] < indices["glif3_excitatory"]
    assert "Teeter" in draw("adaptation", results).caption


@pytest.mark.slow
def test_a_current_near_fifty_picoamperes_above_rheobase_is_needed(run):
    found = adaptation(run, "glif3_excitatory")
    coarse = type(found)(**{**vars(found), "current": np.linspace(0.0, 20.0, len(found.current))})
    with pytest.raises(SpecError, match="above its"):
        _ = coarse.hero


@pytest.mark.skipif(not CELLS.exists(), reason=f"{CELLS} is not there")
@pytest.mark.parametrize("kind", ["excitatory", "inhibitory"])
def test_the_medians_are_those_of_the_recorded_cells(kind):
    with CELLS.open() as file:
        rows = [row for row in csv.DictReader(file) if row["excitation"] == kind]
    values = np.array([float(r["adaptation_index"]) for r in rows if r["adaptation_index"]])
    published = ADAPTATION[kind]
    assert len(values) == published.n
    found = np.percentile(values, [25, 50, 75])
    np.testing.assert_allclose(found, [published.low, published.median, published.high], atol=5e-4)
