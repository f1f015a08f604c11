"""e-prop against backpropagation through time: equal where nothing is left out, and how far off.

The task: four patterns of spikes, with a tenth of them missing, are told apart in the 15 ms after
they have ended.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from scnnbio.connectors import ConvolutionConnector, DenseConnector, PoolingConnector
from scnnbio.errors import SpecError, UnsupportedError
from scnnbio.experiment import Experiment, Record
from scnnbio.inputs import FromSpikes
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIBRARY
from scnnbio.population import Population, SpikeSource

torch = pytest.importorskip("torch")

from scnnbio.backends.torch import Surrogate, Training  # noqa: E402
from scnnbio.backends.torch.eprop import EProp  # noqa: E402
from scnnbio.backends.torch.expressions import compiled  # noqa: E402

EYE, HIDDEN, OUT = (2, 5, 2), (3, 5, 2), (4, 1, 2)
TRAINING = Training(sharpness=200.0)


pytestmark = pytest.mark.usefixtures("one_thread")


def patterns(trials: int = 24) -> FromSpikes:
    rng = np.random.default_rng(0)
    shown = rng.random((4, 15, 20)) < 0.15
    label = np.arange(trials) % 4
    trial, step, unit = np.nonzero(shown[label] & (rng.random((trials, 15, 20)) < 0.9))
    return FromSpikes(
        step + 1.0, unit, trial, size=EYE, n_trials=trials, duration=30.0, trials={"label": label}
    )


def task(
    recurrence: float = 0.0,
    cell: str = "LIF_subtract",
    threshold: float = 1e4,
    refractory: float = 0.0,
) -> EProp:
    """A convolution or a dense layer, and a readout of two neurons for each class."""
    rng = np.random.default_rng(1)
    values = {"v_rest": 0.0, "v_reset": 0.0, "v_thresh": 1.0, "tau_refrac": refractory}
    last = {**values, "v_thresh": threshold, "tau_m": 15.0, "tau_refrac": 0.0}
    kernel = rng.normal(0.05, 0.5, (3, 2, 3, 3, 2))
    projections = [
        Projection(
            "eye", "hid", ConvolutionConnector(kernel, EYE, padding=1, lags=[0.0, 2.0]),
            receptor="membrane",
        ),
        Projection(
            "hid", "out", DenseConnector(rng.normal(0, 0.2, (8, 30)), HIDDEN, OUT),
            receptor="excitatory", weight=50.0, delay=2.0,
        ),
    ]  # fmt: skip
    if recurrence:
        weights = rng.normal(0, recurrence / 30**0.5, (30, 30))
        within = DenseConnector(weights, HIDDEN, HIDDEN)
        projections.append(Projection("hid", "hid", within, receptor="membrane"))
    network = Network(
        (
            Population("eye", EYE, SpikeSource()),
            Population("hid", HIDDEN, LIBRARY[cell], values),
            Population("out", OUT, LIBRARY["LIF"], last),
        ),
        tuple(projections),
    )
    case = Experiment(network, inputs={"eye": patterns()}, record=Record(("hid",)), dt=1.0)
    return EProp(case, "label", "out", TRAINING)


def test_without_loops_and_with_a_subtractive_reset_it_is_the_whole_gradient() -> None:
    """Through a convolution with lags, delays, and a readout with currents of their own."""
    made = task()
    ours, theirs = made.gradients(), made.backpropagated()
    for name in ours:
        assert float(theirs[name].abs().max()) > 1e-4
        torch.testing.assert_close(ours[name], theirs[name], rtol=1e-9, atol=1e-12)


def test_the_readout_has_its_whole_gradient_whatever_the_hidden_neurons_do() -> None:
    made = task(recurrence=2.0, refractory=2.0)
    ours, theirs = made.gradients(), made.backpropagated()
    torch.testing.assert_close(ours["hid_out"], theirs["hid_out"], rtol=1e-9, atol=1e-12)


def test_how_near_it_is_and_where_it_fails() -> None:
    """Loops are what it does not follow: the stronger they are, the worse; measured, not tuned."""
    found = {strength: task(strength).cosines()["all"] for strength in (0.25, 0.5, 2.0)}
    assert found[0.25] > 0.9
    assert found[0.5] > 0.7
    assert found[2.0] < 0.5


def test_its_form_is_written_from_the_rule_that_runs() -> None:
    """exp(-1/20) of the membrane; exp(-1/15) and exp(-1/5) of the readout; the docs quote it."""
    found = task(recurrence=0.5).factors()
    assert found["eye_hid"].presynaptic == "v, with v <- 0.9512*v + spikes of eye"
    assert found["hid_hid"].presynaptic == "v, with v <- 0.9512*v + spikes of hid"
    assert found["hid_out"].slope == ""
    assert "v <- 0.9355*v + 0.8758*I_exc and I_exc <- 0.8187*I_exc + spikes of hid" in (
        found["hid_out"].presynaptic
    )
    page = (Path(__file__).parents[2] / "docs/how_to/training.md").read_text(encoding="utf-8")
    for text in (found["eye_hid"].presynaptic, found["eye_hid"].slope, found["eye_hid"].signal):
        assert text in page
    for kind in ("fast-sigmoid", "arctan", "triangle", "boxcar"):
        surrogate = Surrogate(kind)
        for y in (-1.3, -0.2, 0.0, 0.6):
            names = {"y": torch.tensor(y, dtype=torch.float64), "pi": torch.tensor(np.pi)}
            text = surrogate.written.replace("max(0, 1 - abs(y))", "(1 - abs(y))*int(abs(y) < 1)")
            written = float(compiled(text)(names))
            assert written == pytest.approx(float(surrogate.slope(names["y"])), abs=1e-7)


def test_a_step_along_it_lowers_the_loss() -> None:
    made = task(recurrence=0.5)
    kernels = {n: p.kernel for n, p in made.unrolled.pathways.items()}
    losses = []
    for _ in range(2):
        with torch.no_grad():
            traced, _, labels = made._forward(slice(None), kernels)
            losses.append(made.loss(traced.levels["out"], labels).item())
        gradient = made.gradients()
        size = sum(float(g.square().sum()) for g in gradient.values()) ** 0.5
        kernels = {n: k - 0.05 / size * gradient[n] for n, k in kernels.items()}
    assert losses[1] < losses[0]


def test_what_it_is_not_for_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="the readout fires"):
        task(threshold=0.01).gradients()
    network = task().experiment.network
    cells = {p.name: p for p in network.populations}
    other = Population("hid", HIDDEN, LIBRARY["LIF_cond_exp"])
    kernel = ConvolutionConnector(np.full((3, 2, 1, 1), 0.1), EYE)
    changed = Network(
        (cells["eye"], other, cells["out"]),
        (Projection("eye", "hid", kernel), network.projection("hid_out")),
    )
    case = Experiment(changed, inputs={"eye": patterns()}, record=Record(("hid",)), dt=0.1)
    with pytest.raises(UnsupportedError, match="LIF_cond_exp is not linear"):
        EProp(case, "label", "out")


@pytest.mark.parametrize("name", ["hid", "out"])
def test_neurons_that_begin_differently_are_refused(name: str) -> None:
    """The width of a surrogate follows from where a neuron begins, and each has one trace."""
    case = task().experiment
    populations = tuple(
        dataclasses.replace(p, initial={"v": np.linspace(-0.5, 0.5, p.shape[0])})
        if p.name == name
        else p
        for p in case.network.populations
    )
    changed = dataclasses.replace(case, network=Network(populations, case.network.projections))
    with pytest.raises(UnsupportedError, match=f"'{name}': parameters or initial values differ"):
        EProp(changed, "label", "out", TRAINING)


def test_pooling_has_no_gradient_and_first_spikes_no_trace() -> None:
    """Its readout's gradient is that of backpropagation, and the cosine is of nothing else."""
    values = {"v_rest": 0.0, "v_reset": 0.0, "v_thresh": 1.0, "tau_refrac": 0.0}
    weights = np.random.default_rng(1).normal(0, 0.2, (8, 12))

    def pooled(mode: str) -> Experiment:
        pool = PoolingConnector(EYE, (2, 1), mode=mode, padding=(1, 0))  # type: ignore[arg-type]
        network = Network(
            (
                Population("eye", EYE, SpikeSource()),
                Population("hid", pool.out_shape, LIBRARY["LIF_subtract"], values),
                Population("out", OUT, LIBRARY["LIF"], {**values, "v_thresh": 1e4}),
            ),
            (
                Projection("eye", "hid", pool, receptor="membrane", weight=0.8),
                Projection("hid", "out", DenseConnector(weights, pool.out_shape, OUT), weight=50.0),
            ),
        )
        return Experiment(network, inputs={"eye": patterns()}, record=Record(("hid",)), dt=1.0)

    made = EProp(pooled("sum"), "label", "out", TRAINING)
    ours, theirs = made.gradients(), made.backpropagated()
    assert sorted(ours) == sorted(theirs) == sorted(made.factors()) == ["hid_out"]
    assert float(theirs["hid_out"].abs().max()) > 1e-4
    torch.testing.assert_close(ours["hid_out"], theirs["hid_out"], rtol=1e-9, atol=1e-12)
    with pytest.raises(UnsupportedError, match="first of its window; pool by mode 'sum'"):
        EProp(pooled("first-spike"), "label", "out", TRAINING)


def test_settings_without_a_meaning_here_are_refused() -> None:
    made = task()
    training = dataclasses.replace(TRAINING, quantise="spinnaker", dropout={"hid": 0.1})
    with pytest.raises(SpecError, match="alone; leave out dropout, quantise"):
        EProp(made.experiment, "label", "out", training)
