"""The CUBA and COBA networks of the documents beside Brian2's and NEST's own, spike for spike.

The oracles are tests/oracles/brette.py: the published equations and numbers in the simulators' own
words, with the same connections and the same start.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from scnnbio import backends
from scnnbio.experiment import Experiment, Run, load
from tests.oracles import brette

FOLDER = Path(__file__).parents[2] / "experiments"


def published(name: str, ms: float) -> Experiment:
    """The document's experiment, for a shorter time."""
    made = load(FOLDER / f"{name}.toml").experiments[0]
    return dataclasses.replace(made, stimulus=dataclasses.replace(made.stimulus, duration=ms))


def offset(name: str) -> int:
    return 0 if name == "excitatory" else brette.N_EXC


def pairs(experiment: Experiment) -> brette.Pairs:
    """Who is joined to whom, excitatory neurons first."""
    pre, post = [], []
    for projection in experiment.network.projections:
        edges = projection.connector.edges()
        pre.append(edges.pre + offset(projection.pre))
        post.append(edges.post + offset(projection.post))
    return np.concatenate(pre), np.concatenate(post)


def start(experiment: Experiment, state: str, unit: float = 1.0) -> np.ndarray:
    layers = (experiment.network.population(n) for n in ("excitatory", "inhibitory"))
    return np.concatenate([layer.initial[state].ravel() for layer in layers]) / unit


def spikes(run: Run) -> brette.Spikes:
    rows = []
    for name in ("excitatory", "inhibitory"):
        found = run.recording.spikes[name]
        step = np.round(found.time / brette.DT).astype(np.int64)
        rows.append(np.stack([step, found.unit.astype(np.int64) + offset(name)], axis=1))
    both = np.concatenate(rows)
    return both[np.lexsort((both[:, 1], both[:, 0]))]


def test_the_networks_are_the_published_ones():
    for name in ("cuba", "coba"):
        made = published(name, 1000.0)
        sizes = [p.size for p in made.network.populations if not p.is_source]
        assert sizes == [3200, 800]
        joined = pairs(made)
        # Binomial: 16 million pairs at 2 %, 320,000 synapses, with a deviation of 560.
        assert abs(len(joined[0]) - 320_000) < 4 * 560
        # No two projections are drawn alike: in-degrees of the same neurons do not follow.
        degree = [np.bincount(p.connector.post, minlength=800)[:800] for p in
                  made.network.projections]  # fmt: skip
        correlations = np.corrcoef(degree)[np.triu_indices(4, 1)]
        assert np.abs(correlations).max() < 4 / np.sqrt(800)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "ms"), [("cuba", 60.0), ("coba", 40.0)])
def test_brian2s_own_network_fires_the_same_spikes(name, ms):
    made = published(name, ms)
    begin = {"v": start(made, "v")}
    if name == "coba":
        # In units of the leak, 10 nS.
        begin |= {"ge": start(made, "g_exc", 0.01), "gi": start(made, "g_inh", 0.01)}
    own = brette.on_brian2(name, pairs(made), begin, ms)
    assert len(own) > 500
    np.testing.assert_array_equal(spikes(backends.get("brian2").run(made)), own)


@pytest.mark.nest
@pytest.mark.slow
def test_nests_own_network_fires_the_same_spikes():
    pytest.importorskip("nest")
    made = published("cuba", 200.0)
    own = brette.on_nest(pairs(made), start(made, "v"), 200.0)
    ours = spikes(backends.get("nest").run(made))
    assert len(own) > 3000
    np.testing.assert_array_equal(ours, own)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "expected", "tolerance"), [("cuba", 23_443, 0.02), ("coba", 79_562, 0.05)]
)
def test_both_networks_keep_firing_on_spinnaker(name, expected, tolerance):
    """In whole numbers. Expected is what brian2-standalone fires in a second (decision 0019)."""
    run = backends.get("spinnaker", {"headroom": 0.2}).run(published(name, 1000.0))
    assert len(spikes(run)) == pytest.approx(expected, rel=tolerance)
    late = run.recording.spikes["excitatory"].time
    assert np.sum(late > 900.0) > 0.05 * len(late)
