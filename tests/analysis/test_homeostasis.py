"""Measures of homeostatic layers, on rates and thresholds made by hand."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from scnnbio.analysis.homeostasis import (
    homeostatic_return,
    map_rates,
    settled_after,
    slope_at,
)
from scnnbio.errors import SpecError
from scnnbio.experiment import load, study_from
from scnnbio.figures import draw
from scnnbio.neurons.rates import homeostasis_eigenvalues
from scnnbio.recording import Recording, Signal, Spikes
from scnnbio.validation import CLAIMS
from scnnbio.workflow import execute

FILE = Path(__file__).parents[2] / "experiments" / "homeostasis_depth.toml"


def recording(time, unit, trial, duration=1000.0, shape=(2, 1, 2), n_trials=1, **more):
    order = np.lexsort((unit, time, trial))
    spikes = Spikes(
        time=np.asarray(time, float)[order], unit=np.asarray(unit, np.int32)[order],
        trial=np.asarray(trial, np.int32)[order],
    )  # fmt: skip
    trials = {
        "stage": np.array(["steps"] * n_trials),
        "start": np.arange(n_trials) * duration,
        "duration": np.full(n_trials, duration),
    }
    return Recording(spikes={"layer1": spikes}, shapes={"layer1": shape}, trials=trials, **more)


def test_rates_are_of_the_chosen_maps_and_bins_end_with_their_last_stamp():
    found = recording([100.0, 100.1, 250.0, 999.0], [0, 1, 2, 0], [0, 0, 0, 0])
    time, rates = map_rates(found, "layer1", [0], 100.0)
    assert time.tolist() == [50.0 + 100 * k for k in range(10)]
    # Two neurons and 100 ms: a spike is 5 Hz. Unit 2 belongs to the other map.
    assert rates[0].tolist() == [5.0, 5.0, 0, 0, 0, 0, 0, 0, 0, 5.0]
    assert map_rates(found, "layer1", [1], 100.0)[1][0, 2] == 5.0


def test_settled_after_the_last_excursion():
    time, rate = np.arange(5.0), np.array([30.0, 10.5, 12.0, 9.5, 10.5])
    assert settled_after(time, rate, 10.0) == 3.0
    assert settled_after(time, np.full(5, 10.0), 10.0) == 0.0
    assert np.isnan(settled_after(time, np.full(5, 12.0), 10.0))


def test_the_slope_of_a_parabola_is_its_own():
    v = np.linspace(-60.0, -40.0, 15)
    # 10 Hz at -52 mV with slope -1.5 Hz/mV, by construction.
    at, slope = slope_at(v, 10.0 - 1.5 * (v + 52.0) + 0.05 * (v + 52.0) ** 2, 10.0)
    assert at == pytest.approx(-52.0)
    assert slope == pytest.approx(-1.5)
    with pytest.raises(SpecError, match="three are needed"):
        slope_at(v, np.full(15, 100.0), 10.0)
    with pytest.raises(SpecError, match="do not fall through"):
        slope_at(v, 12.0 - 0.01 * (v + 52), 10.0)


def made_run(rate_of_return: float):
    """A layer whose threshold comes back exponentially, and spikes that go with it."""
    experiment = load(FILE).stages[0].experiment
    rng = np.random.default_rng(1)
    layer, curve = (experiment.network.population(n) for n in ("layer1", "curve"))
    eta, duration, period = 0.5, 45_000.0, 50.0
    time = np.arange(0.0, duration, period)
    theta = 20.0 - 12.0 * np.exp(-rate_of_return * time)
    # d theta/dt = eta (f - 10 Hz)
    rate = 10.0 + 12.0 * rate_of_return * 1e3 * np.exp(-rate_of_return * time) / eta
    counts = rng.poisson(rate[:, None] * period / 1e3, (len(time), layer.size)) * np.repeat(
        [1, 0], layer.size // 2
    )
    bins, unit = np.nonzero(counts)
    copies = counts[bins, unit]
    spikes = {"layer1": (np.repeat(time[bins], copies) + period / 2, np.repeat(unit, copies))}
    # f = 10 Hz at -52 mV, falling by 0.8 Hz/mV.
    v = curve.values()["v_thresh"]
    per_second = np.repeat(np.clip(10.0 - 0.8 * (v + 52.0), 0.0, None), 16)
    counts = rng.poisson(per_second * duration / 1e3)
    spikes["curve"] = (
        rng.uniform(period, duration, counts.sum()), np.repeat(np.arange(curve.size), counts)
    )  # fmt: skip
    values = theta[:, None] + rng.normal(0.0, 0.05, (len(time), layer.size))
    made = {}
    for name, (t, u) in spikes.items():
        order = np.lexsort((u, t))
        zero = np.zeros(len(t), dtype=np.int32)
        made[name] = Spikes(time=t[order], unit=u[order].astype(np.int32), trial=zero)
    signal = Signal(
        values=values, unit=np.arange(layer.size, dtype=np.int32), period=period, quantity="mV",
        trial=np.zeros(len(time), dtype=np.int32), time=time,
    )  # fmt: skip
    whole = np.array([duration])
    found = Recording(
        spikes=made, shapes={"layer1": layer.shape, "curve": curve.shape},
        trials={"stage": np.array(["steps"]), "start": np.zeros(1), "duration": whole},
        signals={"layer1": {"theta_h": signal}},
    )  # fmt: skip
    return SimpleNamespace(experiment=experiment, recording=found)


def test_a_made_return_is_found_again_with_the_eigenvalue_of_its_slope():
    found = homeostatic_return(made_run(0.4e-3), "layer1", "curve", [0])
    assert found.rate_of_return == pytest.approx(0.4e-3, rel=0.02)
    assert found.interval[0] < 0.4e-3 < found.interval[1]
    assert found.final == pytest.approx(20.0, abs=0.05)
    assert found.slope == pytest.approx(-0.8, rel=0.03)
    expected = homeostasis_eigenvalues(-0.8, 0.5, 100.0)[0].real
    assert found.eigenvalue == pytest.approx(expected, rel=0.03)
    assert found.error == pytest.approx(found.rate_of_return / -found.eigenvalue - 1)
    # The rate is within 30 % where 9.6 Hz exp(-t/2.5 s) < 3 Hz.
    assert found.start == pytest.approx(np.log(9.6 / 3.0) * 2500.0, abs=500.0)


def test_a_layer_that_was_not_sampled_is_refused():
    run = made_run(0.4e-3)
    bare = Recording(
        spikes=run.recording.spikes, shapes=run.recording.shapes, trials=run.recording.trials
    )
    with pytest.raises(SpecError, match="theta_h"):
        homeostatic_return(
            SimpleNamespace(experiment=run.experiment, recording=bare), "layer1", "curve", [0]
        )


@pytest.mark.slow
def test_the_first_layer_returns_at_its_eigenvalue_and_the_figure_is_drawn():
    """Three layers of the experiment, once up and down: homeostasis against its own algebra."""
    study = load(FILE, settings=["luminance=[0.1, 1.0, 0.1]", "duration=40 s"])
    table = study.document
    kept = ("lgn", "layer1", "layer2", "curve")
    network = table["network"]
    network["populations"] = [p for p in network["populations"] if p["name"] in kept]
    network["projections"] = [p for p in network["projections"] if p["post"] in kept]
    table["stages"]["steps"]["record"]["spikes"] = list(kept[1:])
    table["claims"][0]["population"] = ["layer1", "layer2"]
    study = study_from(table)
    results = execute(study, "brian2-standalone")
    run = results.runs["steps"]
    for maps, low, high in ((range(4), 9.0, 11.0), (range(4, 8), 0.0, 4.0)):
        time, rates = map_rates(run.recording, "layer2", list(maps), 1000.0)
        settled = rates[[0, 2]][:, time > 30_000].mean(axis=1)
        assert (settled > low - 1e-9).all()
        assert (settled < high).all()
    rises = homeostatic_return(run, "layer1", "curve", [1])
    assert abs(rises.error) < 0.2
    assert "at most" in draw("homeostasis_depth", results).caption
    settled, returned = study.claims
    assert CLAIMS["settled_rates"].judge(run, bound=settled).verdict == "agrees"
    returns = CLAIMS["return_rate"].judge(results.evidence["steps"], bound=returned)
    assert returns.prediction["estimates"][0][0] == pytest.approx(1.0 + rises.error)
    # A layer at half its target is seen.
    spikes = run.recording.spikes["layer2"]
    half = Spikes(spikes.time[::2], spikes.unit[::2], spikes.trial[::2])
    recording = dataclasses.replace(run.recording, spikes={**run.recording.spikes, "layer2": half})
    slow = SimpleNamespace(experiment=run.experiment, weights={}, recording=recording)
    assert CLAIMS["settled_rates"].judge(slow, bound=settled).verdict == "disagrees"
