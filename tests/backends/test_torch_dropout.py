"""Neurons left out while learning, against networks that lack their connections."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from scnnbio import backends
from scnnbio.connectors import DenseConnector
from scnnbio.errors import SpecError

torch = pytest.importorskip("torch")

from scnnbio.backends.torch import Training, train  # noqa: E402
from scnnbio.backends.torch.inputs import dense  # noqa: E402
from scnnbio.backends.torch.training import Trainer  # noqa: E402
from scnnbio.backends.torch.unrolled import Unrolled  # noqa: E402
from tests.backends.test_torch_currents import valued  # noqa: E402
from tests.backends.test_torch_gradients import mixed  # noqa: E402
from tests.backends.test_torch_training import pictures, right, small  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")

SHARES = {"eye": 0.2, "one": 0.4}


def trainer(**settings: Any) -> Trainer:
    return Trainer(small(), "label", "out", Training(precision="double", **settings), None)


def test_a_trial_runs_as_a_network_without_the_neurons_that_it_leaves_out() -> None:
    """Each of six trials, against the reference with zeros for the weights of these neurons."""
    learning = trainer(dropout={"one": 0.4})
    trials = learning.shown.trials[:6]
    factors = learning.dropout.factors(len(trials))
    assert set(np.unique(factors["one"])) == {0.0, 1.0 / 0.6}
    traced = learning.through(trials, learning.learnables.bound(), factors)
    case = small()
    first, voting = case.network.projections
    for k, factor in enumerate(factors["one"].numpy()):
        weights = voting.connector.kernel.reshape(4, -1) * factor.reshape(1, -1)
        less = DenseConnector(weights, (8, 3, 3), (4, 1, 1))
        network = dataclasses.replace(
            case.network, projections=(first, dataclasses.replace(voting, connector=less))
        )
        run = backends.get("reference").run(dataclasses.replace(case, network=network))
        spikes = run.recording.spikes["out"]
        mine = np.asarray(spikes.trial) == k
        steps = np.rint(np.asarray(spikes.time)[mine] / case.dt).astype(int) - 1
        expected = np.zeros((case.trial_steps, 4), int)
        np.add.at(expected, (steps, np.asarray(spikes.unit)[mine]), 1)
        np.testing.assert_array_equal(traced.spikes["out"][:, k].detach().flatten(1), expected)


@pytest.mark.parametrize("name", ["eye", "one", "two"])
def test_a_population_without_neurons_is_as_one_without_weights(name: str) -> None:
    """Through several lags, and through a loop with delays."""
    case = mixed("LIF")
    unrolled = Unrolled(case)
    trials = list(case.input_stream().trials())
    given = dense(trials, case.network.sources, 0, case.trial_steps, unrolled.dtype)
    bound = unrolled.bound()
    shape = (len(trials), *case.network.population(name).shape)
    factors = {name: torch.zeros(shape, dtype=unrolled.dtype)}
    sent = [p.name for p in case.network.projections if p.pre == name]
    less = {n: w * 0.0 if n in sent else w for n, w in bound.weights.items()}
    _, found = unrolled.advance(unrolled.begin(len(trials), bound, factors), given, bound)
    _, wanted = unrolled.advance(
        unrolled.begin(len(trials), bound), given, dataclasses.replace(bound, weights=less)
    )
    _, whole = unrolled.advance(unrolled.begin(len(trials), bound), given, bound)
    assert any(not torch.equal(found.spikes[n], whole.spikes[n]) for n in found.spikes)
    for population, spikes in wanted.spikes.items():
        assert torch.equal(found.spikes[population], spikes), population


def test_its_share_of_neurons_is_left_out_and_each_trial_has_its_own() -> None:
    """Of 72 neurons in 500 trials; four standard errors of a binomial share."""
    dropout = trainer(dropout=SHARES).dropout
    first, second = (dropout.factors(500)["one"] for _ in range(2))
    share = float((first == 0).double().mean())
    assert share == pytest.approx(0.4, abs=4 * np.sqrt(0.24 / (500 * 72)))
    assert float(first.mean()) == pytest.approx(1.0, abs=0.03)
    assert not torch.equal(first, second)
    assert len(torch.unique(first.flatten(1), dim=0)) == 500


def test_pieces_of_a_trial_leave_out_the_same_neurons() -> None:
    plain = {"epochs": 1, "batch": 40, "precision": "double", "dropout": SHARES}
    whole, pieces = (
        train(small(), "label", "out", Training(**plain, checkpoint=steps)).network
        for steps in (None, 5)
    )
    for one in ("eye_one", "one_out"):
        np.testing.assert_allclose(
            whole.projection(one).kernel, pieces.projection(one).kernel, rtol=1e-12
        )


def test_the_seed_decides_who_is_left_out_and_validation_has_all() -> None:
    """The network that is kept does on the reference what it did on validation."""
    training = Training(epochs=2, batch=20, dropout={"one": 0.3})
    held_out = small(given=pictures(60, seed=9))
    one, same = (train(small(), "label", "out", training, validation=held_out) for _ in range(2))
    assert one.network == same.network
    whole = train(small(), "label", "out", dataclasses.replace(training, dropout={}))
    assert one.network != whole.network
    assert right(one.network, "reference") == one.epochs.validation[one.chosen]


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ({"on": 0.1}, "training.dropout.on: there is no population 'on'; did you mean 'one'"),
        ({"out": 0.1}, "training.dropout.out: 'out' feeds no population"),
        ({"one": 1.0}, "training.dropout.one: 1 is not a share from 0 to below 1"),
        ({"one": -0.1}, "training.dropout.one: -0.1 is not a share"),
        (0.5, "training.dropout: 0.5 is not a table of populations"),
    ],
)
def test_shares_that_mean_nothing_are_refused(shares: Any, said: str) -> None:
    with pytest.raises(SpecError) as error:
        trainer(dropout=shares)
    assert said in str(error.value)


def test_values_are_not_left_out() -> None:
    training = Training(dropout={"eye": 0.1})
    with pytest.raises(SpecError, match=r"training.dropout.eye: 'eye' gives values"):
        Trainer(valued(), "label", "cell", training, None)
