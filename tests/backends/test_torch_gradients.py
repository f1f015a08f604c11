"""Gradients of the unrolled network against finite differences, closed forms and a loop by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from scnnbio.connectors import (
    ConvolutionConnector,
    DenseConnector,
    EdgeListConnector,
    LocalConnector,
)
from scnnbio.errors import SpecError
from scnnbio.experiment import Experiment, Record
from scnnbio.inputs import FromSpikes
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIBRARY
from scnnbio.population import Population, SpikeSource

torch = pytest.importorskip("torch")

from scnnbio.backends.torch import Surrogate, Training  # noqa: E402
from scnnbio.backends.torch.inputs import dense  # noqa: E402
from scnnbio.backends.torch.layers import Firing, Layer  # noqa: E402
from scnnbio.backends.torch.training import Trainer  # noqa: E402
from scnnbio.backends.torch.unrolled import Unrolled  # noqa: E402

KINDS = ("fast-sigmoid", "arctan", "triangle", "boxcar")
STEPS = 12


pytestmark = pytest.mark.usefixtures("one_thread")


def spikes(size: tuple[int, int, int], trials: int, seed: int = 1, rate: float = 0.3) -> FromSpikes:
    drawn = np.random.default_rng(seed).random((trials, STEPS - 2, int(np.prod(size)))) < rate
    trial, step, unit = np.nonzero(drawn)
    return FromSpikes(
        step + 1.0, unit, trial, size=size, n_trials=trials, duration=float(STEPS),
        trials={"label": np.arange(trials) % 2},
    )  # fmt: skip


def mixed(neuron: str = "LIF") -> Experiment:
    """Two layers that feed one another, by kernels of every kind, and a readout."""
    rng = np.random.default_rng(3)
    eye, one, two = (2, 4, 4), (2, 3, 3), (2, 1, 1)
    model = LIBRARY[neuron]
    scale = 0.04 if "cond" in neuron else 3.0
    edges = (rng.integers(0, 18, 30), rng.integers(0, 18, 30))
    pairs = np.unique(np.stack(edges), axis=1)
    strength = rng.uniform(0.1, 1, pairs.shape[1])
    network = Network(
        (
            Population("eye", eye, SpikeSource()),
            Population("one", one, model, {"tau_refrac": 0.0, "tau_m": [8.0, 12.0]}),
            Population("two", one, model, {"tau_refrac": 2.0}),
            Population("out", two, model, {"tau_refrac": 0.0}),
        ),
        (
            Projection(
                "eye", "one",
                ConvolutionConnector(rng.uniform(0.2, 1, (2, 2, 2, 2, 2)), eye, lags=[0.0, 2.0]),
                weight=scale,
            ),
            Projection(
                "one", "two",
                LocalConnector(rng.uniform(0.2, 1, (2, 3, 3, 2, 3, 3)), one, padding=1),
                weight=0.7 * scale,
            ),
            Projection(
                "two", "one",
                EdgeListConnector(one, one, tuple(pairs), weight=strength),
                weight=scale, delay=2.0,
            ),
            Projection(
                "two", "out", DenseConnector(rng.uniform(0.1, 0.5, (2, 18)), one, two),
                weight=scale,
            ),
        ),
    )  # fmt: skip
    return Experiment(network, inputs={"eye": spikes(eye, 4)}, record=Record(("out",)), dt=1.0)


def total(unrolled: Unrolled, experiment: Experiment, kernels, parameters):
    """A smooth function of everything that happens."""
    bound = unrolled.bound(kernels, parameters)
    trials = list(experiment.input_stream().trials())
    given = dense(trials, experiment.network.sources, 0, STEPS, unrolled.dtype)
    _, traced = unrolled.advance(unrolled.begin(len(trials), bound), given, bound, ["out"])
    late = torch.linspace(0.5, 1.5, STEPS, dtype=torch.float64).reshape(-1, 1, 1, 1, 1)
    return (traced.spikes["out"] * late).sum() + 0.1 * (traced.spikes["one"] * late).sum()


@pytest.mark.parametrize(
    ("neuron", "kind"), [*(("LIF", kind) for kind in KINDS), ("LIF_cond_exp", "arctan")]
)
def test_a_soft_network_has_the_gradient_of_finite_differences(neuron: str, kind: str) -> None:
    """By four kinds of kernels, time constants in propagators, thresholds, resting potentials."""
    case = mixed(neuron)
    # A slope with corners is followed across none by a small enough step.
    firing = Firing(Surrogate(kind, width=1.7), soft=True)
    unrolled = Unrolled(case, torch.float64, firing)
    kernels = {n: p.kernel.clone().requires_grad_() for n, p in unrolled.pathways.items()}
    names = [("one", "tau_m"), ("two", "v_thresh"), ("out", "v_rest"), ("two", "tau_syn_E")]
    values = {key: unrolled.layers[key[0]].fixed[key[1]].clone().requires_grad_() for key in names}
    leaves = {**kernels, **values}
    total(unrolled, case, kernels, values).backward()
    rng = np.random.default_rng(0)
    for key, leaf in leaves.items():
        direction = torch.as_tensor(rng.normal(size=leaf.shape))
        step = 1e-5 * float(leaf.detach().abs().mean())
        moved = []
        for sign in (1, -1):
            with torch.no_grad():
                now = {**leaves, key: leaves[key] + sign * step * direction}
                parts = ({name: now[name] for name in part} for part in (kernels, values))
                moved.append(float(total(unrolled, case, *parts)))
        slope = (moved[0] - moved[1]) / (2 * step)
        found = float((leaf.grad * direction).sum())
        assert abs(slope) > 1e-6, key
        assert found == pytest.approx(slope, rel=2e-4), key


@pytest.mark.parametrize("kind", KINDS)
def test_a_surrogate_is_the_derivative_of_a_step_from_0_to_1(kind: str) -> None:
    surrogate = Surrogate(kind)
    y = torch.linspace(-3, 3, 600, dtype=torch.float64, requires_grad=True)
    step = surrogate.step(y)
    (slope,) = torch.autograd.grad(step.sum(), y)
    torch.testing.assert_close(slope, surrogate.slope(y).detach())
    far = surrogate.step(torch.tensor([-1e9, 0.0, 1e9], dtype=torch.float64))
    torch.testing.assert_close(
        far, torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64), atol=1e-8, rtol=0
    )
    assert float(surrogate.slope(torch.zeros(()))) == 1.0


def by_hand(weights, given, surrogate, *, through_reset, cut=None):
    """An independent leaky neuron with jumps: v decays by exp(-dt/tau), then input, then spike."""
    keep = float(np.exp(-1.0 / 10.0))
    v = torch.zeros(given.shape[1], 3, dtype=torch.float64)
    before = torch.zeros_like(given[0])
    out = []
    for k, now in enumerate(given):
        if cut is not None and k % cut == 0:
            v = v.detach()
        v = keep * v + before @ weights.T
        y = (v - 1.0) / (1.0 * surrogate.width)
        hard = (v >= 1.0).double()
        soft = surrogate.step(y)
        fired = hard + soft - soft.detach()
        v = v * (1.0 - (fired if through_reset else fired.detach()))
        out.append(fired)
        before = now
    return torch.stack(out)


def jumps(trials: int = 5) -> Experiment:
    weights = np.random.default_rng(5).normal(0.2, 0.4, (3, 6))
    plain = {"v_rest": 0.0, "v_reset": 0.0, "v_thresh": 1.0, "tau_m": 10.0, "tau_refrac": 0.0}
    network = Network(
        (
            Population("eye", (6, 1, 1), SpikeSource()),
            Population("cell", (3, 1, 1), LIBRARY["LIF_curr_delta"], plain),
        ),
        (
            Projection(
                "eye", "cell", DenseConnector(weights, (6, 1, 1), (3, 1, 1)), receptor="membrane"
            ),
        ),
    )
    return Experiment(
        network, inputs={"eye": spikes((6, 1, 1), trials)}, record=Record(("cell",)), dt=1.0
    )


@pytest.mark.parametrize("through_reset", [True, False])
@pytest.mark.parametrize(
    ("kind", "pieces"),
    [*((kind, {}) for kind in KINDS), ("arctan", {"truncate": 4}), ("arctan", {"checkpoint": 5})],
)
def test_a_hard_network_has_the_gradient_of_a_loop_by_hand(kind, through_reset, pieces) -> None:
    """Whole, cut off every four steps, and computed again from every fifth step."""
    case = jumps()
    training = Training(
        surrogate=Surrogate(kind, 0.8), through_reset=through_reset, precision="double", **pieces
    )
    trainer = Trainer(case, np.zeros(5, int), "cell", training, None)
    kernel = trainer.learnables.kernels["eye_cell"]
    late = torch.linspace(0.5, 1.5, STEPS, dtype=torch.float64)
    found = trainer.through(trainer.shown.trials, trainer.learnables.bound()).spikes["cell"]
    (found.flatten(2).sum((1, 2)) * late).sum().backward()
    weights = torch.tensor(case.network.projection("eye_cell").kernel, requires_grad=True)
    given = dense(trainer.shown.trials, case.network.sources, 0, STEPS, torch.float64)[
        "eye"
    ].flatten(2)
    wanted = by_hand(
        weights, given, training.surrogate, through_reset=through_reset, cut=training.truncate
    )
    (wanted.sum((1, 2)) * late).sum().backward()
    # By hand a spike is 1 to the last digit but one.
    torch.testing.assert_close(found.detach().flatten(2), wanted.detach().round(), rtol=0, atol=0)
    assert 5 < float(wanted.detach().sum()) < 150
    torch.testing.assert_close(
        kernel.theta.grad / kernel.scale, weights.grad, rtol=1e-9, atol=1e-12
    )


def test_one_neuron_below_threshold_has_its_closed_form() -> None:
    """A jump of w decays by exp(-t/tau): each step adds its slope times that to the gradient."""
    tau, w, arrives = 10.0, 0.6, 3
    case = jumps()
    one = dataclasses.replace(
        case.network.projections[0],
        connector=DenseConnector(np.eye(3, 6) * w, (6, 1, 1), (3, 1, 1)),
    )
    given = FromSpikes([arrives - 1.0], [0], [0], size=(6, 1, 1), duration=float(STEPS))
    case = dataclasses.replace(
        case, network=Network(case.network.populations, (one,)), inputs={"eye": given}
    )
    training = Training(surrogate=Surrogate("arctan"), precision="double")
    trainer = Trainer(case, np.zeros(1, int), "cell", training, None)
    kernel = trainer.learnables.kernels["eye_cell"]
    trainer.through(trainer.shown.trials, trainer.learnables.bound()).spikes[
        "cell"
    ].sum().backward()
    factor = np.exp(-np.arange(STEPS - arrives + 1) / tau)
    wanted = (factor / (1 + (np.pi * (w * factor - 1.0)) ** 2)).sum()
    assert float(kernel.theta.grad[0, 0] / kernel.scale) == pytest.approx(wanted, rel=1e-12)
    # The others stay at rest, one width below threshold.
    at_rest = factor.sum() / (1 + np.pi**2)
    np.testing.assert_allclose(kernel.theta.grad[1:, 0] / kernel.scale, at_rest, rtol=1e-12)
    assert float(kernel.theta.grad[:, 1:].abs().sum()) == 0.0


def test_the_propagator_of_torch_is_that_of_the_library() -> None:
    """Where a time constant is learned, the step is still the exact one; mpmath's is the oracle."""
    for name in ("LIF", "LIF_curr_alpha", "LIF_sfa", "GLIF5", "LIF_cond_alpha"):
        model = LIBRARY[name]
        population = Population("cell", (2, 1, 1), model, {"tau_refrac": 0.0, "cm": [0.5, 1.0]})
        layer = Layer(population, 0.3, torch.float64)
        tau = next(n for n in ("tau_syn_E", "tau_m") if n in layer.fixed)
        names = layer.names({tau: layer.fixed[tau].clone()})
        for key, value in layer.fixed.items():
            torch.testing.assert_close(
                names[key].expand(value.shape) if names[key].numel() == 1 else names[key],
                value.expand(names[key].shape), rtol=1e-12, atol=1e-15,
            )  # fmt: skip


def test_a_threshold_that_is_no_comparison_has_no_gradient() -> None:
    model = dataclasses.replace(
        LIBRARY["LIF_curr_delta"], name="two", threshold="v >= v_thresh and v > v_rest"
    )
    case = jumps()
    populations = (case.network.sources[0], Population("cell", (3, 1, 1), model))
    other = dataclasses.replace(case, network=Network(populations, case.network.projections))
    with pytest.raises(SpecError, match=r"population 'cell': .*a gradient needs the excess"):
        Unrolled(other, torch.float64, Firing(Surrogate()))
