"""Every rule at once on every backend, and normalisation and competition worked out by hand.

Each rule by itself: test_learning_rules.py.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from scnnbio import backends
from scnnbio.connectors import ConvolutionConnector, LateralInhibitionConnector
from scnnbio.encoding import LGN, Encoding
from scnnbio.errors import SpecError
from scnnbio.experiment import Experiment, Record, Run, Sampling
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIBRARY, LIF
from scnnbio.plasticity import (
    Growth,
    LearningRule,
    Normalisation,
    SharedSTDP,
    SharedThreshold,
    Trace,
    TraceRule,
    TripletSTDP,
    WinnerTakeAll,
)
from scnnbio.population import Population, SpikeSource
from scnnbio.stimuli import WhiteNoise
from tests.backends.networks import experiment, small_network
from tests.backends.test_agreement import PAIR
from tests.backends.test_reference import Given, pair

FloatArray = NDArray[np.float64]

#: Kheradpisheh et al. 2018: potentiate what has arrived in the trial, depress the rest.
RANK_ORDER = TraceRule(
    traces={"arrived": Trace("pre", 1000.0, "nearest")},
    on_post="(a_plus*int(arrived > 0) - a_minus*int(arrived <= 0))*(w - w_min)*(w_max - w)",
    parameters={"a_plus": 0.1, "a_minus": 0.06},
)


# -- every rule at once, on every backend ---------------------------------------------------------


def many_rules() -> Network:
    """Four layers on the same input, each with another rule, kernel or competition.

    The kernel of one has lags, that of another two groups and holes.
    """
    rng = np.random.default_rng(3)
    kernel = rng.uniform(0.2, 0.8, (5, 2, 5, 5))
    lagged = rng.uniform(0.1, 0.4, (5, 2, 5, 5, 2))
    holes = 2.0 * kernel[:4, :1] * (rng.random((4, 1, 5, 5)) < 0.8)
    triplet = TripletSTDP.published(
        *("hippocampus", "full", "nearest"),
        a2_plus=0.02,
        a3_plus=0.05,
        a2_minus=0.01,
        a3_minus=0.02,
        bounds="soft",
        normalisation=Normalisation(3.0, "l2"),
    )
    power = SharedSTDP(
        *(17.0, 34.0, 0.03, 0.01, 0.01),
        bounds="power",
        mu=0.4,
        pairing="nearest",
        w_max=2.0,
        half_life=200.0,
        normalisation=Normalisation(18.0, "l1", 10.0),
    )
    threshold = SharedThreshold(eta=0.3, target=60.0)
    layers: dict[str, tuple[LearningRule, dict[str, object], dict[str, object]]] = {
        "triplets": (triplet, {"kernel": lagged, "lags": (0.0, 2.0)}, {}),
        "power": (power, {"kernel": holes, "groups": 2}, {}),
        "silent": (
            *(RANK_ORDER, {"kernel": kernel}),
            {"competition": WinnerTakeAll(radius=1, silence=True), "homeostasis": threshold},
        ),
        "rivals": (
            *(
                SharedSTDP(a_plus=0.03, a_minus=0.01, growth=Growth(2, limit=3.0)),
                {"kernel": kernel},
            ),
            {"competition": WinnerTakeAll(radius=2, winners=2)},
        ),
    }
    populations, projections = [Population("lgn", (2, 8, 8), SpikeSource())], []
    for name, (rule, weights, options) in layers.items():
        convolution = ConvolutionConnector(in_shape=(2, 8, 8), connect_zeros=False, **weights)
        parameters = {"tau_refrac": 2.0, "tau_m": 15.0}
        layer = Population(name, convolution.out_shape, LIF, parameters, None, **options)
        populations.append(layer)
        projections.append(Projection("lgn", name, convolution, 0.6, plasticity=rule))
    lateral = LateralInhibitionConnector((5, 4, 4), "both", radius=1, strength=0.3)
    inhibition = SharedSTDP(a_plus=0.02, a_minus=0.02, bounds="hard")
    projections.append(
        Projection("rivals", "rivals", lateral, -4.0, 0.5, "membrane", plasticity=inhibition)
    )
    return Network(tuple(populations), tuple(projections))


NAMES = ("triplets", "power", "silent", "rivals")


@pytest.fixture(scope="module")
def everything() -> Run:
    case = experiment(many_rules(), record=Record(spikes=NAMES, snapshots=12))
    return backends.get("reference").run(case)


@pytest.mark.slow
@pytest.mark.parametrize(
    "backend", ["brian2", pytest.param("brian2-standalone", marks=pytest.mark.slow)]
)
def test_every_rule_computes_what_the_reference_does(backend: str, everything: Run) -> None:
    run = backends.get(backend).run(everything.experiment)
    for name in NAMES:
        ours, theirs = run.recording.spikes[name], everything.recording.spikes[name]
        assert len(theirs.time) > 50, "the case is too quiet to show anything"
        for column in ("time", "unit", "trial"):
            np.testing.assert_array_equal(getattr(ours, column), getattr(theirs, column))
    assert set(run.weights) == set(everything.weights)
    for name, weights in everything.weights.items():
        np.testing.assert_allclose(run.weights[name], weights, rtol=0, atol=1e-10)
        ours, theirs = run.recording.snapshots[name], everything.recording.snapshots[name]
        np.testing.assert_allclose(ours.values, theirs.values, rtol=0, atol=1e-10)


def test_every_rule_learns(everything: Run) -> None:
    for projection in everything.experiment.network.projections:
        moved = np.abs(everything.weights[projection.name] - projection.kernel)
        assert np.mean(moved[projection.connector.present]) > 1e-3
        assert np.all(moved[~projection.connector.present] == 0), "there is no such synapse"


# -- normalisation and competition: what has to hold ----------------------------------------------


def test_norms_are_held_at_the_end_of_every_trial(everything: Run) -> None:
    """Ten milliseconds divide the trial, so both rules normalise at its end; no bound is met."""
    for name, norm, target in (("lgn_triplets", 2, 3.0), ("lgn_power", 1, 18.0)):
        rule = everything.experiment.network.projection(name).plasticity
        kernels = [*everything.recording.snapshots[name].values[1:], everything.weights[name]]
        assert len(kernels) == 12
        for kernel in kernels:
            sizes = np.linalg.norm(kernel.reshape(len(kernel), -1), ord=norm, axis=1)
            inside = np.all(kernel.reshape(len(kernel), -1) < rule.w_max, axis=1)
            assert inside.any()
            np.testing.assert_allclose(sizes[inside], target, rtol=1e-12)
            assert np.all(sizes <= target * (1 + 1e-12))


def test_one_map_a_place_fires_where_the_first_spike_silences(everything: Run) -> None:
    spikes = everything.recording.spikes["silent"]
    places = np.stack([spikes.trial, spikes.unit % 16])
    maps = spikes.unit // 16
    for place in np.unique(places, axis=1).T:
        assert len(np.unique(maps[np.all(places == place[:, None], axis=0)])) == 1
    free = everything.recording.spikes["triplets"]
    assert len(np.unique(free.unit // 16)) > 1, "several maps have something to win"


@pytest.mark.parametrize(("name", "most"), [("lgn_silent", 4), ("lgn_rivals", 2)])
def test_in_a_trial_only_so_many_maps_learn(name: str, most: int, everything: Run) -> None:
    """Of 4 x 4 places at most four are more than one row or column apart."""
    kernels = [*everything.recording.snapshots[name].values, everything.weights[name]]
    changed = np.any(np.diff(kernels, axis=0) != 0, axis=(2, 3, 4)).sum(axis=1)
    assert changed.max() <= most
    assert changed.min() >= 1
    assert len(np.unique(changed)) > 1 or most == 2


def competing(rule: WinnerTakeAll | None, **changes: object) -> Network:
    """Three maps on three places: one ON spike at a place drives every map there, the last most.

    Each postsynaptic spike that learns takes 0.001 from the two weights of its map.
    """
    kernel = np.zeros((3, 2, 1, 1))
    kernel[:, 0, 0, 0] = (0.80, 0.85, 0.90)
    return Network(
        (
            Population("pre", (2, 1, 3), SpikeSource()),
            Population("post", (3, 1, 3), LIF, {"tau_m": 1.0}, competition=rule),
        ),
        (
            Projection(
                *("pre", "post", ConvolutionConnector(kernel, (2, 1, 3)), 20.0),
                receptor="membrane",
                plasticity=TraceRule(on_post="-0.001", w_min=-1.0, **changes),  # type: ignore[arg-type]
            ),
        ),
    )


def given(network: Network, times: tuple[tuple[float, int], ...], **changes: object) -> Experiment:
    settings: dict[str, object] = {"duration": 40.0, "n_trials": 1, "dt": 0.5, "reset": True}
    settings |= changes
    duration = settings.pop("duration")
    stimulus = WhiteNoise(
        n_trials=settings.pop("n_trials"),  # type: ignore[arg-type]
        duration=duration,  # type: ignore[arg-type]
        frame=duration,  # type: ignore[arg-type]
    )
    encoding = Encoding(LGN(normalisation_sigma=0.0), Given(times))
    return Experiment(network, stimulus, encoding, Record(("post",)), **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("backend", ["reference", "brian2"])
def test_a_rate_grows_from_one_block_of_trials_to_the_next(backend: str) -> None:
    """Each map learns four times in a trial, at rates of 1, 1, 2, 2, 3 and 3."""
    network = competing(None, growth=Growth(every=2, limit=3.0))
    times = ((1.0, 0), (11.0, 0), (11.0, 1), (21.0, 2))
    run = backends.get(backend).run(given(network, times, n_trials=6))
    before = network.projections[0].kernel
    np.testing.assert_allclose(before - run.weights["pre_post"], 0.004 * 12, rtol=0, atol=1e-14)
    # A run of one trial begins at the first rate again.
    once = backends.get(backend).run(given(network, times))
    np.testing.assert_allclose(before - once.weights["pre_post"], 0.004, rtol=0, atol=1e-14)


HAND: dict[str, tuple[WinnerTakeAll | None, list[int], list[int]]] = {
    # At 1 ms a spike at place 0, at 11 ms at places 0 and 1, at 21 ms at place 2: how often each
    # map learns, and how many spikes each place fires.
    "no competition": (None, [4, 4, 4], [6, 3, 3]),
    # Map 2 crosses farthest and wins place 0; map 1 then place 1, map 0 place 2; the winner of
    # place 0 learns at both of its spikes.
    "side by side": (WinnerTakeAll(), [1, 1, 2], [6, 3, 3]),
    # Place 1 is within a place of place 0: no other map wins there; map 1 wins place 2.
    "neighbours": (WinnerTakeAll(radius=1), [0, 1, 2], [6, 3, 3]),
    "all places": (WinnerTakeAll(radius=2), [0, 0, 2], [6, 3, 3]),
    "two winners": (WinnerTakeAll(winners=2), [0, 1, 2], [6, 3, 3]),
    # Map 2 fires first everywhere and silences the others; it has won only once.
    "silence": (WinnerTakeAll(silence=True), [0, 0, 2], [2, 1, 1]),
}


@pytest.mark.parametrize("backend", ["reference", "brian2"])
@pytest.mark.parametrize("case", HAND)
def test_who_wins_by_hand(case: str, backend: str) -> None:
    rule, learned, fired = HAND[case]
    times = ((1.0, 0), (11.0, 0), (11.0, 1), (21.0, 2))
    network = competing(rule)
    for trials in (1, 2):  # a new trial begins a new competition, reset or not
        run = backends.get(backend).run(given(network, times, n_trials=trials, reset=trials == 1))
        moved = (network.projection("pre_post").kernel - run.weights["pre_post"]) / 0.001
        np.testing.assert_allclose(moved[:, 0, 0, 0], np.multiply(learned, trials), atol=1e-9)
        spikes = np.bincount(run.recording.spikes["post"].unit % 3, minlength=3)
        np.testing.assert_array_equal(spikes, np.multiply(fired, trials))


@pytest.mark.parametrize("backend", ["reference", "brian2"])
def test_a_tie_goes_to_the_lower_number(backend: str) -> None:
    """Two maps and two places driven alike: map 0 wins place 0, and so place 1 goes to map 1."""
    kernel = np.zeros((2, 2, 1, 1))
    kernel[:, 0] = 0.9
    network = competing(WinnerTakeAll())
    network = Network(
        (network.populations[0], dataclasses.replace(network.populations[1], shape=(2, 1, 3))),
        (
            dataclasses.replace(
                network.projections[0], connector=ConvolutionConnector(kernel, (2, 1, 3))
            ),
        ),
    )
    run = backends.get(backend).run(given(network, ((1.0, 0), (1.0, 1), (11.0, 0))))
    moved = (kernel - run.weights["pre_post"]) / 0.001
    np.testing.assert_allclose(moved[:, 0, 0, 0], [2, 1], atol=1e-9)


@pytest.mark.parametrize("backend", ["reference", "brian2"])
def test_what_is_silenced_is_reset_all_the_same(backend: str) -> None:
    """All maps cross at 2 ms, by 1 to 3 mV; map 2 fires, and all stand at the reset potential."""
    case = given(competing(WinnerTakeAll(silence=True)), ((1.0, 0),))
    record = Record(("post",), signals=(Sampling("post", ("v",)),))
    recording = backends.get(backend).run(dataclasses.replace(case, record=record)).recording
    np.testing.assert_array_equal(recording.spikes["post"].unit, [6])
    signal = recording.signals["post"]["v"]
    np.testing.assert_array_equal(signal.values[signal.time == 2.0], [[-65.0] * 9])


@pytest.mark.slow
def test_an_upstroke_that_is_silenced_does_not_run_away() -> None:
    """AdEx is reset by its spike alone: without that its potential leaves all numbers."""
    plain = small_network(PAIR)
    layer = dataclasses.replace(
        plain.population("v1"),
        neuron=LIBRARY["AdEx"],
        parameters={},
        competition=WinnerTakeAll(radius=1, silence=True),
    )
    feed = dataclasses.replace(plain.projections[0], weight=0.02)
    network = Network((plain.population("lgn"), layer), (feed,))
    case = experiment(network, record=Record(("v1",)), dt=0.25)
    theirs, ours = (backends.get(name).run(case) for name in ("reference", "brian2"))
    spikes = theirs.recording.spikes["v1"]
    assert len(spikes.time) > 200
    np.testing.assert_array_equal(ours.recording.spikes["v1"].time, spikes.time)
    np.testing.assert_array_equal(ours.recording.spikes["v1"].unit, spikes.unit)
    np.testing.assert_allclose(ours.weights["lgn_v1"], theirs.weights["lgn_v1"], atol=1e-10)


@pytest.mark.parametrize("backend", ["reference", "brian2"])
def test_without_learning_silence_stays(backend: str) -> None:
    times = ((1.0, 0), (11.0, 1))
    for silence, fired in ((True, 2), (False, 6)):
        case = given(competing(WinnerTakeAll(silence=silence)), times, learning=False)
        assert len(backends.get(backend).run(case).recording.spikes["post"].time) == fired


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["reference", "brian2"])
def test_normalisation_scales_and_meets_bounds(backend: str) -> None:
    """Without spikes only the norm changes a kernel: the target over the norm, and the bounds."""
    kernel = np.array([[0.1, 0.3], [0.9, 0.1], [0.0, 0.0]]).reshape(3, 2, 1, 1)
    expected = {
        ("l1", 0.8): kernel.reshape(3, 2) * [[2.0], [0.8], [1.0]],
        ("l2", 0.5): kernel.reshape(3, 2) * [[0.5 / 0.1**0.5], [0.5 / 0.82**0.5], [1.0]],
        # 0.9 x 1.5 is put back on the bound; then 1.15 falls short of 1.5, and is scaled again.
        ("l1", 1.5): [[0.375, 1.0], [1.0, 0.15], [0.0, 0.0]],
    }
    for (norm, target), values in expected.items():
        rule = SharedSTDP(normalisation=Normalisation(target, norm))  # type: ignore[arg-type]
        network = pair(kernel, (2, 1, 1), plasticity=rule)
        run = backends.get(backend).run(given(network, ((1.0, 0),)))
        np.testing.assert_allclose(run.weights["pre_post"].reshape(3, 2), values, atol=1e-12)


def test_a_period_off_the_grid_is_refused() -> None:
    rule = SharedSTDP(normalisation=Normalisation(0.5, period=0.7))
    with pytest.raises(SpecError, match="whole number of steps") as caught:
        given(pair(np.full((1, 2, 1, 1), 0.5), (2, 1, 1), plasticity=rule), ((1.0, 0),))
    assert caught.value.where == "projection 'pre_post'.plasticity.normalisation.period"


@pytest.mark.filterwarnings("ignore:(invalid value|divide by zero) encountered:RuntimeWarning")
@pytest.mark.parametrize("backend", ["reference", "brian2"])
def test_a_rule_that_gives_no_number_is_told(backend: str) -> None:
    rule = TraceRule(on_post="sqrt(w - 2)")
    network = pair(
        np.full((1, 2, 1, 1), 0.9), (2, 1, 1), weight=20.0, receptor="membrane", plasticity=rule
    )
    with pytest.raises(SpecError, match="NaN or infinite") as caught:
        backends.get(backend).run(given(network, ((1.0, 0),)))
    assert caught.value.where == "pre_post.plasticity"


@pytest.mark.parametrize("name", backends.names())
def test_no_backend_leaves_a_competition_out_in_silence(name: str) -> None:
    case = given(competing(WinnerTakeAll(silence=True)), ((1.0, 0),), learning=False)
    told = [p.feature for p in backends.get(name).unsupported(case) if "WinnerTakeAll" in p.feature]
    assert len(told) == (name not in ("reference", "brian2", "brian2-standalone", "nest"))


def test_a_trace_and_a_variable_of_one_name_are_not_mixed_up() -> None:
    """On Brian2 the trace y is called trace_y; a neuron may have a variable of that name."""
    neuron = dataclasses.replace(
        LIF, name="own", equations=LIF.equations + "dtrace_y/dt = -trace_y/tau_m : 1\n"
    )
    network = pair(
        np.full((1, 2, 1, 1), 0.9), (2, 1, 1), neuron, plasticity=SharedSTDP(a_minus=0.1)
    )
    with pytest.raises(SpecError, match="the name 'trace_y'"):
        backends.get("brian2").run(given(network, ((1.0, 0),)))
