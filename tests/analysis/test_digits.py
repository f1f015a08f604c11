"""Read-outs of digits: columns and images in, and convergence of kernels by hand."""

from __future__ import annotations

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.svm import LinearSVC

from models.digits import build
from scnnbio import LatencyCode, backends
from scnnbio.analysis import PooledCounts
from scnnbio.analysis.digits import (
    images_to_convergence,
    layer_features,
    layer_read_out,
    pixel_read_out,
    quarters,
    unsettled,
)
from scnnbio.errors import SpecError
from scnnbio.experiment import Experiment, Record, Run
from scnnbio.figures.learned import SPECS
from scnnbio.inputs import FromImages
from scnnbio.recording import Snapshots
from scnnbio.validation.evidence import Evidence

CODE = LatencyCode(budget=64, window=14.0, onset=1.0, spacing="relative-rank")
DURATION = 17.0


@pytest.fixture(scope="module")
def run() -> Run:
    """Few digits before few maps that have not learned."""
    shown = FromImages("digits-8x8", CODE, DURATION, shuffle=1, n=100)
    network = build(extent=8, maps=6, size=3, threshold="2 mV", radius=1)
    record = Record(spikes=("v1",))
    experiment = Experiment(
        network, inputs={"retina": shown}, record=record, dt=1.0, learning=False
    )
    return backends.get("reference").run(experiment)


def test_no_cell_fires_twice_and_no_place_for_two_maps(run: Run) -> None:
    counts = run.recording.counts("v1").reshape(-1, 6, 64)
    assert counts.sum() > 1000
    assert counts.sum(axis=1).max() == 1


def test_pixels_are_read_out_as_they_are_shown(run: Run) -> None:
    found = pixel_read_out(run)
    values, columns = (
        run.experiment.inputs["retina"].values,
        run.experiment.inputs["retina"].table(),
    )
    known, test = columns["part"] != "test", columns["part"] == "test"
    cost = float(found.chosen.removeprefix("LinearSVC(C=").removesuffix(")"))
    machine = LinearSVC(C=cost, dual=True, random_state=0, max_iter=20_000)
    machine.fit(values[known].reshape(-1, 64), columns["label"][known])
    correct = machine.score(values[test].reshape(-1, 64), columns["label"][test])
    assert found.accuracy.value == pytest.approx(correct)
    assert found.accuracy.n == test.sum()


def test_a_layer_is_read_out_in_quarters(run: Run) -> None:
    found = layer_read_out(run, "v1")
    assert found.classifier.coef_.shape == (10, 6 * 9 * 9)
    assert found.confusion.to_numpy().sum() == found.accuracy.n
    twice = layer_read_out(run, "v1", "v1")
    assert twice.classifier.coef_.shape == (10, 2 * 6 * 9 * 9)
    assert quarters("v1", (70, 28, 28)) == PooledCounts("v1", 7, 3, 3, "root")
    assert quarters("v1", (9, 3, 3)) == PooledCounts("v1", 1, 1, 0, "root")


def test_layers_have_their_own_windows_side_by_side(run: Run) -> None:
    pools = PooledCounts("v1", 2), PooledCounts("v1", 4, of_count="binary")
    found = layer_features(run.recording, "v1", *pools)
    assert found.shape == (100, 6 * (9 * 9 + 4 * 4 + 2 * 2))
    counts = run.recording.counts("v1").reshape(-1, 6, 8, 8)
    pairs = counts.reshape(-1, 6, 4, 2, 4, 2).sum(axis=(3, 5)).reshape(len(counts), -1)
    halves = counts.reshape(-1, 6, 2, 4, 2, 4).any(axis=(3, 5)).reshape(len(counts), -1)
    np.testing.assert_array_equal(found[:, 6 * 81 :].toarray(), np.hstack([pairs, halves]))
    read = layer_read_out(run, *pools)
    assert read.classifier.coef_.shape == (10, 6 * (4 * 4 + 2 * 2))
    with pytest.raises(SpecError, match="at least one"):
        layer_features(run.recording)
    with pytest.raises(SpecError, match="no population 'v2'"):
        layer_features(run.recording, "v1", PooledCounts("v2", 2))


def test_the_figure_reads_out_all_layers_that_learn() -> None:
    """Two sizes side by side and a layer behind them; pools learn nothing and are left out."""
    shown = FromImages("digits-8x8", CODE, 20.0, shuffle=1, n=100)
    network = build(
        extent=8, maps=3, size=[3, 5], threshold=["2 mV", "5 mV"], radius=1, trial="20 ms",
        layers=2, deep_maps=4, deep_size=3, deep_threshold="3 mV",
    )  # fmt: skip
    record = Record(spikes=("v2", "pool_5", "v1_5", "v1_3"))
    experiment = Experiment(network, inputs={"retina": shown}, record=record, dt=1.0)
    seen = Evidence(backends.get("reference").run(experiment), (), "retina_v1_3")
    results = SimpleNamespace(evidence={"unlabelled": seen, "digits": seen})
    (spec,) = (spec for spec in SPECS if spec.name == "digits")
    assert not spec.lacking(results)
    figure, caption = spec.make(results)
    plt.close(figure)
    assert "3 populations that learned from 100" in caption
    assert "kernels of retina_v1_3" in caption
    *_, table = figure.axes
    read = seen.once(layer_read_out, "v1_3", "v1_5", "v2")
    assert table.texts[0].get_text() == f"{100 * read.accuracy.value:.2f}"
    assert read.classifier.coef_.shape == (10, (3 + 3) * 81 + 4 * 16)


def test_kernels_are_settled_when_all_weights_are_at_a_bound() -> None:
    assert unsettled(np.array([0.0, 1.0])) == 0.0
    assert unsettled(np.array([0.5, 0.5])) == 1.0
    assert unsettled(np.array([0.25])) == pytest.approx(0.75)
    kernels = np.array([[0.5, 0.5], [0.1, 1.0], [0.0, 1.0]])
    shots = Snapshots([-1, 99, 199], kernels)
    assert images_to_convergence(shots, 0.2) == 100
    assert images_to_convergence(shots, 0.1) == 200
    assert images_to_convergence(shots, 0.0) is None


def test_what_is_not_driven_by_images_has_no_pixels(run: Run) -> None:
    with pytest.raises(SpecError, match="no population 'v2'"):
        layer_read_out(run, "v2")
