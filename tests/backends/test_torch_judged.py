"""What training judges, keeps and takes: the network's own numbers, and the trials it was given."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from scnnbio.connectors import DenseConnector
from scnnbio.errors import SpecError
from scnnbio.experiment import Experiment, Record
from scnnbio.inputs import FromSpikes
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIBRARY
from scnnbio.population import Population, SpikeSource

torch = pytest.importorskip("torch")

from scnnbio.backends.torch import Training, train  # noqa: E402
from scnnbio.backends.torch.losses import cross_entropy, evidence  # noqa: E402
from scnnbio.backends.torch.training import Trainer  # noqa: E402
from tests.backends.test_torch_training import JUMPS, pictures, small  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def with_values(values: dict[str, Any], n: int = 16) -> Experiment:
    """Other parameters of the readout."""
    case = small(n=n)
    *others, out = case.network.populations
    changed = dataclasses.replace(out, parameters={**out.parameters, **values})
    return dataclasses.replace(case, network=Network((*others, changed), case.network.projections))


@pytest.mark.parametrize(
    ("values", "shapes"),
    [
        ({"v_thresh": [1.0] * 4, "tau_m": [10.0] * 4}, {"v_thresh": (4,), "tau_m": (4,)}),
        ({"v_thresh": np.ones((4, 1, 1))}, {"v_thresh": (4,), "tau_m": ()}),
        ({"v_reset": np.linspace(-0.1, 0.1, 4).reshape(4, 1, 1)}, {"v_thresh": (), "tau_m": ()}),
    ],
)
def test_a_learned_parameter_keeps_its_number_of_values(
    values: dict[str, Any], shapes: dict[str, tuple[int, ...]]
) -> None:
    """Also where all begin at the same number, or others have one per neuron."""
    training = Training(epochs=2, batch=8, learn={"out": tuple(shapes)})
    found = train(with_values(values), "label", "out", training).network.population("out")
    for name, shape in shapes.items():
        value = np.asarray(found.parameters[name])
        assert value.shape == shape, name
        assert len(np.unique(value)) == value.size, name
        assert not np.isin(value, JUMPS[name]).any(), name


@pytest.mark.parametrize("truncate", [12, 50])
def test_gradients_truncated_after_the_trial_are_whole(truncate: int) -> None:
    """By the gradient without truncation: also of what neurons begin with."""
    found = []
    for steps in (None, truncate):
        training = Training(
            precision="double", loss="membrane", truncate=steps,
            learn={"out": ("v_rest", "tau_m"), "one": ("v_rest",)},
        )  # fmt: skip
        trainer = Trainer(small(n=8), "label", "out", training, None)
        traced = trainer.through(trainer.shown.trials, trainer._bound())
        cross_entropy(evidence(traced, "out", training), trainer.shown.labels).backward()
        found.append(torch.cat([leaf.grad.flatten() for leaf in trainer.learnables.leaves()]))
    assert float(found[0].abs().max()) > 0
    torch.testing.assert_close(found[1], found[0], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("average", [None, 3])
def test_validation_judges_the_rounded_weights_that_are_kept(average: int | None) -> None:
    """A high rate moves the exponents of the machine's weights within an epoch."""
    training = Training(
        epochs=1, batch=8, learning_rate=2.0, quantise="spinnaker", precision="double",
        average=average,
    )  # fmt: skip
    validation = small("LIF", given=pictures(8, seed=5))
    trainer = Trainer(small("LIF", n=32), "label", "out", training, validation)
    judged: list[Any] = []
    through = trainer.through

    def watched(trials: Any, bound: Any, factors: Any = None) -> Any:
        judged.append(bound.weights)
        return through(trials, bound, factors)

    trainer.through = watched  # type: ignore[method-assign]
    network = trainer.trained(lambda *told: None).network
    for projection in network.projections:
        kept = torch.as_tensor(projection.weight * np.array(projection.kernel))
        torch.testing.assert_close(judged[-1][projection.name].detach(), kept, rtol=1e-14, atol=0)


def two_sources(names: str) -> Experiment:
    rng = np.random.default_rng(0)
    trial, step, unit = np.nonzero(rng.random((4, 9, 3)) < 0.3)
    given = {
        name: FromSpikes(
            step + 1.0, unit, trial, size=(1, 1, 3), n_trials=4, duration=10.0,
            trials={"label": np.arange(4) % 2} if name == "a" else {},
        )
        for name in "ab"
    }  # fmt: skip
    network = Network(
        (
            *(Population(name, (1, 1, 3), SpikeSource()) for name in names),
            Population("out", (2, 1, 1), LIBRARY["LIF_curr_delta"], JUMPS),
        ),
        tuple(
            Projection(
                name, "out", DenseConnector(rng.normal(size=(2, 3)), (1, 1, 3)), receptor="membrane"
            )
            for name in "ab"
        ),
    )
    return Experiment(network, inputs=given, record=Record(("out",)), dt=1.0)


def test_trials_of_sources_in_another_order_are_refused() -> None:
    """Their neurons are numbered in the order of the sources."""
    for given in ({"validation": two_sources("ba")}, {"trials_of": lambda _: two_sources("ba")}):
        with pytest.raises(SpecError, match="its sources are b, a, and in training a, b"):
            train(two_sources("ab"), "label", "out", Training(epochs=1), **given)


def test_a_readout_of_one_channel_has_nothing_to_learn() -> None:
    case = small(n=4)
    eye, one, out = case.network.populations
    first, last = case.network.projections
    changed = Network(
        (eye, one, dataclasses.replace(out, shape=(1, 1, 1))),
        (
            first,
            dataclasses.replace(last, connector=DenseConnector(last.kernel[:1], (8, 3, 3))),
        ),
    )
    with pytest.raises(SpecError, match=r"readout: it has one channel, and each class is a chan"):
        train(dataclasses.replace(case, network=changed), [0] * 4, "out", Training(epochs=1))
