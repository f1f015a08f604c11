"""Parameters and initial values that differ from neuron to neuron, on every backend.

The oracle is the same layer with a channel for each neuron, whose parameters differ by channel.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from scnnbio import backends
from scnnbio.connectors import EdgeListConnector
from scnnbio.distributions import LogNormal, Normal, Uniform
from scnnbio.errors import SpecError, UnsupportedError
from scnnbio.experiment import Experiment, Record, Sampling
from scnnbio.network import Network, Projection
from scnnbio.plasticity import SharedSTDP, SharedThreshold
from scnnbio.population import Population
from tests.backends.networks import experiment, small_network
from tests.backends.test_pathways import spikes_of

RNG = np.random.default_rng(4)
SHAPE = (5, 4, 4)
OWN = {
    "tau_m": LogNormal("15 ms", 0.3, seed=1),
    "v_thresh": Uniform("-52 mV", "-49 mV", seed=1),
    "tau_refrac": RNG.choice([1.0, 2.0, 4.5], SHAPE),
}
START = {"v": Uniform("-65 mV", "-50 mV", seed=2), "I_exc": Normal(0.5, 0.2, seed=2)}


def case(
    parameters: dict[str, object] | None = OWN,  # type: ignore[assignment]
    initial: dict[str, object] | None = START,  # type: ignore[assignment]
    **changes: object,
) -> Experiment:
    network = small_network(parameters=dict(parameters or {}), **changes)  # type: ignore[arg-type]
    lgn, v1 = network.populations
    v1 = dataclasses.replace(v1, initial=initial or {})
    return experiment(
        Network((lgn, v1), network.projections),
        record=Record(
            spikes=("lgn", "v1"),
            signals=(Sampling("v1", ("v", "I_exc"), units=(0, 7, 30), period=0.5),),
        ),
    )


def by_channel(made: Experiment) -> Experiment:
    """The same neurons, each a channel of its own, with connections in lists."""
    v1 = made.network.population("v1")
    line = (v1.size, 1, 1)
    values = {
        name: np.ravel(value) if np.ndim(value) == 3 else value
        for name, value in v1.parameters.items()
    }
    initial = {name: np.ravel(value) for name, value in v1.initial.items()}
    flat = Population("v1", line, v1.neuron, parameters=values, initial=initial)
    projections = []
    for p in made.network.projections:
        edges, shape = p.connector.edges(), p.connector.in_shape if p.pre == "lgn" else line
        weights = p.kernel.ravel()[edges.tap]
        listed = EdgeListConnector(shape, line, (edges.pre, edges.post), weights)
        projections.append(
            Projection(p.pre, "v1", listed, weight=p.weight, delay=p.delay, receptor=p.receptor)
        )
    network = Network((made.network.population("lgn"), flat), tuple(projections))
    return dataclasses.replace(made, network=network)


def assert_same(ours, theirs) -> None:
    assert len(theirs.recording.spikes["v1"].time) > 50
    np.testing.assert_array_equal(spikes_of(ours, "v1"), spikes_of(theirs, "v1"))
    for variable in ("v", "I_exc"):
        np.testing.assert_allclose(
            ours.recording.signals["v1"][variable].values,
            theirs.recording.signals["v1"][variable].values,
            rtol=0,
            atol=1e-9,
        )


@pytest.mark.slow
def test_the_reference_gives_each_neuron_its_own():
    made = case()
    reference = backends.get("reference")
    assert_same(reference.run(made), reference.run(by_channel(made)))
    # The first sample of each trial shows the initial values themselves.
    v1 = made.network.population("v1")
    first = reference.run(made).recording.signals["v1"]["v"].values[0]
    np.testing.assert_array_equal(first, v1.initial["v"].ravel()[[0, 7, 30]])


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "brian2",
        pytest.param("nest", marks=[pytest.mark.nest, pytest.mark.slow]),
    ],
)
def test_the_others_fire_as_the_reference(name):
    if name == "nest":
        pytest.importorskip("nest")
    made = case()
    assert_same(backends.get(name).run(made), backends.get("reference").run(made))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["brian2", pytest.param("brian2-standalone", marks=pytest.mark.slow)],
)
def test_beside_a_shared_threshold_that_moves(name):
    made = case(
        {"tau_m": OWN["tau_m"]},
        rule=SharedSTDP(a_plus=0.02, a_minus=0.01),
        homeostasis=SharedThreshold(eta=0.2, target=10.0),
    )
    ours, theirs = (backends.get(n).run(made) for n in (name, "reference"))
    assert_same(ours, theirs)
    for learned, values in theirs.weights.items():
        np.testing.assert_allclose(ours.weights[learned], values, rtol=0, atol=1e-10)


@pytest.mark.slow
def test_event_driven_gives_each_neuron_its_own():
    made = case({"tau_m": OWN["tau_m"]})
    exact = backends.get("event-driven").run(made)
    assert_times = by_channel(made)
    other = backends.get("event-driven").run(assert_times)
    ours, theirs = (run.recording.spikes["v1"] for run in (exact, other))
    assert len(ours.time) > 50
    np.testing.assert_array_equal(ours.unit, theirs.unit)
    np.testing.assert_allclose(ours.time, theirs.time, rtol=0, atol=1e-7)


def test_spinnaker_starts_where_it_is_told_to():
    made = case({"v_thresh": OWN["v_thresh"]}, {"v": START["v"]})
    network = dataclasses.replace(made.network, projections=made.network.projections[:1])
    made = dataclasses.replace(made, network=network, record=Record(spikes=("v1",)))
    with pytest.raises(UnsupportedError, match="only the first trial begins from"):
        backends.get("spinnaker").run(made)
    current = dataclasses.replace(network.population("v1"), initial=START)
    driven = Network((network.populations[0], current), network.projections)
    with pytest.raises(UnsupportedError, match="an initial I_exc of either sign"):
        backends.get("spinnaker").run(dataclasses.replace(made, network=driven))
    single = dataclasses.replace(
        made,
        reset=False,
        record=Record(spikes=("v1",), signals=(Sampling("v1", ("v",)),)),
    )
    ours, theirs = (backends.get(n).run(single) for n in ("spinnaker", "reference"))
    traces = [run.recording.signals["v1"]["v"].values for run in (ours, theirs)]
    # The machine's numbers have 15 bits behind the point.
    np.testing.assert_allclose(traces[0][0], traces[1][0], rtol=0, atol=2**-15)
    counts = [np.bincount(r.recording.spikes["v1"].unit, minlength=80) for r in (ours, theirs)]
    assert abs(counts[0].sum() - counts[1].sum()) < 0.05 * counts[1].sum()
    # Neurons with low thresholds fire more, and the same ones on both.
    assert np.corrcoef(*counts)[0, 1] > 0.9


def test_what_needs_one_value_per_channel_says_so():
    v1 = case().network.population("v1")
    np.testing.assert_array_equal(v1.channel_values("cm"), np.full(5, 1.0))
    assert v1.common_value("cm") == 1.0
    with pytest.raises(SpecError, match="'tau_m' differs between neurons"):
        v1.common_value("tau_m")
    with pytest.raises(SpecError, match="differs between neurons"):
        v1.channel_values("tau_m")


def test_standard_cells_of_nest_begin_at_rest():
    pytest.importorskip("nest")
    target = backends.get("nest", {"cells": "standard"})
    made = dataclasses.replace(case({}), reset=False)
    assert any("begin at rest" in problem.feature for problem in target.unsupported(made))
