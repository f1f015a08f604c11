"""Training: what is learned runs elsewhere with the same spikes; prices, ranges and homeostasis."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from scnnbio import backends
from scnnbio.analysis.decoding import decoded
from scnnbio.connectors import ConvolutionConnector, DenseConnector, PoolingConnector
from scnnbio.encoding import LatencyCode
from scnnbio.errors import SpecError, UnsupportedError
from scnnbio.experiment import Experiment, Record
from scnnbio.inputs import FromImages
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIBRARY
from scnnbio.plasticity import SharedSTDP, SharedThreshold
from scnnbio.population import Population, SpikeSource

torch = pytest.importorskip("torch")

from scnnbio.backends.spinnaker.arithmetic import weight_scale  # noqa: E402
from scnnbio.backends.spinnaker.lowering import lower  # noqa: E402
from scnnbio.backends.torch import Surrogate, Training, train  # noqa: E402
from scnnbio.backends.torch.learnables import Threshold  # noqa: E402
from scnnbio.backends.torch.losses import evidence, operations, rate_price  # noqa: E402
from scnnbio.backends.torch.quantised import Quantiser, deployed  # noqa: E402
from scnnbio.backends.torch.training import Trainer  # noqa: E402
from scnnbio.backends.torch.unrolled import Traced  # noqa: E402

JUMPS = {"v_rest": 0.0, "v_reset": 0.0, "v_thresh": 1.0, "tau_m": 10.0, "tau_refrac": 0.0}
EYE = (1, 8, 8)


pytestmark = pytest.mark.usefixtures("one_thread")


def pictures(n: int = 120, seed: int = 0) -> FromImages:
    """Four patterns under noise."""
    rng = np.random.default_rng(seed)
    patterns = np.random.default_rng(7).uniform(0, 1, (4, 8, 8))
    label = np.arange(n) % 4
    images = 0.65 * patterns[label] + 0.35 * rng.uniform(0, 1, (n, 8, 8))
    code = LatencyCode(budget=64, window=6.0)
    return FromImages(images, code, duration=12.0, labels={"label": label})


def small(cell: str = "LIF_curr_delta", *, n: int = 120, **changes: Any) -> Experiment:
    """A convolution, pooling by convolution's stride, and four neurons that tell the pattern."""
    rng = np.random.default_rng(1)
    one = ConvolutionConnector(rng.normal(0, 0.6, (8, 1, 3, 3)), EYE, stride=2)
    two = DenseConnector(rng.normal(0, 0.6, (4, 72)), (8, 3, 3), (4, 1, 1))
    delta = cell == "LIF_curr_delta"
    values = JUMPS if delta else {"tau_refrac": 0.0, "tau_m": 10.0}
    receptor = "membrane" if delta else "excitatory"
    settings = changes.pop("hidden", {})
    network = Network(
        (
            Population("eye", EYE, SpikeSource()),
            Population("one", (8, 3, 3), LIBRARY[cell], values, **settings),
            Population("out", (4, 1, 1), LIBRARY[cell], values),
        ),
        (
            Projection("eye", "one", one, receptor=receptor, weight=1.0 if delta else 30.0),
            Projection("one", "out", two, receptor=receptor, weight=1.0 if delta else 60.0),
        ),
    )
    given = changes.pop("given", None) or pictures(n)
    return Experiment(network, inputs={"eye": given}, record=Record(("out",)), dt=1.0, **changes)


def right(network: Network, backend: str, by: str = "count", **options: Any) -> float:
    case = dataclasses.replace(small(given=pictures(60, seed=9)), network=network)
    run = backends.get(backend, options).run(case)
    return float((decoded(run.recording, "out", by) == run.recording.trials["label"]).mean())


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["rate", "first-spike"])
def test_what_is_learned_tells_patterns_apart_on_other_backends(loss: str) -> None:
    """By held-out pictures; a chance of 1 in 4, and about as much before learning."""
    by = "count" if loss == "rate" else loss
    told: list[str] = []
    training = Training(
        epochs=20, batch=20, loss=loss, learning_rate=0.03, learn={"out": ("tau_m", "v_thresh")}
    )
    trained = train(
        small(), "label", "out", training, validation=small(given=pictures(40, seed=5)),
        report=lambda phase, done, total: told.append(phase),
    )  # fmt: skip
    assert not trained.network.learns
    found = {name: right(trained.network, name, by) for name in ("reference", "brian2")}
    assert found["reference"] == found["brian2"] >= 0.85
    assert right(small().network, "reference", by) < 0.6
    # The tables, and the line of progress.
    best = trained.epochs.validation
    assert best[trained.chosen] == best.max() >= 0.85
    assert trained.epochs.loss.iloc[-1] < 0.5 * trained.epochs.loss[0]
    assert set(trained.layers.population) == {"one", "out"}
    assert len(trained.weights) == 40
    assert "on validation; silent up to" in told[-1]
    out = trained.network.population("out")
    assert out.parameters["tau_m"] != 10.0
    assert 0.0 < out.parameters["v_thresh"] != 1.0


def test_one_seed_is_one_network() -> None:
    training = Training(epochs=1, batch=32)
    one, same = (train(small(seed=3), "label", "out", training).network for _ in range(2))
    assert one == same
    assert one != train(small(seed=4), "label", "out", training).network


@pytest.mark.parametrize("cell", ["LIF", "LIF_cond_exp"])
def test_weights_keep_the_signs_that_their_receptors_take(cell: str) -> None:
    """Of a conductance none is negative; inhibition goes on inhibiting. The network is checked."""
    rng = np.random.default_rng(1)
    sign = -1.0 if cell == "LIF" else 1.0
    excites = DenseConnector(rng.uniform(0.0, 0.1, (4, 64)), EYE, (4, 1, 1))
    inhibits = DenseConnector(sign * rng.uniform(0.0, 0.1, (4, 64)), EYE, (4, 1, 1))
    strength = 3.0 if cell == "LIF" else 0.05
    network = Network(
        (
            Population("eye", EYE, SpikeSource()),
            Population("out", (4, 1, 1), LIBRARY[cell], {"tau_refrac": 0.0}),
        ),
        (
            Projection("eye", "out", excites, weight=strength, name="up"),
            Projection("eye", "out", inhibits, weight=strength, receptor="inhibitory", name="down"),
        ),
    )
    case = dataclasses.replace(small(), network=network)
    trained = train(case, "label", "out", Training(epochs=3, batch=20, learning_rate=0.2))
    down = trained.network.projection("down").kernel * sign
    assert down.min() == 0.0 < down.max()
    up = trained.network.projection("up").kernel.min()
    assert up < 0.0 if cell == "LIF" else up == 0.0


def test_thresholds_move_by_the_rule_of_homeostasis_over_a_trial() -> None:
    """Each spike raises a channel's by eta; it falls by eta target duration; means over trials."""
    rule = SharedThreshold(eta=0.2, target=(50.0, 100.0), minimum=0.5)
    population = Population("cell", (2, 1, 3), LIBRARY["LIF_curr_delta"], JUMPS, homeostasis=rule)
    one = Threshold(population, 20.0, torch.float64)
    spikes = torch.zeros((10, 4, 2, 1, 3))
    spikes[1, :, 0] = 1.0  # three neurons in each of four trials
    spikes[5, 0, 0, 0, 0] = 1.0
    one.adapt(spikes)
    assert one.values.flatten().tolist() == pytest.approx(
        [1.0 + 0.2 * (3.25 - 50 * 0.02), 1.0 - 0.2 * 100 * 0.02]
    )
    for _ in range(3):
        one.adapt(torch.zeros_like(spikes))
    assert one.values.flatten()[1] == 0.5


def stack(homeostasis: SharedThreshold | None, layers: int = 6) -> Experiment:
    """Layers one behind another, each too weak to make the next one fire."""
    rng = np.random.default_rng(2)
    names = ["eye", *(f"deep{k}" for k in range(layers)), "out"]
    shapes = [EYE, *[(4, 8, 8)] * layers, (4, 1, 1)]
    populations, projections = [Population("eye", EYE, SpikeSource())], []
    for k, name in enumerate(names[1:]):
        before, shape = shapes[k], shapes[k + 1]
        fan = 9 * before[0]
        if name == "out":
            weights = rng.normal(0, 256**-0.5, (4, 256))
            connector: Any = DenseConnector(weights, before, shape)
        else:
            kernel = rng.normal(0, 0.7 * fan**-0.5, (4, before[0], 3, 3))
            connector = ConvolutionConnector(kernel, before, padding=1)
        deep = {} if name == "out" else {"homeostasis": homeostasis}
        populations.append(Population(name, shape, LIBRARY["LIF_curr_delta"], JUMPS, **deep))
        projections.append(Projection(names[k], name, connector, receptor="membrane"))
    network = Network(tuple(populations), tuple(projections))
    return dataclasses.replace(small(), network=network)


@pytest.mark.slow
def test_homeostasis_keeps_a_deep_stack_from_silence() -> None:
    """Target: 64 places, 0.1 spikes each in 12 ms."""
    training = Training(epochs=3, batch=10, learning_rate=0.002)
    rule = SharedThreshold(eta=0.01, target=0.1 * 64 / 0.012, minimum=0.02)
    rates = {}
    for name, homeostasis in {"none": None, "kept": rule}.items():
        trained = train(stack(homeostasis), "label", "out", training)
        last = trained.layers[trained.layers.epoch == 2].set_index("population")
        rates[name] = last
    assert rates["none"].rate["deep5"] == 0.0
    assert rates["none"].dead["deep5"] == 1.0
    deep = [f"deep{k}" for k in range(6)]
    # 0.1 spikes in 12 ms are 8.3 Hz.
    assert ((rates["kept"].rate[deep] > 4.0) & (rates["kept"].rate[deep] < 17.0)).all()
    assert (rates["kept"].runaway[deep] < 0.05).all()


def test_operations_count_each_spike_once_for_each_of_its_connections() -> None:
    case = small(n=6)
    trainer = Trainer(case, "label", "out", Training(batch=6), None)
    traced = trainer.through(trainer.shown.trials, trainer.learnables.bound())
    run = backends.get("reference").run(
        dataclasses.replace(case, record=Record(("eye", "one", "out")))
    )
    expected = 0
    for projection in case.network.projections:
        fan = np.bincount(projection.connector.edges().pre, minlength=1000)
        expected += fan[run.recording.spikes_of(projection.pre).unit].sum()
    assert expected > 100
    assert operations(traced.spikes, trainer.fans).item() == pytest.approx(expected / 6)


def test_a_budget_lowers_the_operations() -> None:
    spent = [
        train(small(), "label", "out", Training(epochs=6, batch=20, **more)).epochs.operations
        for more in ({}, {"budget": 650.0, "budget_penalty": 30.0})
    ]
    # Each pixel fires once in an image, whatever is learned: 8 x 9 places of 9 taps.
    free, held = (one.iloc[-1] - 648.0 for one in spent)
    assert 0.0 < held < 0.75 * free


def test_the_price_of_rates_is_the_mean_square_beyond_the_range() -> None:
    spikes = torch.zeros((10, 2, 1, 1, 3))
    spikes[:, :, 0, 0, 1] = 1.0  # 10 spikes in 10 ms: 1000 Hz
    spikes[0, :, 0, 0, 2] = 1.0  # 100 Hz
    found = rate_price({"one": spikes}, (50.0, 200.0), 10.0)
    assert float(found) == pytest.approx(((50 / 200) ** 2 + (800 / 200) ** 2 + 0.0) / 3)


def test_evidence_of_counts_first_spikes_and_potentials() -> None:
    spikes = torch.zeros((5, 1, 2, 1, 2))
    spikes[1, 0, 0, 0, 0] = spikes[3, 0, 0, 0, 0] = spikes[4, 0, 1, 0, 1] = 1.0
    levels = torch.linspace(-1, 1, 20).reshape(5, 1, 2, 1, 2)
    traced = Traced({"out": spikes}, {"out": levels})
    # Channel 0: two spikes and none; first in step 2 (one silent step before), or never (five).
    for loss, wanted in (
        ("rate", [1.0, 0.5]),
        ("first-spike", [-(1 + 5) / 2, -(5 + 4) / 2]),
        ("membrane", [(levels[4, 0, 0].mean()), (levels[4, 0, 1].mean())]),
    ):
        found = evidence(traced, "out", Training(loss=loss, sharpness=2.0))
        assert found[0].tolist() == pytest.approx([2.0 * float(w) for w in wanted]), loss


def test_weights_are_rounded_as_the_machine_holds_them() -> None:
    """Connection by connection: the 16 bits that the integer model computes with."""
    case = small("LIF")
    lowered = lower(case)
    quantiser = Quantiser(case, torch.float64)
    for path in lowered.pathways:
        weights = torch.as_tensor(path.kernel.copy(), dtype=torch.float64).requires_grad_()
        rounded = quantiser.rounded({path.name: weights})[path.name]
        rounded.sum().backward()
        assert bool((weights.grad == 1.0).all())
        edges = path.projection.connector.edges()
        _, post, exact = path.connections
        ours = rounded.detach().numpy().ravel()[edges.tap][path.kernel.ravel()[edges.tap] != 0]
        layer = lowered.layers[path.projection.post]
        shift = lowered.shifts(layer)[(exact < 0).astype(int), post // layer.part_size]
        wanted = lowered.integer_weights(path) / weight_scale(shift, path.kind.unit)
        np.testing.assert_array_equal(np.abs(ours), wanted)
        assert (ours != exact).any()


def test_a_network_for_the_machine_keeps_its_weights_there() -> None:
    case = small("LIF")
    names = [p.name for p in case.network.projections]
    once = deployed(case, names)
    assert once != case.network
    assert deployed(dataclasses.replace(case, network=once), names) == once


@pytest.mark.slow
def test_training_for_the_machine_holds_on_the_machine() -> None:
    """Judged on its integer model, whose neurons are rounded too."""
    training = Training(epochs=25, batch=20, learning_rate=0.02, quantise="spinnaker")
    trained = train(small("LIF"), "label", "out", training)
    emulated = right(trained.network, "spinnaker", target="emulated")
    assert emulated >= 0.9
    assert abs(emulated - right(trained.network, "reference")) <= 0.05


def test_what_the_machine_does_not_have_is_refused_before_training() -> None:
    case = small()
    other = Population("one", (8, 3, 3), LIBRARY["IF"], {"tau_refrac": 0.0})
    populations = tuple(other if p.name == "one" else p for p in case.network.populations)
    projections = tuple(
        dataclasses.replace(p, receptor="membrane") for p in case.network.projections
    )
    changed = dataclasses.replace(case, network=Network(populations, projections))
    with pytest.raises(UnsupportedError, match="not available on spinnaker"):
        train(changed, "label", "out", Training(quantise="spinnaker"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": "digit"}, "there is no column 'digit'"),
        ({"labels": np.zeros(3, int)}, r"shape \(3,\) is not one whole number for each of 120"),
        ({"labels": np.full(120, 4)}, "classes from 4 to 4, and the readout has 4 channels"),
        ({"labels": np.full(120, 0.5)}, "not one whole number"),
        ({"readout": "eye"}, "a spike source cannot learn"),
        ({"readout": "ouf"}, "no population 'ouf'"),
        ({"training": Training(fixed=("x",))}, "no projection 'x'"),
        ({"training": Training(fixed=("eye_one", "one_out"))}, "nothing is left to learn"),
        ({"training": Training(learn={"out": ("tau",)})}, "has no parameter 'tau'"),
        ({"training": Training(learn={"out": ("tau_refrac",)})}, "counted in whole steps"),
        ({"training": Training(learn={"out": ("v_rset",)})}, "did you mean 'v_reset'"),
    ],
)
def test_what_does_not_fit_is_one_clear_error(changes: dict[str, Any], message: str) -> None:
    given = {"labels": "label", "readout": "out", **changes}
    with pytest.raises(SpecError, match=message) as caught:
        train(small(), **given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("epochs", 0, "not a whole number from 1 up"),
        ("batch", True, "not a whole number"),
        ("average", 0, "not a whole number from 1 up"),
        ("learning_rate", -1.0, "not positive"),
        ("learning_rate", "1 mV", "voltage"),
        ("loss", "rates", "did you mean 'rate'"),
        ("quantise", "loihi", "'loihi' is not one of spinnaker"),
        ("rates", (50.0, 10.0), "not a range"),
        ("rates", 5.0, "not .lowest, highest."),
        ("surrogate", "arctan", "not a Surrogate"),
        ("fixed", "one", "not a list of names"),
        ("learn", ("one",), "not a table"),
        ("through_reset", 1, "not true or false"),
        ("rate_penalty", 2.0, "weight of rates, without which it does nothing"),
        ("budget_penalty", 2.0, "weight of budget, without which it does nothing"),
    ],
)
def test_settings_are_checked(field: str, value: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        Training(**{field: value})
    assert caught.value.where.startswith("training." + field)


def test_more_settings_are_checked() -> None:
    with pytest.raises(SpecError, match="not both"):
        Training(truncate=3, checkpoint=3)
    with pytest.raises(SpecError, match=r"surrogate\.kind: 'atan' is not one of"):
        Surrogate("atan")
    with pytest.raises(SpecError, match=r"surrogate\.width: 0 is not positive"):
        Surrogate(width=0.0)


def test_experiments_that_cannot_be_trained_are_refused() -> None:
    learned = small(hidden={"homeostasis": SharedThreshold(eta=0.1, target=5.0)})
    with pytest.raises(SpecError, match="moved by homeostasis too"):
        train(learned, "label", "out", Training(learn={"one": ("v_thresh",)}))
    network = small().network
    plastic = dataclasses.replace(network.projections[0], plasticity=SharedSTDP(w_min=-9, w_max=9))
    both = dataclasses.replace(
        small(), network=Network(network.populations, (plastic, network.projections[1]))
    )
    with pytest.raises(UnsupportedError, match="SharedSTDP is not available on torch"):
        train(both, "label", "out")
    with pytest.raises(SpecError, match="set reset = true"):
        train(small(reset=False), "label", "out")
    with pytest.raises(SpecError, match="name the column"):
        train(small(), np.zeros(120, int), "out", validation=small())
    pooled = PoolingConnector(EYE, 8)
    kernel = dataclasses.replace(
        network.projections[1], connector=DenseConnector(np.zeros((4, 72)), (8, 3, 3), (4, 1, 1))
    )
    assert not pooled.learnable
    silent = dataclasses.replace(
        small(), network=Network(network.populations, (network.projections[0], kernel))
    )
    with pytest.raises(SpecError, match="a kernel of zeros has no scale"):
        train(silent, "label", "out")
