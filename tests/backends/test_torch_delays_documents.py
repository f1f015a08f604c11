"""Stages and documents that learn delays, and what is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scnnbio import backends
from scnnbio.connectors import ConvolutionConnector, DenseConnector, EdgeListConnector
from scnnbio.errors import SpecError
from scnnbio.experiment import Record, load
from scnnbio.experiment.gradient import BySurrogates
from scnnbio.experiment.training import Training

pytest.importorskip("torch")

from scnnbio.backends.torch import train
from tests.backends.test_torch_delays import (
    ALONE,
    LISTED,
    PAIR,
    coincidence,
    lags,
    with_connector,
)

pytestmark = pytest.mark.usefixtures("one_thread")


def test_a_stage_hands_on_its_delays_with_its_kernels() -> None:
    how = BySurrogates("out", settings=ALONE)
    run = backends.get("torch").run(coincidence(0, record=Record(), training=how, dt=1.0))
    case = coincidence(0, dt=1.0)
    taken = case.network.with_weights(run.weights)
    assert taken == train(case, "label", "out", ALONE).network
    assert {row["lag"] for row in run.provenance["training"]["weights"]} == set()


DOCUMENT = """
name = "delays"
dt = "1 ms"

[[network.populations]]
name = "eye"
shape = [1, 8, 8]
neuron = "SpikeSource"

[[network.populations]]
name = "out"
shape = [10, 1, 1]
neuron = "LIF"

[[network.projections]]
pre = "eye"
post = "out"
weight = 8.0

[network.projections.connector]
kind = "convolution"
lags = [0, 1, 2, 3]
connect_zeros = false
kernel = { uniform = [0.2, 1.0], shape = [10, 1, 8, 8, 4], seed = 2, one_lag = true }

[stages.trained.inputs.eye]
kind = "images"
images = "digits-8x8"
n = 40
shuffle = 1
duration = "10 ms"
code = { kind = "latency", budget = 64, onset = "1 ms", window = "4 ms" }

[stages.trained.training]
kind = "surrogate"
readout = "out"
settings = { epochs = 2, batch = 10, learning_rate = 0.2, delays = ["eye_out"] }

[stages.tested]
like = "trained"
weights_from = "trained"
learning = false
record = { spikes = ["out"] }
"""


def test_a_document_learns_delays_and_hands_them_on(tmp_path: Path) -> None:
    """Kernels are drawn with one lag each, and stay so."""
    file = tmp_path / "delays.toml"
    file.write_text(DOCUMENT)
    trained, tested = load(file).experiments
    begins = lags(trained.network)
    assert np.unique(begins).tolist() == [0.0, 1.0, 2.0, 3.0]
    run = backends.get("torch").run(trained)
    found = tested.network.with_weights(run.weights)
    assert 0 < (lags(found) != begins).sum() < begins.size
    told = run.provenance["training"]
    kept = told["weights"][told["chosen"]]
    np.testing.assert_allclose([kept["lag"], kept["lag_sd"]],
                               [lags(found).mean(), lags(found).std()])  # fmt: skip
    recording = backends.get("torch").run(dataclasses.replace(tested, network=found)).recording
    assert len(recording.spikes_of("out").time) > 0


def test_a_stage_does_not_learn_delays_that_it_cannot_hand_on() -> None:
    with pytest.raises(SpecError, match="not the lags of the list of connections 'eye_out'"):
        coincidence(LISTED, record=Record(), training=BySurrogates("out", settings=ALONE), dt=1.0)


@pytest.mark.parametrize(
    ("delays", "connector", "said"),
    [
        (("eye_in",), None, r"training\.delays: there is no projection 'eye_in'"),
        (
            ("eye_out",), DenseConnector(np.ones((2, 2)), PAIR, PAIR),
            r"projection 'eye_out'\.connector: there are no lags to choose from",
        ),
        (
            ("eye_out",),
            ConvolutionConnector(np.ones((2, 2, 1, 1, 2)), PAIR, lags=[0, 1], connect_zeros=False),
            r"kernel: the kernel element at \(0, 0, 0, 0\) acts at 2 lags",
        ),
        (
            ("eye_out",), ConvolutionConnector(np.ones((2, 2, 1, 1, 2)), PAIR, lags=[0, 1]),
            r"connect_zeros: zeros connect",
        ),
        (
            ("eye_out",), EdgeListConnector(PAIR, PAIR, ([0, 0], [1, 1]), 0.5, [0.0, 2.0]),
            r"edges: two neurons are connected twice",
        ),
    ],
)  # fmt: skip
def test_what_cannot_learn_delays_is_told(delays: Any, connector: Any, said: str) -> None:
    case = coincidence(0, dt=1.0)
    if connector is not None:
        network = with_connector(case.network, connector)
        case = dataclasses.replace(case, network=network)
    with pytest.raises(SpecError, match=said):
        train(case, "label", "out", Training(delays=delays))


def test_settings_of_delays() -> None:
    with pytest.raises(SpecError, match="weights are not rounded while delays are learned"):
        Training(delays=("a",), quantise="spinnaker")
    with pytest.raises(SpecError, match=r"training\.delays: 'a' is not a list of names"):
        Training(delays="a")  # type: ignore[arg-type]
    assert "delays" not in Training().canonical_fields()
    assert Training(delays=("a",)) != Training()
