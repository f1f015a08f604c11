"""Delays that are learned: what they find, their gradient, and that every backend runs them."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np
import pytest

from scnnbio import backends
from scnnbio.analysis.decoding import decoded
from scnnbio.connectors import ConvolutionConnector, DenseConnector, EdgeListConnector
from scnnbio.experiment import Experiment, Record
from scnnbio.experiment.training import Training
from scnnbio.inputs import FromCurrents, FromSpikes
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIBRARY
from scnnbio.population import Population, SpikeSource, ValueSource

torch = pytest.importorskip("torch")

from scnnbio.backends.torch import Surrogate, train  # noqa: E402
from scnnbio.backends.torch.layers import Firing  # noqa: E402
from scnnbio.backends.torch.training import Trainer  # noqa: E402
from scnnbio.backends.torch.unrolled import Unrolled  # noqa: E402

#: One source fires so long after the other (ms); lags to choose from.
APART, LAGS = 5.0, np.arange(0.0, 11.0)
#: The seed of a network whose connections are a list.
LISTED = 5
JUMPS = {"v_rest": 0.0, "v_reset": 0.0, "v_thresh": 1.0, "tau_m": 1.0, "tau_refrac": 0.0}
PAIR = (2, 1, 1)


pytestmark = pytest.mark.usefixtures("one_thread")


def pairs(n: int, seed: int) -> FromSpikes:
    """Two spikes per trial; source 0 is first in trials of class 0, and last in the others."""
    first = np.random.default_rng(seed).integers(1, 8, n).astype(float)
    label, trial = np.arange(n) % 2, np.arange(n)
    time = np.stack([first, first + APART], axis=1).ravel()
    unit = np.stack([label, 1 - label], axis=1).ravel()
    return FromSpikes(
        time, unit, np.repeat(trial, 2), size=PAIR, n_trials=n, duration=26.0,
        trials={"label": label},
    )  # fmt: skip


def coincidence(seed: int, given: FromSpikes | None = None, **changes: Any) -> Experiment:
    """Two detectors that fire if both spikes arrive together: 0.6 + 0.6 > 1 > 0.6 + 0.6/e."""
    lag = np.random.default_rng(seed).choice(LAGS, (2, 2, 1, 1))
    one: Any = ConvolutionConnector.delayed(np.full((2, 2, 1, 1), 0.6), lag, LAGS, PAIR)
    if seed == LISTED:
        # The shortest and the longest lag of a list are those to choose between.
        ends, lag = ([0, 0, 1, 1], [0, 1, 0, 1]), [0.0, 7.0, 10.0, 4.0]
        one = EdgeListConnector(PAIR, PAIR, ends, 0.6, lag)
    network = Network(
        (
            Population("eye", PAIR, SpikeSource()),
            Population("out", PAIR, LIBRARY["LIF_curr_delta"], JUMPS),
        ),
        (Projection("eye", "out", one, receptor="membrane"),),
    )
    record = changes.pop("record", Record(("out",)))
    return Experiment(network, inputs={"eye": given or pairs(40, 0)}, record=record, **changes)


def with_connector(network: Network, connector: Any) -> Network:
    (projection,) = network.projections
    changed = dataclasses.replace(projection, connector=connector)
    return Network(network.populations, (changed,))


def lags(network: Network) -> np.ndarray:
    """By detector and source."""
    connector = network.projection("eye_out").connector
    if isinstance(connector, EdgeListConnector):
        return connector.lag.reshape(2, 2).T
    assert isinstance(connector, ConvolutionConnector)
    return connector.lag.squeeze()


#: Delays alone are learned.
ALONE = Training(
    epochs=12, batch=10, learning_rate=0.05, sharpness=3.0, fixed=("eye_out",), delays=("eye_out",)
)


@functools.cache
def learned(loss: str, seed: int) -> Network:
    case = coincidence(seed, dt=1.0)
    return train(case, "label", "out", dataclasses.replace(ALONE, loss=loss)).network


@pytest.mark.parametrize(("loss", "seed"), [("rate", 0), ("rate", LISTED), ("membrane", 3)])
def test_delays_alone_learn_which_of_two_spikes_is_first(loss: str, seed: int) -> None:
    """A detector's two delays differ by the time between the spikes: no other difference fires it.

    Weights stay as they are.
    """
    begins, found = lags(coincidence(seed).network), lags(learned(loss, seed))
    assert (begins[:, 0] - begins[:, 1]).tolist() != [APART, -APART]
    assert (found[:, 0] - found[:, 1]).tolist() == [APART, -APART]
    kernel = learned(loss, seed).projection("eye_out").kernel
    assert set(kernel[kernel != 0].tolist()) == {0.6}


def test_weights_alone_do_not_learn_which_of_two_spikes_is_first() -> None:
    """The control: without delays each detector sees both spikes in both classes, 5 ms apart."""
    case = coincidence(0, dt=1.0)
    together = case.network.projection("eye_out").connector.with_kernel(
        np.full((2, 2, 1, 1, 1), 0.6) * (LAGS == 0)
    )
    case = dataclasses.replace(case, network=with_connector(case.network, together))
    settings = dataclasses.replace(ALONE, fixed=(), delays=())
    trained = train(case, "label", "out", settings).network
    test = dataclasses.replace(coincidence(0, pairs(20, 1), dt=1.0), network=trained)
    found = backends.get("torch").run(test).recording
    assert np.mean(decoded(found, "out") == found.trials["label"]) <= 0.5


@pytest.mark.parametrize(
    "backend",
    ["reference", "torch", "brian2", "event-driven", pytest.param("nest", marks=pytest.mark.nest)],
)
def test_learned_delays_run_on_other_backends(backend: str) -> None:
    """On trials that were not shown, the detector of the class fires once, and the other never."""
    if backend == "nest":
        pytest.importorskip("nest")
    options = {"cells": "standard"} if backend == "nest" else {}
    # NEST's own cells go on from one trial to the next, whose potentials are far apart in time.
    test = coincidence(0, pairs(20, 1), dt=1.0, reset=backend != "nest")
    networks = [test.network, learned("rate", 0), learned("rate", LISTED)]
    found = []
    for network in networks:
        run = backends.get(backend, options).run(dataclasses.replace(test, network=network))
        found.append(run.recording.spikes_of("out").unit.tolist())
    assert found == [[], (np.arange(20) % 2).tolist(), (np.arange(20) % 2).tolist()]


def layered(**changes: Any) -> Experiment:
    """A convolution with lags, of which some elements do not connect, a loop, and a readout."""
    rng = np.random.default_rng(3)
    eye = (2, 4, 4)
    times = np.array([0.0, 1.0, 3.0, 4.0])
    kernel = rng.uniform(0.2, 1, (2, 2, 2, 2)) * (rng.random((2, 2, 2, 2)) < 0.8)
    first = ConvolutionConnector.delayed(
        kernel, rng.choice(times, kernel.shape), times, eye, stride=2
    )
    one = first.out_shape
    pairs = np.unique(rng.integers(0, 8, (2, 30)), axis=1)
    loop = EdgeListConnector(
        one, one, tuple(pairs), rng.uniform(-0.4, 0.4, pairs.shape[1]),
        rng.choice([1.0, 3.0], pairs.shape[1]),
    )  # fmt: skip
    readout = DenseConnector(rng.uniform(0.1, 0.5, (2, 8)), one, PAIR)
    plain = {"tau_refrac": 0.0}
    network = Network(
        (
            Population("eye", eye, SpikeSource()),
            Population("one", one, LIBRARY["LIF"], plain),
            Population("out", PAIR, LIBRARY["LIF"], plain),
        ),
        (
            Projection("eye", "one", first, weight=4.0, delay=2.0),
            Projection("one", "one", loop, weight=4.0, name="loop"),
            Projection("one", "out", readout, weight=4.0),
        ),
    )
    drawn = np.random.default_rng(1).random((6, 14, 32)) < 0.3
    trial, step, unit = np.nonzero(drawn)
    given = FromSpikes(
        step + 1.0, unit, trial, size=eye, n_trials=6, duration=18.0,
        trials={"label": np.arange(6) % 2},
    )  # fmt: skip
    record = Record(("one", "out"))
    return Experiment(network, inputs={"eye": given}, record=record, dt=1.0, **changes)


LEARNED = Training(epochs=2, batch=3, precision="double", delays=("eye_one", "loop"))


@pytest.mark.parametrize("pieces", [{}, {"checkpoint": 5}])
@pytest.mark.parametrize("progress", [0.0, 0.3])
def test_a_soft_network_has_the_gradient_of_finite_differences(
    progress: float, pieces: dict[str, int]
) -> None:
    """By delays and weights, at two widths; in a loop too."""
    case = layered()
    trainer = Trainer(case, "label", "out", dataclasses.replace(LEARNED, **pieces), None)
    soft = Firing(Surrogate("arctan", width=1.7), soft=True)
    learnables = trainer.learnables
    learnables.unrolled.firing = soft
    learnables.unrolled.widths = Unrolled(case, torch.float64, soft).widths
    learnables.progress = progress
    late = torch.linspace(0.5, 1.5, 18, dtype=torch.float64).reshape(-1, 1, 1, 1, 1)

    def total() -> Any:
        traced = trainer.through(trainer.shown.trials, learnables.bound())
        return (traced.spikes["out"] * late).sum()

    total().backward()
    rng = np.random.default_rng(0)
    for one in [*learnables.delays.values(), *learnables.kernels.values()]:
        began, slopes = one.theta.detach().clone(), []
        direction = torch.as_tensor(rng.normal(size=began.shape))
        for sign in (1, -1):
            with torch.no_grad():
                one.theta.copy_(began + sign * 1e-5 * direction)
                slopes.append(float(total()))
        one.theta.data.copy_(began)
        slope = (slopes[0] - slopes[1]) / 2e-5
        assert abs(slope) > 1e-4
        assert float((one.theta.grad * direction).sum()) == pytest.approx(slope, rel=1e-5)


def test_shares_are_a_gaussian_of_time_that_shrinks_to_the_nearest_lag() -> None:
    """At lags at any distances; half the range at first, a quarter of the least distance later."""
    delays = Trainer(layered(), "label", "out", LEARNED, None).learnables.delays["eye_one"]
    times, present = np.array([0.0, 1.0, 3.0, 4.0]), delays.present.numpy() > 0
    assert 0 < (~present).sum() < 10
    with torch.no_grad():
        delays.theta += torch.as_tensor(np.random.default_rng(1).uniform(-0.1, 0.1, present.shape))
    delays.keep_in_range()
    at = delays.value().detach().numpy()
    assert at.min() == 0.0
    assert at.max() == 4.0
    for progress, width in ((0.0, 2.0), (0.25, np.sqrt(0.5)), (0.5, 0.25), (1.0, 0.25)):
        wanted = np.exp(-((times - at[..., None]) ** 2) / (2 * width**2))
        wanted *= present[..., None] / wanted.sum(-1, keepdims=True)
        found = delays.shares(progress).detach().numpy()
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-15)
    nearest = times[np.abs(times - at[..., None]).argmin(-1)]
    np.testing.assert_array_equal((delays.nearest().numpy() * times).sum(-1)[present],
                                  nearest[present])  # fmt: skip


def test_validation_judges_the_delays_of_the_trained_network() -> None:
    """Rounded delays have the reference's spikes, step by step, in the epoch that is kept."""
    case = layered()
    trainer = Trainer(case, "label", "out", dataclasses.replace(LEARNED, epochs=3), case)
    trained = trainer.trained(lambda *_: None)
    rounded = trainer.through(trainer.shown.trials, trainer.learnables.bound(rounded=True))
    network = trainer.learnables.as_network()
    recording = backends.get("reference").run(dataclasses.replace(case, network=network)).recording
    for name in ("one", "out"):
        step, trial, *unit = (column.numpy() for column in torch.nonzero(rounded.spikes[name]).T)
        flat = np.ravel_multi_index(unit, case.network.population(name).shape)
        order = np.lexsort((flat, step, trial))
        spikes = recording.spikes_of(name)
        assert len(spikes.unit) > 20
        np.testing.assert_array_equal(trial[order], spikes.trial)
        np.testing.assert_array_equal(flat[order], spikes.unit)
        np.testing.assert_allclose(step[order] + 1.0, spikes.time)
    # In learning delays are blurred, at the beginning more than at the end.
    others = []
    for progress in (0.0, 1.0):
        trainer.learnables.progress = progress
        smooth = trainer.through(trainer.shown.trials, trainer.learnables.bound())
        others.append(int((smooth.spikes["one"] != rounded.spikes["one"]).sum()))
    assert others[0] > 3 * others[1]
    # Each element still acts at one lag, and those without a weight got none.
    for name in ("eye_one", "loop"):
        before, after = (n.projection(name).connector for n in (case.network, trained.network))
        np.testing.assert_array_equal(np.isnan(before.lag), np.isnan(after.lag))
        assert before != after
    rows = trained.weights.set_index("projection")
    assert set(rows.loc["eye_one"].lag_sd > 0) == {True}
    assert rows.loc["one_out"].lag.isna().all()
    kept = decoded(backends.get("reference").run(
        dataclasses.replace(case, network=trained.network)).recording, "out")  # fmt: skip
    assert trained.epochs.validation.max() == np.mean(kept == np.arange(6) % 2)


def test_operations_count_an_element_once_however_many_lags_it_may_have() -> None:
    case = coincidence(0, dt=1.0)
    trained = train(case, "label", "out", dataclasses.replace(ALONE, epochs=1))
    # Two spikes in a trial, each to two detectors.
    assert trained.epochs.operations.tolist() == [4.0]


def test_values_have_delays_that_are_learned_too() -> None:
    """A current that begins and ends: its gradient by the delay is that of differences."""
    weights, lags = np.full((2, 1, 1, 1), 0.5), np.full((2, 1, 1, 1), 2.0)
    one = ConvolutionConnector.delayed(weights, lags, [0.0, 2.0, 4.0], (1, 1, 1))
    network = Network(
        (
            Population("eye", (1, 1, 1), ValueSource()),
            Population("out", (2, 1, 1), LIBRARY["LIF"], {**JUMPS, "tau_m": 10.0}),
        ),
        (Projection("eye", "out", one, receptor="i_offset", weight=0.4),),
    )
    values = np.array([0.0, 1.0, 0.3, 0.0]).reshape(1, 4, 1, 1, 1)
    case = Experiment(network, inputs={"eye": FromCurrents(values, frame=3.0)}, dt=1.0)
    settings = Training(loss="membrane", precision="double", delays=("eye_out",))
    trainer = Trainer(case, [0], "out", settings, None)
    theta, found = trainer.learnables.delays["eye_out"].theta, []
    for moved in (0.0, 1e-5, -1e-5):
        theta.data.fill_(0.4 + moved)
        levels = trainer.through(trainer.shown.trials, trainer.learnables.bound()).levels["out"]
        found.append((levels * torch.linspace(1, 2, 12).reshape(-1, 1, 1, 1, 1)).sum())
    found[0].backward()
    slope = (found[1] - found[2]).item() / 2e-5
    assert abs(slope) > 1e-3
    assert float(theta.grad.sum()) == pytest.approx(slope, rel=1e-6)
