"""Frequency responses against sums done by hand and textbook filters."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from scnnbio.analysis.frequency_response import (
    analytic_curve,
    frequency_response,
    harmonic,
    input_harmonic,
)
from scnnbio.errors import SpecError
from scnnbio.experiment import load
from scnnbio.figures import draw
from scnnbio.workflow import execute

FILE = Path(__file__).parents[2] / "experiments" / "synaptic_filters.toml"


def test_the_harmonic_of_a_cosine_is_its_amplitude_and_phase():
    t = np.arange(0.0, 500.0, 0.5) + 200.0
    x = 3.0 + 2.0 * np.cos(2 * np.pi * 10.0 * t / 1e3 + 0.7) + np.sin(2 * np.pi * 30.0 * t / 1e3)
    assert harmonic(x, t, 10.0) == pytest.approx(2.0 * np.exp(0.7j))
    with pytest.raises(SpecError, match="whole cycles"):
        harmonic(x, t, 9.0)


def test_the_expected_input_is_that_of_many_drawn_spikes():
    study = load(
        FILE, profile="tiny", settings=["stages.flicker.stimulus.temporal_frequency=[20.0]"]
    )
    experiment = study.stages[0].experiment
    path = experiment.network.projections[0]
    amplitude, mean = input_harmonic(experiment, path, 0, 20.0, 200.0)
    step, _ = experiment.input_spikes(0)
    time = step * experiment.dt
    late = time[time > 200.0]
    # 16 neurons share the 1024 ON cells among them.
    drawn = 2.0 / 1000.0 * np.exp(-2j * np.pi * 20.0 * late / 1e3).sum() / 16
    assert len(late) / 1000.0 / 16 == pytest.approx(mean, rel=0.01)
    # Noise of the amplitude: sqrt(4 spikes)/T, 64 x 100 Hz x 16 neurons in 1 s.
    assert abs(drawn - amplitude) < 3 * np.sqrt(4 * 6.4 * 16 * 1000) / 1000.0 / 16
    assert abs(amplitude) == pytest.approx(0.3 * 6.4, rel=0.02)


def test_the_analytic_curve_of_an_exponential_current_is_the_textbooks():
    """w R tau_syn / ((1 + i w tau_syn)(1 + i w tau_m)), Gerstner et al. 2014, section 1.3."""
    study = load(FILE, profile="tiny")
    experiment = study.stages[0].experiment
    run = SimpleNamespace(
        experiment=experiment, recording=SimpleNamespace(trials=experiment.trial_table())
    )
    f, found = analytic_curve(run, "lgn_exponential_current", points=20)
    omega = 2 * np.pi * f / 1e3
    textbook = 0.02 * 20.0 * 5.0 / ((1 + 1j * omega * 5.0) * (1 + 1j * omega * 20.0))
    np.testing.assert_allclose(found, textbook, rtol=1e-9)
    # Alpha, with its peak at the weight: e tau/(1 + i w tau)^2.
    _, found = analytic_curve(run, "lgn_alpha_current", points=20)
    textbook = 0.01 * 20.0 * np.e * 5.0 / ((1 + 1j * omega * 5.0) ** 2 * (1 + 1j * omega * 20.0))
    np.testing.assert_allclose(found, textbook, rtol=1e-9)
    # A conductance of mean g shortens tau_m and pulls with E - v at the mean potential.
    _, mean = input_harmonic(experiment, experiment.network.projections[2], 0, 5.0, 200.0)
    g = 0.001 * 5.0 * mean
    tau, v = 1.0 / (0.05 + g), -65.0 + 65.0 * g / (0.05 + g)
    _, found = analytic_curve(run, "lgn_exponential_conductance", points=20)
    textbook = 0.001 * 5.0 * -v * tau / ((1 + 1j * omega * 5.0) * (1 + 1j * omega * tau))
    np.testing.assert_allclose(found, textbook, rtol=1e-9)


@pytest.mark.slow
def test_the_experiment_lies_on_its_curve():
    results = execute(load(FILE, profile="tiny", settings=["dt=0.25 ms"]), "brian2-standalone")
    run = results.runs["flicker"]
    for name in ("exponential_current", "alpha_current"):
        found = frequency_response(run, f"lgn_{name}")
        # Wider than the interval of 95 %: thirty-two neurons and trials in all.
        width = np.maximum(found.high[0] - found.low[0], 1e-6)
        assert (np.abs(found.ratio - 1.0) < 1.5 * width).all()
        assert (width < 0.25).all()
        assert np.abs(found.phase_error).max() < 8.0
    conductance = frequency_response(run, "lgn_exponential_conductance")
    np.testing.assert_allclose(conductance.ratio, 1.0, atol=0.12)
    assert "95 %" in draw("synaptic_filters", results).caption
