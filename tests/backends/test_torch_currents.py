"""Currents and values on torch: held against the reference, a loop by hand, and differences."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from scnnbio import backends
from scnnbio.analysis.decoding import decoded
from scnnbio.connectors import ConvolutionConnector, DenseConnector
from scnnbio.encoding import PoissonCode
from scnnbio.errors import SpecError, UnsupportedError
from scnnbio.experiment import Experiment, Record, Sampling
from scnnbio.experiment.gradient import BySurrogates
from scnnbio.experiment.training import Training
from scnnbio.inputs import FromCurrents, FromImages
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIBRARY, OrnsteinUhlenbeckNoise, PoissonNoise
from scnnbio.population import Population, SpikeSource, ValueSource
from tests.backends.test_drive import experiment as staircase

torch = pytest.importorskip("torch")

from scnnbio.backends.torch import EProp, Surrogate, train  # noqa: E402
from scnnbio.backends.torch.layers import Firing  # noqa: E402
from scnnbio.backends.torch.running import Running  # noqa: E402
from scnnbio.backends.torch.training import Trainer  # noqa: E402
from tests.backends.test_torch import same  # noqa: E402

EYE, CELL, STEPS = (1, 1, 6), (3, 1, 1), 12
#: v decays by exp(-dt / 10 ms) in a step, and a current of 1 nA moves it up by the rest: 10 MOhm.
PLAIN = {"v_rest": 0.0, "v_reset": 0.0, "v_thresh": 1.0, "tau_m": 10.0, "cm": 1.0, "tau_refrac": 0}


pytestmark = pytest.mark.usefixtures("one_thread")


def shown(n: int = 5, seed: int = 2, frames: int = 1, **changes: Any) -> FromCurrents:
    """Two patterns under noise, constant over a trial or in frames."""
    rng = np.random.default_rng(seed)
    label = np.arange(n) % 2
    patterns = np.random.default_rng(7).uniform(0, 1, (2, *EYE))
    values = patterns[label][:, None] + 0.3 * rng.uniform(0, 1, (n, frames, *EYE))
    lasting: dict[str, Any] = {"frame": STEPS / frames} if frames > 1 else {"duration": STEPS}
    return FromCurrents(
        values if frames > 1 else values[:, 0], trials={"label": label}, **lasting, **changes
    )


def valued(given: FromCurrents | None = None, **changes: Any) -> Experiment:
    """A source of values through weights into three neurons."""
    weights = np.random.default_rng(5).normal(0.1, 0.2, (3, 6))
    network = Network(
        (Population("eye", EYE, ValueSource()), Population("cell", CELL, LIBRARY["LIF"], PLAIN)),
        (Projection("eye", "cell", DenseConnector(weights, EYE, CELL), receptor="i_offset"),),
    )
    return Experiment(
        network, inputs={"eye": given or shown()}, record=Record(("cell",)), dt=1.0, **changes
    )


def mixed(**changes: Any) -> Experiment:
    """Values with lags and an injected current into one layer, spikes into the next, noises."""
    rng = np.random.default_rng(6)
    lagged = ConvolutionConnector(rng.normal(0.1, 0.3, (2, 1, 1, 3, 2)), EYE, lags=[0.0, 3.0])
    one, two = lagged.out_shape, (2, 1, 1)
    noise = changes.pop("noise", ())
    network = Network(
        (
            Population("eye", EYE, ValueSource()),
            Population("ear", (1, 1, 4), SpikeSource()),
            Population("one", one, LIBRARY["LIF"], PLAIN | {"i_offset": 0.02}, noise=noise),
            Population("two", two, LIBRARY["LIF"], PLAIN),
        ),
        (
            Projection("eye", "one", lagged, receptor="i_offset", delay=2.0, weight=0.6),
            Projection("one", "two", DenseConnector(rng.uniform(0, 1, (2, 8)), one, two)),
            Projection("ear", "two", DenseConnector(rng.uniform(0, 1, (2, 4)), (1, 1, 4), two)),
        ),
    )
    currents = rng.uniform(-50, 150, (4, 3, *one))
    inputs = {
        "eye": shown(4, frames=6),
        "ear": FromImages(rng.uniform(0, 1, (4, 1, 4)), PoissonCode(gain=90.0), duration=12.0),
        "one": FromCurrents(currents, frame=4.0, unit="pA"),
    }
    record = Record(("one", "two"), (Sampling("one", ("v", "i_offset"), period=2.0),))
    return Experiment(network, inputs=inputs, record=record, dt=1.0, **changes)


@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize("at_once", [None, 60])
def test_currents_values_and_noise_have_the_spikes_of_the_reference(
    reset: bool, at_once: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trials in batches, and cut into pieces of a few steps, in which a current stays on."""
    noise = (
        OrnsteinUhlenbeckNoise(0.02, 0.05, 5.0),
        OrnsteinUhlenbeckNoise(0.01, 0.01, 5.0, reversal=0.5),
        PoissonNoise(40.0, 0.3),
    )
    case = mixed(reset=reset, noise=noise)
    if at_once is not None:
        monkeypatch.setattr("scnnbio.backends.torch.running._AT_ONCE", at_once)
        assert Running(case.lowered).piece < STEPS
    same(case)


def test_a_staircase_of_currents_has_the_spikes_of_the_reference() -> None:
    same(staircase())


@pytest.mark.parametrize("kind", ["arctan", "triangle"])
def test_a_soft_network_with_values_has_the_gradient_of_finite_differences(kind: str) -> None:
    """By weights of values at two lags, of spikes behind them, and a time constant."""
    case = mixed()
    trainer = Trainer(case, [0, 1, 0, 1], "two", Training(precision="double"), None)
    unrolled = trainer.unrolled = type(trainer.unrolled)(
        case, torch.float64, Firing(Surrogate(kind, width=1.7), soft=True)
    )
    kernels = {n: p.kernel.clone().requires_grad_() for n, p in unrolled.connected.items()}
    assert sorted(kernels) == ["ear_two", "eye_one", "one_two"]
    tau = unrolled.layers["one"].fixed["tau_m"].clone().requires_grad_()
    late = torch.linspace(0.5, 1.5, STEPS, dtype=torch.float64).reshape(-1, 1, 1, 1, 1)

    def total(weights: Any, tau: Any) -> Any:
        bound = unrolled.bound(weights, {("one", "tau_m"): tau})
        return (trainer.through(trainer.shown.trials, bound).spikes["two"] * late).sum()

    total(kernels, tau).backward()
    rng = np.random.default_rng(0)
    for name, leaf in {**kernels, "tau": tau}.items():
        direction = torch.as_tensor(rng.normal(size=leaf.shape))
        step = 1e-5 * float(leaf.detach().abs().mean())
        ends = []
        for sign in (1, -1):
            with torch.no_grad():
                moved = leaf + sign * step * direction
                others = {n: moved if n == name else k for n, k in kernels.items()}
                ends.append(float(total(others, moved if name == "tau" else tau)))
        slope = (ends[0] - ends[1]) / (2 * step)
        assert abs(slope) > 1e-6, name
        assert float((leaf.grad * direction).sum()) == pytest.approx(slope, rel=2e-4), name


def by_hand(weights: Any, values: Any, surrogate: Surrogate, through_reset: bool, cut: int) -> Any:
    """An independent leaky neuron under a constant current, as in snnTorch's tutorials.

    Values arrive a step late, as the delay of the projection says.
    """
    keep = float(np.exp(-1.0 / 10.0))
    v, out = torch.zeros(len(values), 3, dtype=torch.float64), []
    for step in range(STEPS):
        v = v.detach() if cut and step % cut == 0 else v
        current = values @ weights.T if step >= 1 else 0.0
        v = keep * v + (1.0 - keep) * 10.0 * current
        soft = surrogate.step(v - 1.0)
        fired = (v >= 1.0).double() + soft - soft.detach()
        v = v * (1.0 - (fired if through_reset else fired.detach()))
        out.append(fired)
    return torch.stack(out)


@pytest.mark.parametrize("through_reset", [True, False])
@pytest.mark.parametrize("pieces", [{}, {"truncate": 4}, {"checkpoint": 5}])
def test_weights_of_a_constant_current_have_the_gradient_of_a_loop_by_hand(
    through_reset: bool, pieces: dict[str, int]
) -> None:
    """Where gradients are cut off, the current stays on, and so does its gradient."""
    case = valued()
    training = Training(through_reset=through_reset, precision="double", **pieces)
    trainer = Trainer(case, "label", "cell", training, None)
    kernel = trainer.learnables.kernels["eye_cell"]
    late = torch.linspace(0.5, 1.5, STEPS, dtype=torch.float64)
    found = trainer.through(trainer.shown.trials, trainer.learnables.bound()).spikes["cell"]
    (found.flatten(2).sum((1, 2)) * late).sum().backward()
    weights = torch.tensor(case.network.projection("eye_cell").kernel, requires_grad=True)
    values = torch.tensor(np.array(case.inputs["eye"].values).reshape(5, 6))
    cut = training.truncate or 0
    wanted = by_hand(weights, values, training.surrogate, through_reset, cut)
    (wanted.sum((1, 2)) * late).sum().backward()
    torch.testing.assert_close(found.detach().flatten(2), wanted.detach().round(), rtol=0, atol=0)
    assert 10 < float(wanted.detach().sum()) < 100
    torch.testing.assert_close(
        kernel.theta.grad / kernel.scale, weights.grad, rtol=1e-9, atol=1e-12
    )


def test_what_is_learned_from_currents_runs_elsewhere_with_the_same_spikes() -> None:
    """One epoch has its own values, through the network that is trained."""
    case = valued(shown(40))
    trained = train(
        case, "label", "cell", Training(epochs=8, batch=10, learning_rate=0.1),
        validation=valued(shown(20, seed=3)), trials_of=lambda epoch: valued(shown(40, epoch)),
    )  # fmt: skip
    assert trained.epochs.operations.tolist() == [0.0] * 8  # values are not spikes
    test = dataclasses.replace(case, network=trained.network, inputs={"eye": shown(30, seed=90)})
    found = {}
    for name in ("reference", "torch", "brian2"):
        recording = backends.get(name).run(test).recording
        spikes = recording.spikes_of("cell")
        found[name] = np.stack([spikes.trial, spikes.unit, spikes.time])
        assert np.mean(decoded(recording, "cell") == recording.trials["label"]) >= 0.9
        np.testing.assert_array_equal(found[name], found["reference"])
    before = backends.get("reference").run(dataclasses.replace(test, network=case.network))
    told = decoded(before.recording, "cell") == before.recording.trials["label"]
    assert np.mean(told) <= 0.7


def test_a_stage_trains_the_weights_of_values() -> None:
    how = BySurrogates("cell", settings=Training(epochs=2, batch=5))
    plain = valued(shown(10))
    run = backends.get("torch").run(dataclasses.replace(plain, training=how, record=Record()))
    direct = train(plain, "label", "cell", how.settings).network
    assert plain.network.with_weights(run.weights) == direct
    assert direct != plain.network


def test_what_training_with_currents_refuses() -> None:
    noisy = mixed(noise=OrnsteinUhlenbeckNoise(0.1, 0.1, 5.0))
    with pytest.raises(UnsupportedError, match="training draws no background noise"):
        train(noisy, [0, 1, 0, 1], "two")
    with pytest.raises(SpecError, match=r"learn\.cell: 'i_offset' is set by an input"):
        train(valued(), "label", "cell", Training(learn={"cell": ("i_offset",)}))
    one = FromCurrents(np.zeros((5, *CELL)), duration=12.0, unit="nA")
    injected = dataclasses.replace(valued(), inputs={"eye": shown(), "cell": one})
    with pytest.raises(SpecError, match="validation: its currents go to other neurons"):
        train(valued(), "label", "cell", validation=injected)
    with pytest.raises(UnsupportedError, match="currents and values have no presynaptic trace"):
        EProp(valued(), "label", "cell")


def test_a_conductance_that_weights_of_values_make_negative_is_the_error_of_a_run() -> None:
    network = Network(
        (Population("eye", EYE, ValueSource()), Population("cell", CELL, LIBRARY["AdEx"])),
        (Projection("eye", "cell", DenseConnector(-np.ones((3, 6)), EYE, CELL), receptor="a"),),
    )
    case = dataclasses.replace(valued(), network=network)
    told = []
    for act in (lambda: backends.get("torch").run(case), lambda: train(case, "label", "cell")):
        with pytest.raises(SpecError, match="lowers the conductance to") as error:
            act()
        told.append(error.value.where)
    assert told[0] == told[1]
