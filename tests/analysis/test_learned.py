"""What is said of a run that learned, counted by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from scnnbio.analysis.learned import learned
from scnnbio.connectors import ConvolutionConnector
from scnnbio.experiment import Record, Run
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIF
from scnnbio.plasticity import SharedSTDP, SharedThreshold
from scnnbio.population import Population, SpikeSource
from scnnbio.recording import Recording, Snapshots, Spikes
from scnnbio.stimuli import FullField
from tests.public_arguments import experiment


def _run() -> Run:
    """Two maps of 2 x 2 neurons; 16 weights, from the lower bound to the upper."""
    connector = ConvolutionConnector(np.full((2, 2, 2, 2), 0.5), (2, 3, 3))
    threshold = SharedThreshold(eta=0.1, target=4.0)
    layer = Population("v1", (2, 2, 2), LIF, homeostasis=threshold)
    source = Population("lgn", (2, 3, 3), SpikeSource())
    feed = Projection("lgn", "v1", connector, weight=1.0, plasticity=SharedSTDP())
    shown = experiment(
        network=Network((source, layer), (feed,)),
        stimulus=FullField(contrast=(0.25, 0.5), duration=20.0, frame=10.0),
        record=Record(("v1",)),
    )
    size = connector.kernel.size
    after = np.linspace(0.0, 1.0, size).reshape(connector.kernel.shape)
    trials = shown.n_trials
    # The first neuron fires in every step of the last trial; the second map only in the first one.
    steps = np.arange(1, shown.trial_steps + 1) * shown.dt
    time = np.append(steps, steps[0])
    unit = np.append(np.zeros(len(steps), int), layer.size - 1)
    trial = np.append(np.full(len(steps), trials - 1), 0)
    order = np.lexsort((unit, time, trial))
    start = np.full_like(after, 0.5)
    shots = Snapshots([0, 1], np.array([start, start + 0.1]))
    recording = Recording(
        {"v1": Spikes(time[order], unit[order], trial[order])},
        {p.name: p.shape for p in shown.network.populations},
        {"duration": np.full(trials, shown.trial_duration)},
        snapshots={feed.name: shots},
    )
    level = layer.channel_values("v_thresh") + 1.5
    return Run(shown, recording, {feed.name: after, "v1": level}, {})


def test_counts_by_hand() -> None:
    run = _run()
    (found,) = learned(run)
    after = run.weights[found.projection]
    assert found.low == np.mean(after <= 0.05)
    assert found.high == np.mean(after >= 0.95)
    before = run.experiment.network.projection(found.projection).kernel
    assert found.moved == pytest.approx(np.abs(after - before).mean())
    assert found.threshold == pytest.approx(1.5)
    # 0.1 per weight and trial at first; then from 0.6 to the end, in the one trial that is left.
    assert found.settled == pytest.approx(np.abs(after - 0.6).mean() / 0.1)
    assert (found.maps, found.silent) == (2, 1)
    assert found.runaway == 1
    assert "1 of 2 maps silent, 1 runaway; thresholds moved by +1.5 mV" in str(found)


def test_nothing_is_said_where_nothing_learned() -> None:
    run = _run()
    still = dataclasses.replace(run.experiment, learning=False)
    assert learned(dataclasses.replace(run, experiment=still, weights={})) == ()
