"""Lags, groups, pooling and radial inhibition: the same on every backend that takes them.

The oracles are scipy's correlation in space and time, one projection for each lag, the first
spike of each window found by sorting, and, between backends, the reference.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.signal import correlate

from scnnbio import backends
from scnnbio.connectors import (
    ConvolutionConnector,
    DifferenceOfGaussians,
    Gaussian,
    KernelConnector,
    LateralInhibitionConnector,
    PoolingConnector,
)
from scnnbio.encoding import LGN, Encoding
from scnnbio.errors import SpecError, UnsupportedError
from scnnbio.experiment import Experiment, Record, Run, Sampling
from scnnbio.network import Network, Projection
from scnnbio.neurons import IF, LIF
from scnnbio.plasticity import LearningRule, Normalisation, SharedSTDP, TripletSTDP
from scnnbio.population import Population, SpikeSource
from scnnbio.stimuli import WhiteNoise
from tests.backends.networks import connectors, experiment
from tests.backends.test_reference import Given

RNG = np.random.default_rng(8)
NEST = pytest.param("nest", marks=[pytest.mark.nest, pytest.mark.slow])


def backend(name: str) -> backends.Backend:
    if name == "nest":
        pytest.importorskip("nest")
    return backends.get(name)


def driven(
    connector: KernelConnector,
    spikes: np.ndarray,
    duration: float = 30.0,
    n_trials: int = 1,
    reset: bool = True,
    **options: object,
) -> Experiment:
    """Rows (stamp in ms, unit) into neurons that add up what they get (mV), each trial alike."""
    network = Network(
        (
            Population("pre", connector.in_shape, SpikeSource()),
            Population("post", connector.out_shape, IF, parameters={"v_rest": 0, "v_thresh": 1e9}),
        ),
        (Projection("pre", "post", connector, receptor="membrane", name="feed", **options),),
    )
    return Experiment(
        network,
        WhiteNoise(n_trials=n_trials, duration=duration, frame=duration),
        Encoding(LGN(normalisation_sigma=0.0), Given(tuple((float(t), int(u)) for t, u in spikes))),
        Record(spikes=("post",), signals=(Sampling("post", ("v",)),)),
        dt=1.0,
        reset=reset,
    )


def jumps(run: Run) -> np.ndarray:
    """What arrives in each step, shape (step, channel, row, column); step 0 is the first one."""
    values = run.recording.signals["post"]["v"].values
    shape = run.experiment.network.population("post").shape
    return np.diff(values, axis=0).reshape(-1, *shape)


def movie(shape: tuple[int, int, int], steps: int, density: float, seed: int = 0) -> np.ndarray:
    """Rows (stamp, unit), sorted by stamp."""
    rng = np.random.default_rng(seed)
    step, unit = np.nonzero(rng.random((steps, int(np.prod(shape)))) < density)
    return np.stack([step + 1, unit], axis=1)


@pytest.mark.parametrize("name", ["reference", "event-driven", "brian2", NEST])
def test_a_kernel_in_space_and_time_is_scipys_correlation(name):
    lags, delay = (0.0, 1.0, 4.0, 7.0), 2.0
    kernel = RNG.normal(size=(3, 2, 3, 2, 4))
    connector = ConvolutionConnector(kernel, (2, 5, 4), lags=lags)
    spikes = movie(connector.in_shape, 18, 0.2)
    run = backend(name).run(driven(connector, spikes, delay=delay))

    film = np.zeros((30, *connector.in_shape))
    film.reshape(30, -1)[spikes[:, 0], spikes[:, 1]] = 1.0
    reach = 1 + int(delay + lags[-1])
    taps = np.zeros((*kernel.shape[:4], reach))
    taps[..., [int(delay + lag) for lag in lags]] = kernel
    # Oracle: scipy, over time and both axes of space at once; the past is silent.
    padded = np.pad(film, ((reach - 1, 0), (0, 0), (0, 0), (0, 0)))
    expected = np.stack(
        [
            sum(
                correlate(
                    padded[:, c], np.moveaxis(taps[o, c, ..., ::-1], -1, 0), "valid", "direct"
                )
                for c in range(2)
            )
            for o in range(3)
        ],
        axis=1,
    )
    assert np.abs(expected).max() > 1.0
    # The jump from the sample at t to that at t + 1 is what arrived at t + 1.
    np.testing.assert_allclose(jumps(run), expected[1:], rtol=0, atol=1e-9)


RULE = SharedSTDP(tau_plus=8.0, a_plus=0.03, a_minus=0.02, a_post=0.005)
LAGS = (0.0, 0.5, 3.0, 8.0)


def learning(*, lagged: bool, rule: LearningRule | None = RULE, groups: int = 1) -> Experiment:
    """A layer that learns through a kernel with lags, or through one projection for each lag."""
    kernel = np.random.default_rng(1).uniform(0.1, 0.6, (3 * groups, 2 // groups, 3, 3, 4))
    kernel[:, :, 0, 1, 2] = kernel[1, :, 2, 2, 0] = 0.0  # taps that are absent, and stay so
    options = {"in_shape": (2, 8, 8), "stride": 2, "groups": groups, "connect_zeros": False}
    whole = ConvolutionConnector(kernel, lags=LAGS, **options)
    parts = [ConvolutionConnector(kernel[..., k], **options) for k in range(4)]
    shared = {"weight": 0.45, "plasticity": rule}
    feed = (
        (Projection("lgn", "v1", whole, delay=1.0, **shared),)
        if lagged
        else tuple(
            Projection("lgn", "v1", part, delay=1.0 + lag, name=f"part{k}", **shared)
            for k, (part, lag) in enumerate(zip(parts, LAGS, strict=True))
        )
    )
    return experiment(
        Network(
            (Population("lgn", (2, 8, 8), SpikeSource()), Population("v1", whole.out_shape, LIF)),
            feed,
        ),
        record=Record(spikes=("v1",), snapshots=3),
    )


def spikes_of(run: Run, name: str) -> np.ndarray:
    spikes = run.recording.spikes[name]
    return np.stack([spikes.trial, np.round(spikes.time / run.experiment.dt), spikes.unit])


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param("reference", marks=pytest.mark.slow), "brian2", NEST]
)
def test_a_plastic_kernel_with_lags_is_a_plastic_projection_for_each_lag(name):
    one = backend(name).run(learning(lagged=True))
    several = backend(name).run(learning(lagged=False))
    np.testing.assert_array_equal(spikes_of(one, "v1"), spikes_of(several, "v1"))
    stacked = np.stack([several.weights[f"part{k}"] for k in range(4)], axis=-1)
    np.testing.assert_allclose(one.weights["lgn_v1"], stacked, rtol=0, atol=1e-13)
    before = one.experiment.network.projection("lgn_v1").kernel
    np.testing.assert_array_equal(one.weights["lgn_v1"][before == 0], 0.0)
    # Every lag has learnt, and not the same.
    change = np.abs(one.weights["lgn_v1"] - before).max(axis=(0, 1, 2, 3))
    assert change.min() > 0.01
    np.testing.assert_array_equal(
        one.recording.snapshots["lgn_v1"].values[0], before, "the kernel as it was at first"
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["brian2", NEST])
@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_a_rule_of_triplets_holds_the_norm_of_all_lags_together(norm, name):
    control = Normalisation(15.0 if norm == "l1" else 2.7, norm)
    rule = TripletSTDP.published(normalisation=control, bounds="soft")
    case = learning(lagged=True, rule=rule, groups=2)
    theirs = backends.get("reference").run(case)
    assert_same(backend(name).run(case), theirs)
    # Its own definition: the norm over inputs, places and lags of each output map.
    flat = theirs.weights["lgn_v1"].reshape(6, -1)
    held = np.abs(flat).sum(axis=1) if norm == "l1" else np.sqrt((flat**2).sum(axis=1))
    np.testing.assert_allclose(held, control.target, rtol=1e-9)


def test_times_without_a_grid_are_those_of_one_projection_for_each_lag():
    one, several = (
        backends.get("event-driven").run(learning(lagged=lagged, rule=None)).recording.spikes["v1"]
        for lagged in (True, False)
    )
    assert len(one.time) > 50
    np.testing.assert_array_equal(one.unit, several.unit)
    np.testing.assert_allclose(one.time, several.time, rtol=0, atol=1e-9)


@pytest.mark.slow
def test_learned_lags_go_into_a_network():
    run = backends.get("brian2").run(learning(lagged=True))
    network = run.experiment.network.with_weights(run.weights)
    np.testing.assert_array_equal(network.projection("lgn_v1").kernel, run.weights["lgn_v1"])
    assert network.projection("lgn_v1").delays == (1.0, 1.5, 4.0, 9.0)


@pytest.mark.parametrize("name", ["reference", "brian2", NEST])
@pytest.mark.parametrize(
    ("window", "n_trials", "reset"), [(None, 2, True), (None, 2, False), (10.0, 1, True)]
)
def test_the_first_spike_of_a_window_passes_and_no_other(name, window, n_trials, reset):
    connector = PoolingConnector(
        (2, 6, 5), 3, (2, 1), 1, mode="first-spike", weight=0.7, window=window
    )
    spikes = movie(connector.in_shape, 26, 0.03, seed=4)
    case = driven(connector, spikes, n_trials=n_trials, reset=reset, delay=3.0, weight=2.0)
    found = jumps(backend(name).run(case))

    # Oracle: all arrivals of each target sorted, and the first of each window kept.
    length = 30 if window is None else int(window)
    edges = connector.edges()
    expected = np.zeros((30 * n_trials + 1, int(np.prod(connector.out_shape))))
    for post in range(expected.shape[1]):
        sources = set(edges.pre[edges.post == post].tolist())
        arrivals = sorted(
            trial * 30 + int(stamp) + 3
            for trial in range(n_trials)
            for stamp, unit in spikes
            if int(unit) in sources and (not reset or stamp + 3 <= 30)
        )
        passed = {}
        for arrival in arrivals:
            passed.setdefault((arrival - 1) // length, arrival)
        expected[[a for a in passed.values() if a <= 30 * n_trials], post] = 1.4
    expected = expected.reshape(-1, *connector.out_shape)[1:-1]
    if n_trials == 2 and reset:  # the second trial begins from the initial state again
        found, expected = (np.delete(a, 29, axis=0) for a in (found, expected))
    assert 20 < np.count_nonzero(expected) < len(spikes) * 9
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_spikes_that_arrive_together_pass_as_one():
    connector = PoolingConnector((2, 2, 2), 2, mode="first-spike")
    run = backends.get("reference").run(driven(connector, np.array([[5, 0], [5, 3], [6, 1]])))
    assert jumps(run)[:, 0, 0, 0].tolist() == [0.0] * 5 + [1.0] + [0.0] * 23


def test_a_backend_without_gates_refuses_first_spikes_by_name():
    connector = PoolingConnector((2, 4, 4), 2, mode="first-spike")
    with pytest.raises(UnsupportedError) as caught:
        backends.get("event-driven").run(driven(connector, np.array([[1, 0]])))
    assert "projection 'feed': pooling by the first spike" in str(caught.value)
    assert "brian2-standalone" in str(caught.value)


def test_a_window_has_to_part_the_trial():
    connector = PoolingConnector((2, 4, 4), 2, mode="first-spike", window=7.0)
    with pytest.raises(SpecError, match="do not divide a trial of 30 ms") as caught:
        driven(connector, np.array([[1, 0]]))
    assert caught.value.where == "projection 'feed'.connector.window"


def test_a_lag_has_to_be_a_whole_number_of_steps():
    connector = ConvolutionConnector(np.ones((1, 2, 1, 1, 2)), (2, 4, 4), lags=[0.0, 2.5])
    with pytest.raises(SpecError, match="not a whole number of steps") as caught:
        driven(connector, np.array([[1, 0]]))
    assert caught.value.where == "projection 'feed'.connector.lags (2.5 ms)"


def test_pooling_does_not_learn():
    with pytest.raises(SpecError, match="PoolingConnector has no weights to learn"):
        driven(PoolingConnector((2, 4, 4), 2), np.array([[1, 0]]), plasticity=SharedSTDP())


@pytest.mark.slow
@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(connectors(), st.integers(1, 4))
def test_any_geometry_delivers_what_the_reference_does(connector, delay):
    assert_delivers(connector, delay, "brian2", "event-driven")


@pytest.mark.nest
@pytest.mark.slow
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(connectors(), st.integers(1, 4))
def test_any_geometry_delivers_the_same_on_nest(connector, delay):
    pytest.importorskip("nest")
    assert_delivers(connector, delay, "nest")


def assert_delivers(connector: KernelConnector, delay: int, *names: str) -> None:
    spikes = movie(connector.in_shape, 4, 0.15, seed=delay)
    weight = -1.5 if connector.inhibits else 1.5
    case = driven(connector, spikes, duration=13.0, delay=float(delay), weight=weight)
    expected = jumps(backends.get("reference").run(case))
    for name in names:
        np.testing.assert_allclose(
            jumps(backends.get(name).run(case)), expected, rtol=0, atol=1e-12
        )


def column(*, dynamic: bool) -> Experiment:
    """Every kind of pathway in one network; dynamic with learning and gates.

    Motion-sensitive maps, which inhibit each other by distance, are pooled twice and read out in
    groups.
    """
    rng = np.random.default_rng(2)
    motion = ConvolutionConnector(
        rng.uniform(0.1, 0.7, (4, 2, 3, 3, 3)), (2, 8, 8), padding=1, lags=(0.0, 1.5, 6.0)
    )
    simple = motion.out_shape
    mode = "first-spike" if dynamic else "sum"
    pool = PoolingConnector(
        simple, 3, (2, 3), padding=(1, 1), mode=mode, window=20 if dynamic else None
    )
    average = PoolingConnector(simple, (4, 3), (2, 3), padding=(1, 1), mode="average", weight=5.0)
    read = ConvolutionConnector(rng.uniform(0, 1, (6, 2, 2, 2)), pool.out_shape, groups=2)
    control = Normalisation(4.0)
    rule = SharedSTDP(tau_plus=8.0, a_plus=0.02, a_minus=0.02) if dynamic else None
    readers = SharedSTDP(a_plus=0.02, normalisation=control) if dynamic else None
    inhibition = {"receptor": "membrane", "delay": 0.5}
    assert pool.out_shape == average.out_shape == (4, 4, 3)
    return experiment(
        Network(
            (
                Population("lgn", (2, 8, 8), SpikeSource()),
                Population("simple", simple, LIF, parameters={"tau_refrac": 2.0}),
                Population("complex", pool.out_shape, LIF, parameters={"tau_refrac": 1.0}),
                Population("read", read.out_shape, LIF),
            ),
            (
                Projection("lgn", "simple", motion, weight=0.5, delay=1.0, plasticity=rule),
                Projection(
                    "simple",
                    "simple",
                    LateralInhibitionConnector(simple, "neighbourhood", 2, profile=Gaussian(1.0)),
                    weight=-1.5,
                    name="near",
                    **inhibition,
                ),
                Projection(
                    "simple",
                    "simple",
                    LateralInhibitionConnector(
                        simple, "both", 2, profile=DifferenceOfGaussians(2.0, 0.7)
                    ),
                    weight=-0.3,
                    name="ring",
                    **inhibition,
                ),
                Projection(
                    "simple", "complex", pool, weight=14.0, receptor="membrane", name="pool"
                ),
                Projection("simple", "complex", average, weight=1.0, delay=3.0, name="average"),
                Projection("complex", "read", read, weight=5.0, plasticity=readers),
            ),
        ),
        record=Record(
            spikes=("simple", "complex", "read"),
            signals=(Sampling("complex", ("v", "I_exc"), period=4.0),),
            snapshots=2,
        ),
    )


def assert_same(ours: Run, theirs: Run) -> None:
    for name in theirs.recording.spikes:
        assert len(theirs.recording.spikes[name].time) > 20, f"{name} is too quiet to show anything"
        np.testing.assert_array_equal(spikes_of(ours, name), spikes_of(theirs, name))
    for name, values in theirs.weights.items():
        np.testing.assert_allclose(ours.weights[name], values, rtol=0, atol=1e-10)
        np.testing.assert_allclose(
            ours.recording.snapshots[name].values,
            theirs.recording.snapshots[name].values,
            rtol=0,
            atol=1e-10,
        )
    for variable, signal in theirs.recording.signals.get("complex", {}).items():
        np.testing.assert_allclose(
            ours.recording.signals["complex"][variable].values, signal.values, rtol=0, atol=1e-9
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "dynamic"),
    [
        pytest.param("brian2", False, marks=pytest.mark.slow),
        ("brian2", True),
        pytest.param("brian2-standalone", True, marks=pytest.mark.slow),
        pytest.param("nest", False, marks=[pytest.mark.nest, pytest.mark.slow]),
        pytest.param("nest", True, marks=[pytest.mark.nest, pytest.mark.slow]),
    ],
)
def test_the_whole_column_fires_as_the_reference(name, dynamic):
    case = column(dynamic=dynamic)
    assert_same(backend(name).run(case), backends.get("reference").run(case))
