"""The figure of a balanced network: what its caption says is what the recording holds."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np

from scnnbio import backends
from scnnbio.connectors import EdgeListConnector, FixedInDegree
from scnnbio.distributions import Uniform
from scnnbio.encoding import Encoding, Pixels, PoissonCode
from scnnbio.experiment import Experiment, Record
from scnnbio.figures import draw
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIF
from scnnbio.population import Population, SpikeSource
from scnnbio.stimuli import FullField
from scnnbio.validation import Evidence


def small() -> Experiment:
    """CUBA's neurons, 60 of them."""
    sizes = {"excitatory": (1, 6, 8), "inhibitory": (1, 3, 4)}
    values = {"v_rest": -49.0, "v_reset": -60.0, "v_thresh": -50.0, "cm": 0.2, "tau_refrac": 5.0}
    layers = [
        Population(name, shape, LIF, values, initial={"v": Uniform(-60, -50, seed=1)})
        for name, shape in sizes.items()
    ]
    projections = [
        Projection(
            pre,
            post,
            EdgeListConnector(sizes[pre], sizes[post], FixedInDegree(4, seed=seed)),
            weight=0.05 if pre == "excitatory" else -0.1,
            delay=0.5,
            receptor=pre,
        )
        for seed, (pre, post) in enumerate((a, b) for a in sizes for b in sizes)
    ]
    return Experiment(
        Network((Population("input", (2, 1, 1), SpikeSource()), *layers), tuple(projections)),
        FullField(duration=400.0),
        Encoding(Pixels(), PoissonCode(gain=0.0)),
        Record(spikes=("excitatory", "inhibitory")),
        dt=0.5,
    )


def test_the_caption_counts_the_spikes():
    run = backends.get("reference").run(small())
    results = SimpleNamespace(evidence={"self_sustained": Evidence(run)}, claims=(), scores=())
    drawn = draw("balanced", results)
    told = [float(value) for value in re.findall(r"([0-9.]+) Hz on average", drawn.caption)]
    counts = [len(run.recording.spikes[name].time) for name in ("excitatory", "inhibitory")]
    assert min(counts) > 20
    # Definition: spikes by neurons and seconds.
    np.testing.assert_allclose(told, np.array(counts) / [48, 12] / 0.4, atol=0.005)
    # Both populations have a colour of their own.
    colours = {line.get_color() for axes in drawn.figure.axes[:2] for line in axes.lines}
    assert len(colours) == 2
