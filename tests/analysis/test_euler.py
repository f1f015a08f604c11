"""Forward Euler's regimes: the experiment itself, against arithmetic done here."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from scnnbio.analysis.euler import factors, membranes
from scnnbio.errors import DataError, SpecError
from scnnbio.experiment import load
from scnnbio.figures import draw
from scnnbio.network import Network
from scnnbio.neurons import LIBRARY
from scnnbio.population import Population
from scnnbio.validation import Evidence
from scnnbio.workflow import execute

FILE = Path(__file__).parents[2] / "experiments" / "euler_stability.toml"


@pytest.fixture(scope="module")
def results():
    return execute(load(FILE, settings=["stages.constant_current.stimulus.duration=300 ms"]),
                   "reference")  # fmt: skip


@pytest.fixture(scope="module")
def run(results):
    return results.runs["constant_current"]


def test_factors_are_those_of_the_recurrences(run):
    ratio = membranes(run, "still_euler").ratio
    euler, exact = factors(run, "still_euler"), factors(run, "still_exact")
    np.testing.assert_allclose(exact, np.exp(-ratio), atol=1e-12)
    slow = ratio < 2.5  # at 2.5 the first step overshoots the threshold
    np.testing.assert_allclose(euler[slow], 1.0 - ratio[slow], atol=1e-12)
    assert np.isnan(euler[~slow]).all()


def test_below_threshold_only_diverging_steps_fire(run):
    assert membranes(run, "still_exact").rate.max() == 0
    euler = membranes(run, "still_euler")
    np.testing.assert_array_equal(euler.rate > 0, euler.ratio > 2.0)
    # Steps to 25 mV, from 10 mV (1 - (1 - x)^n) with |1 - x|^n >= 1.5 for an odd n.
    for x, steps in ((2.0833333, 7), (2.2222222, 3), (2.5, 1)):
        channel = int(np.abs(euler.ratio - x).argmin())
        # After the spike the count begins again from rest.
        assert euler.rate[channel] == pytest.approx(300 // steps / 0.3)


def test_exact_rates_are_the_closed_form_on_the_grid(run):
    found = membranes(run, "firing_exact")
    # tau log(25/10) on the grid of 1 ms, counted over 300 ms; the closed form without a grid.
    wait = found.tau * np.log(2.5)
    np.testing.assert_allclose(found.rate, np.floor(300 / np.ceil(wait)) / 0.3)
    np.testing.assert_allclose(found.grid_rate, 1e3 / np.ceil(wait))
    np.testing.assert_allclose(found.closed_rate, 1e3 / wait)


def test_the_figure_shows_what_was_measured(results, run):
    drawn = draw("euler_stability", results)
    assert "from dt = 2.08 tau on" in drawn.caption
    shown = drawn.figure.axes[3].lines
    points = next(line for line in shown if line.get_label() == "Euler, measured")
    np.testing.assert_array_equal(points.get_ydata(), factors(run, "still_euler"))


def test_v_has_to_be_sampled_at_every_step(run):
    with pytest.raises(SpecError, match="every step"):
        factors(run, "firing_euler")


@pytest.mark.slow
def test_another_study_with_such_a_stage_has_a_report_without_the_figure(run):
    """Stage and populations bear the names, and the neurons have no leak."""
    network = run.experiment.network
    perfect = [
        p if p.is_source else Population(p.name, p.shape, LIBRARY["IF"])
        for p in network.populations
    ]
    experiment = dataclasses.replace(run.experiment, network=Network(tuple(perfect), ()))
    other = SimpleNamespace(experiment=experiment, recording=run.recording, weights={})
    with pytest.raises(DataError, match="cannot be drawn"):
        draw("euler_stability", SimpleNamespace(evidence={"constant_current": Evidence(other)}))
