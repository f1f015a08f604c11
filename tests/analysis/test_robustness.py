"""Three ways to learn, with faults: which faults are made, how they count, what is drawn."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from analysis import robustness
from analysis.robustness import LEVELS, OF_INPUT, Surrogate, Way, measured
from scnnbio import Network, Population, Projection, SpikeSource, backends
from scnnbio.analysis.readout import Accuracy
from scnnbio.connectors import DenseConnector
from scnnbio.encoding import JitteredCode, LatencyCode, ThinnedCode
from scnnbio.figures.robustness import robustness_figure
from scnnbio.neurons import LIBRARY

KEPT = Path(__file__).parents[2] / "analysis" / "robustness.json"


class Watched(Way):
    """Names all digits 3, and keeps what it was given."""

    name, threshold, cells = "watched", 10.0, ("one",)

    def __init__(self) -> None:
        matrix = DenseConnector(np.ones((2000, 1)), (1, 1, 1), (1, 1, 2000))
        cell = Population("one", (1, 1, 2000), LIBRARY["LIF_curr_delta"], {"v_thresh": 10.0})
        self.network = Network(
            (Population("eye", (1, 1, 1), SpikeSource()), cell),
            (Projection("eye", "one", matrix, receptor="membrane"),),
        )
        self.seen = []

    def named(self, network, images, seed):
        self.seen.append((seed, network))
        return np.full(len(images), 3)

    def named_through(self, wrap, images, seed):
        self.seen.append((seed, wrap(LatencyCode())))
        return np.full(len(images), 3)


def test_each_level_has_its_fault_and_each_block_its_draw() -> None:
    way = Watched()
    labels = np.repeat([3, 4], [30, 10])
    found = measured(way, np.zeros((40, 28, 28)), labels)
    for fault, levels in LEVELS.items():
        assert found["correct"][fault] == [[10, 10, 10, 0]] * len(levels)
    assert [seed for seed, _ in way.seen[:4]] == [1, 2, 3, 4]
    # Without faults the same images give the same: once for the input, once for the network.
    assert len(way.seen) == 4 * (sum(map(len, LEVELS.values())) - len(LEVELS) + 2)


@pytest.mark.parametrize("fault", list(LEVELS))
def test_a_level_is_what_the_axis_says(fault: str) -> None:
    way = Watched()
    way.with_fault(fault, 0.2, np.zeros((1, 28, 28)), 1)
    ((_, given),) = way.seen
    if fault in OF_INPUT:
        assert given == {"jitter": JitteredCode, "lost spikes": ThinnedCode}[fault](
            LatencyCode(), 0.2
        )
        return
    weights = given.projection("eye_one").kernel
    thresholds = np.ravel(given.population("one").parameters["v_thresh"])
    # Standard errors: sd / sqrt(2 x 2000) for a standard deviation.
    expected = {
        "weight noise": lambda: weights.std() == pytest.approx(0.2, abs=4 * 0.2 / 4000**0.5),
        "dead cells": lambda: (thresholds > 1e20).sum() == 400,
        "threshold spread": lambda: thresholds.std() == pytest.approx(2.0, abs=8 / 4000**0.5),
    }
    assert expected[fault]()


@pytest.mark.parametrize("source", ["retina", "eye"])
def test_a_saved_network_names_digits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """Whatever its source is called; a neuron whose weights are largest wins the vote."""
    votes = np.zeros((784, 20))
    votes[:, 14:16] = 0.1  # two neurons each for ten digits
    matrix = DenseConnector(votes.T, (1, 28, 28), (10, 2, 1))
    cell = Population("digits", (10, 2, 1), LIBRARY["LIF_curr_delta"], {
        "v_rest": 0.0, "v_reset": 0.0, "v_thresh": 1.0, "tau_refrac": 0.0
    })  # fmt: skip
    projection = Projection(source, "digits", matrix, receptor="membrane")
    network = Network((Population(source, (1, 28, 28), SpikeSource()), cell), (projection,))
    network.save(tmp_path / "network.npz")
    reference = backends.get("reference")
    monkeypatch.setattr(robustness, "_run", reference.run)
    way = Surrogate(tmp_path / "network.npz")
    assert way.duration == 10.0
    images = np.full((2, 28, 28), 255, np.uint8)
    assert way.named(way.network, images, 1).tolist() == [7, 7]


def test_the_figure_shows_the_numbers_that_are_kept() -> None:
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    figure = robustness_figure(kept)
    assert list(kept) == ["STDP", "conversion", "surrogate"]
    panels = dict(zip(LEVELS, figure.axes, strict=False))
    for fault, axes in panels.items():
        for of, drawn in zip(kept.values(), axes.containers, strict=True):
            assert of["levels"][fault] == list(LEVELS[fault])
            line, _, (bars,) = drawn
            for k, right in enumerate(of["correct"][fault]):
                accuracy = Accuracy(sum(right), of["n"])
                assert line.get_ydata()[k] == pytest.approx(100 * accuracy.value)
                ends = bars.get_segments()[k][:, 1]
                assert ends == pytest.approx(100 * np.array(accuracy.interval))
