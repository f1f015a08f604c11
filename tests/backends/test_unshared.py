"""Dense, local and listed connections in one network: the same spikes on every backend.

The oracle is the reference, which walks edges one by one; that it delivers what the edges say is
tested for any connector in test_pathways.py.
"""

from __future__ import annotations

import numpy as np
import pytest

from scnnbio import backends
from scnnbio.backends.spinnaker.lowering import Lowered, lower
from scnnbio.connectors import (
    DenseConnector,
    EdgeListConnector,
    FixedInDegree,
    FixedProbability,
    LocalConnector,
)
from scnnbio.experiment import Experiment, Record, Sampling
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIF
from scnnbio.population import Population, SpikeSource
from tests.backends.networks import experiment
from tests.backends.test_pathways import assert_same


def wired(*, reset: bool = True, sampled: bool = True) -> Experiment:
    """A local layer that excites and inhibits itself at random, and a dense one behind it."""
    rng = np.random.default_rng(6)
    local = LocalConnector(
        rng.uniform(0.0, 0.9, (3, 4, 4, 2, 3, 3)), (2, 8, 8), stride=2, padding=1
    )
    layer = local.out_shape
    size = int(np.prod(layer))
    post, pre = np.nonzero(rng.random((size, size)) < 0.1)
    excites = EdgeListConnector(
        layer,
        layer,
        (pre, post),
        rng.uniform(0, 1, len(pre)),
        rng.choice([0.0, 1.5, 4.0], len(pre)),
    )
    inhibits = EdgeListConnector(
        layer, layer, FixedInDegree(6, seed=3, self_connections=False), -1.0
    )
    dense = DenseConnector(rng.uniform(0, 0.4, (10, size)), layer, (5, 1, 2), connect_zeros=False)
    back = EdgeListConnector((5, 1, 2), layer, FixedProbability(0.2, seed=9))
    return experiment(
        Network(
            (
                Population("lgn", (2, 8, 8), SpikeSource()),
                Population("v1", layer, LIF, parameters={"tau_refrac": 2.0}),
                Population("read", (5, 1, 2), LIF, parameters={"tau_m": [10.0, 12, 15, 20, 25]}),
            ),
            (
                Projection("lgn", "v1", local, weight=1.2, delay=1.0),
                Projection("v1", "v1", excites, weight=0.5, delay=0.5, name="excites"),
                Projection(
                    "v1", "v1", inhibits, weight=0.6, delay=1.0, receptor="inhibitory", name="stops"
                ),
                Projection("v1", "read", dense, weight=8.0, delay=2.0),
                Projection("read", "v1", back, weight=0.3, delay=3.0),
            ),
        ),
        record=Record(
            spikes=("lgn", "v1", "read"),
            signals=(Sampling("read", ("v", "I_exc"), period=4.0),) if sampled else (),
        ),
        reset=reset,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "reset"),
    [
        ("brian2", True),
        pytest.param("brian2", False, marks=pytest.mark.slow),
        pytest.param("brian2-standalone", False, marks=pytest.mark.slow),
        pytest.param("nest", True, marks=[pytest.mark.nest, pytest.mark.slow]),
        pytest.param("nest", False, marks=[pytest.mark.nest, pytest.mark.slow]),
    ],
)
def test_they_fire_as_the_reference(name, reset):
    if name == "nest":
        pytest.importorskip("nest")
    case = wired(reset=reset)
    run = backends.get(name).run(case)
    assert_same(run, backends.get("reference").run(case))
    assert set(run.provenance["pathways"].values()) == {"expanded"}


@pytest.mark.slow
def test_two_threads_fire_as_the_reference():
    from scnnbio.backends.brian2.backend import Brian2StandaloneBackend

    case = wired()
    assert_same(Brian2StandaloneBackend(threads=2).run(case), backends.get("reference").run(case))


@pytest.mark.slow
def test_the_grid_comes_close_to_the_event_driven_solution():
    exact = backends.get("event-driven").run(wired())
    grid = backends.get("reference").run(wired())
    for name in ("v1", "read"):
        counts = [len(run.recording.spikes[name].time) for run in (exact, grid)]
        assert abs(counts[0] - counts[1]) < 0.15 * counts[0]


def test_spinnaker_holds_every_connection():
    lowered = lower(wired(reset=False, sampled=False))
    assert isinstance(lowered, Lowered), lowered
    for projection in wired().network.projections:
        parts = [p for p in lowered.pathways if p.name == projection.name]
        edges, connector = projection.connector.edges(), projection.connector
        late = np.array(connector.lags or (0.0,))[connector.lag_index(edges)]
        weights = projection.weight * connector.kernel.ravel()[edges.tap]
        expected = {
            (int(pre), int(post), float(weight), float(lag))
            for pre, post, weight, lag in zip(edges.pre, edges.post, weights, late, strict=True)
            if weight
        }
        found = [
            (int(pre), int(post), float(weight), (connector.lags or (0.0,))[part.lag])
            for part in parts
            for pre, post, weight in zip(*part.connections, strict=True)
        ]
        assert len(found) == len(expected)
        assert set(found) == expected


def test_spinnaker_fires_about_as_the_reference():
    case = wired(sampled=False)
    ours = backends.get("spinnaker").run(case)
    theirs = backends.get("reference").run(case)
    for name in ("v1", "read"):
        mine, other = (len(run.recording.spikes[name].time) for run in (ours, theirs))
        assert abs(mine - other) < 0.1 * other
