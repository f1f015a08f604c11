"""NEST fires and learns as the reference does, and compiles a neuron once.

The oracle is the reference backend, which is itself held against closed forms in
test_reference.py. Two neurons are compiled: the library's (IF and LIF differ in parameters only)
and a user's own.

Longer than 400 lines because its tests share one cache of compiled neurons, which each file
would have to fill anew.
"""

from __future__ import annotations

import dataclasses
import re
import resource
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scnnbio import backends
from scnnbio.connectors import ConvolutionConnector, PoolingConnector
from scnnbio.encoding import LGN, Encoding, PoissonCode
from scnnbio.errors import SpecError, UnsupportedError
from scnnbio.experiment import Experiment, Record, Run, Sampling
from scnnbio.geometry import Edges
from scnnbio.network import Network, Projection
from scnnbio.neurons import IF, LIBRARY, LIF
from scnnbio.plasticity import SharedSTDP, WinnerTakeAll
from scnnbio.population import Population, SpikeSource
from scnnbio.stimuli import WhiteNoise
from tests.backends import test_learning as learning
from tests.backends.nest_cases import ADAPTIVE, need_nest
from tests.backends.networks import experiment, small_network
from tests.backends.test_agreement import CASES, PAIR, THRESHOLD
from tests.backends.test_learning import many_rules
from tests.backends.test_reference import assert_one_pair_follows_the_rule, pair, run

need_nest()

from scnnbio.backends.nest import NestBackend, build  # noqa: E402
from scnnbio.backends.nest.engines import KernelEngine  # noqa: E402
from scnnbio.backends.nest.nestml import nestml_model  # noqa: E402

# One compilation takes some fifteen seconds.
pytestmark = [pytest.mark.nest, pytest.mark.slow]


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh cache, and a compiler that notes each of its calls in this file."""
    folder = tmp_path_factory.mktemp("nest")
    log, compiler = folder / "calls", folder / "g++"
    log.touch()
    compiler.write_text(f'#!/bin/sh\necho "$@" >> "{log}"\nexec {shutil.which("g++")} "$@"\n')
    compiler.chmod(0o755)
    return log


@pytest.fixture(autouse=True)
def cache(calls: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = calls.parent / "cache"
    monkeypatch.setenv("SCNNBIO_CACHE", str(folder))
    monkeypatch.setenv("CXX", str(calls.parent / "g++"))
    return folder


def assert_same(ours: Run, oracle: Run, at_least: int = 20) -> None:
    for population, theirs in oracle.recording.spikes.items():
        for name in ("time", "unit", "trial"):
            np.testing.assert_array_equal(
                getattr(ours.recording.spikes[population], name), getattr(theirs, name)
            )
    assert sum(oracle.provenance["output_spikes"].values()) >= at_least, "too quiet to show it"
    assert ours.provenance["output_spikes"] == oracle.provenance["output_spikes"]
    for population, signals in oracle.recording.signals.items():
        for variable, signal in signals.items():
            mine = ours.recording.signals[population][variable]
            np.testing.assert_array_equal(mine.time, signal.time)
            np.testing.assert_array_equal(mine.trial, signal.trial)
            np.testing.assert_allclose(mine.values, signal.values, rtol=0, atol=1e-9)
    assert set(ours.weights) == set(oracle.weights)
    for name, weights in oracle.weights.items():
        np.testing.assert_allclose(ours.weights[name], weights, rtol=0, atol=1e-10)
    assert set(ours.recording.snapshots) == set(oracle.recording.snapshots)
    for name, kept in oracle.recording.snapshots.items():
        np.testing.assert_array_equal(ours.recording.snapshots[name].trial, kept.trial)
        np.testing.assert_allclose(
            ours.recording.snapshots[name].values, kept.values, rtol=0, atol=1e-10
        )


def on_both(case: Experiment) -> tuple[Run, Run]:
    return backends.get("nest").run(case), backends.get("reference").run(case)


@pytest.mark.parametrize("case", CASES)
def test_fires_as_the_reference(case: str) -> None:
    ours, oracle = on_both(CASES[case])
    assert_same(ours, oracle)
    assert set(ours.provenance["pathways"].values()) == {"procedural"}


@pytest.mark.parametrize("bounds", ["soft", "hard"])
def test_one_pair_of_spikes_changes_the_weight_by_the_rule(bounds: str) -> None:
    assert_one_pair_follows_the_rule("nest", bounds)


@pytest.mark.parametrize("case", ["hard bounds", "trials that run on"])
def test_kernels_learned_with_one_and_two_threads_are_those_of_brian2(case: str) -> None:
    """Nothing is lazy, so no tolerance is needed but that of rounding."""
    case = CASES[case]
    one, two = NestBackend(threads=1).run(case), NestBackend(threads=2).run(case)
    np.testing.assert_array_equal(two.weights["lgn_v1"], one.weights["lgn_v1"])
    assert np.abs(one.weights["lgn_v1"] - case.network.projection("lgn_v1").kernel).max() > 0.01
    assert_same(two, one)
    assert_same(one, backends.get("brian2").run(case))


def test_every_rule_computes_what_the_reference_does() -> None:
    """Triplets, power bounds with holes in the kernel, a rule as text; both normalisations; who
    wins, who is silenced, and inhibition among rivals.
    """
    case = experiment(many_rules(), record=Record(spikes=learning.NAMES, snapshots=12))
    ours, oracle = on_both(case)
    assert_same(ours, oracle)
    two = NestBackend(threads=2).run(case)
    assert_same(two, ours)
    for name, weights in ours.weights.items():
        np.testing.assert_array_equal(two.weights[name], weights)


@pytest.mark.parametrize("case", learning.HAND)
def test_who_wins_by_hand(case: str) -> None:
    learning.test_who_wins_by_hand(case, "nest")


def test_what_else_of_competition_is_known_by_hand() -> None:
    learning.test_a_tie_goes_to_the_lower_number("nest")
    learning.test_what_is_silenced_is_reset_all_the_same("nest")
    learning.test_without_learning_silence_stays("nest")


@settings(max_examples=12, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_competition_is_decided_as_on_the_reference(data: st.DataObject) -> None:
    """What silences is heard late and with lags by a layer behind it that competes and learns too.

    A spike of the first layer that comes late may fall into the next trial, where another
    competition has begun.
    """
    rules = st.builds(
        WinnerTakeAll, st.integers(0, 2), st.none() | st.integers(1, 3), silence=st.booleans()
    )
    first, second = data.draw(rules), data.draw(rules)
    delays = st.integers(1, 9).map(lambda steps: 0.5 * steps)
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    base = small_network(PAIR, homeostasis=THRESHOLD, delay_within=data.draw(delays))
    v1 = dataclasses.replace(base.population("v1"), competition=first)
    behind = ConvolutionConnector(
        rng.uniform(0.2, 0.8, (4, v1.shape[0], 2, 2, 2)), v1.shape, lags=(0.0, 3.0)
    )
    v2 = Population("v2", behind.out_shape, LIF, {"tau_refrac": 3.0}, competition=second)
    network = Network(
        (base.population("lgn"), v1, v2),
        (
            *base.projections,
            Projection("v1", "v2", behind, 4.0, data.draw(delays), plasticity=PAIR),
        ),
    )
    case = experiment(
        network, record=Record(spikes=("v1", "v2"), snapshots=3), reset=data.draw(st.booleans())
    )
    oracle = backends.get("reference").run(case)
    assert oracle.provenance["output_spikes"]["v2"] > 10
    assert_same(NestBackend(threads=data.draw(st.integers(1, 3))).run(case), oracle)


def test_inhibition_learns_too() -> None:
    """A kernel with taps that connect nothing, in a layer that is its own input."""
    base = CASES["one step of delay"].network
    rule = SharedSTDP(a_plus=0.02, a_minus=0.02, a_post=0.005, bounds="hard")
    inhibition = dataclasses.replace(base.projection("v1_v1"), plasticity=rule)
    case = experiment(Network(base.populations, (base.projection("lgn_v1"), inhibition)))
    assert_same(*on_both(case))


@pytest.mark.parametrize("case", ["static", "stride and padding", "a parameter a channel"])
def test_shared_kernels_fire_as_static_synapses_of_nest(case: str) -> None:
    case = dataclasses.replace(CASES[case], learning=False)
    shared, expanded = (NestBackend(kernels=k).run(case) for k in ("shared", "expanded"))
    assert set(shared.provenance["pathways"].values()) == {"procedural"}
    assert set(expanded.provenance["pathways"].values()) == {"expanded"}
    assert_same(shared, expanded)


def test_shared_kernels_also_teach_standard_cells() -> None:
    """LIF without the receptor that NEST's cell lacks, and trials that run on."""
    base = CASES["trials that run on"]
    case = dataclasses.replace(
        base,
        network=Network(
            tuple(dataclasses.replace(p, homeostasis=None) for p in base.network.populations),
            (base.network.projection("lgn_v1"),),
        ),
    )
    standard = NestBackend(cells="standard", kernels="shared").run(case)
    assert_same(standard, backends.get("reference").run(case))


def test_a_million_synapses_cost_no_memory_to_speak_of(monkeypatch) -> None:
    """84 x 84 places, 4 maps, kernels of 5 x 5: connected in under 2 s of CPU and 60 MB."""
    kernel = np.random.default_rng(0).uniform(0.2, 0.8, (4, 2, 5, 5))
    network = pair(kernel, (2, 84, 84), weight=0.05, plasticity=PAIR)
    assert len(network.projections[0].connector.edges()) > 1_000_000
    used: list[tuple[float, float]] = []
    start = KernelEngine.start

    def measured(self: KernelEngine, lowered: object) -> None:
        before, begin = _resident(), time.process_time()
        start(self, lowered)
        used.append((time.process_time() - begin, _resident() - before))

    monkeypatch.setattr(KernelEngine, "start", measured)
    assert run(network, ((1.0, 0),), duration=2.0, backend="nest").weights
    seconds, megabytes = used[0]
    assert seconds < 2
    assert megabytes < 60


def _resident() -> float:
    """Memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def test_the_neuron_without_leak_fires_as_the_reference() -> None:
    network = pair(np.full((3, 2, 2, 2), 0.4), (2, 4, 4), IF, parameters={"i_offset": 0.7})
    times = tuple((float(t), t % 32) for t in range(1, 50))
    assert_same(run(network, times, backend="nest"), run(network, times))


def test_signed_kernels_keep_to_their_receptor() -> None:
    kernel = np.random.default_rng(1).uniform(-0.6, 1.0, (4, 2, 3, 3))
    for receptor in ("excitatory", "inhibitory", "membrane"):
        inhibits = receptor == "inhibitory"
        drive = 2.5 if inhibits else 0.8
        parameters = {"tau_syn_E": 3.0, "tau_syn_I": 9.0, "i_offset": drive}
        signed = -np.abs(kernel) if inhibits else kernel
        network = pair(signed, (2, 6, 6), receptor=receptor, weight=0.9, parameters=parameters)
        times = tuple((0.5 * k, (7 * k) % 72) for k in range(1, 110))
        assert_same(run(network, times, backend="nest"), run(network, times))


def test_a_layer_on_a_layer_with_other_delays_fires_as_the_reference() -> None:
    base = small_network(delay=2.5)
    shape = base.population("v1").shape
    pool = ConvolutionConnector(np.full((2, shape[0], 2, 2), 0.5), shape)
    network = Network(
        (*base.populations, Population("v2", pool.out_shape, LIF)),
        (*base.projections, Projection("v1", "v2", pool, weight=5.0, delay=7.0)),
    )
    record = Record(spikes=("v2",), signals=(Sampling("v2", ("v",), period=2.0),))
    ours, oracle = on_both(experiment(network, record=record))
    assert_same(ours, oracle)
    assert oracle.provenance["output_spikes"]["v2"] > 5


@pytest.mark.parametrize("reset", [True, False])
def test_trials_end_while_neurons_are_refractory_and_spikes_are_in_flight(reset: bool) -> None:
    """Sampled every 7 steps, of which neither trial, delay nor gap is a multiple."""
    signals = (
        Sampling("v1", ("v", "I_inh"), units=(3, 1), period=3.5),
        Sampling("v1", ("I_exc",), period=2.0),
    )
    case = experiment(
        small_network(refractory=18.0, delay=9.5),
        record=Record(spikes=("v1",), signals=signals),
        reset=reset,
    )
    assert_same(*on_both(case))


def test_what_was_learned_elsewhere_runs_here() -> None:
    """The remedy that unsupported() names."""
    network = CASES["soft bounds"].network
    learned = backends.get("brian2").run(CASES["soft bounds"]).weights
    assert np.abs(learned["lgn_v1"] - network.projection("lgn_v1").kernel).max() > 0.01
    assert_same(*on_both(experiment(network.with_weights(learned), learning=False)))


def test_threads_change_nothing() -> None:
    case = experiment(small_network(parameters={"tau_syn_E": 15.0}))
    one, two = NestBackend(threads=1).run(case), NestBackend(threads=2).run(case)
    assert two.provenance["options"]["threads"] == 2
    assert_same(two, one)


def test_one_spike_gives_the_closed_form_of_the_membrane_potential() -> None:
    """v(t) = w/cm tau_m tau_s/(tau_m - tau_s) (exp(-t/tau_m) - exp(-t/tau_s)), after the delay."""
    network = pair(np.full((1, 2, 1, 1), 0.5), (2, 1, 1), weight=0.8, delay=1.5)
    trace = run(network, ((2.0, 0),), backend="nest").recording.signals["post"]["v"]
    since = trace.time - 3.5
    tau_m, tau_s = 20.0, 5.0
    shape = np.exp(-since / tau_m) - np.exp(-since / tau_s)
    expected = -65 + np.where(since > 0, 0.4 * tau_m * tau_s / (tau_m - tau_s) * shape, 0.0)
    np.testing.assert_allclose(trace.values[:, 0], expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("dt", [0.1, 0.025, 1.0])
def test_every_input_spike_arrives_on_its_step(dt: float) -> None:
    """A membrane without leak that jumps by 1 mV a spike counts them: 200 steps, one spike each."""
    times = tuple((dt * k, 0) for k in range(1, 201))
    network = pair(
        np.ones((1, 2, 1, 1)), (2, 1, 1), IF,
        receptor="membrane", delay=dt, parameters={"v_thresh": 1e6},
    )  # fmt: skip
    trace = run(network, times, duration=300 * dt, backend="nest", dt=dt).recording
    steps = np.arange(300)
    np.testing.assert_allclose(
        trace.signals["post"]["v"].values[:, 0], -65 + np.clip(steps - 1, 0, 200), atol=1e-9
    )


def poisson_drive(name: str = "LIF") -> Experiment:
    """Ten seconds of random spikes onto the receptors of a standard cell."""
    rng = np.random.default_rng(2)
    model = LIBRARY[name]
    excite = ConvolutionConnector(rng.uniform(0.2, 1.0, (3, 2, 3, 3)), (2, 5, 5))
    inhibit = ConvolutionConnector(rng.uniform(-0.5, 0.0, (3, 2, 3, 3)), (2, 5, 5))
    parameters = {
        "tau_m": [10.0, 15.0, 20.0],
        "tau_refrac": [0.0, 2.0, 5.0],
        "tau_syn_E": [5.0, 15.0, 3.0],
        "i_offset": [0.0, 0.1, 0.3],
        "cm": 0.8,
    }
    known = {name: value for name, value in parameters.items() if name in model.parameters}
    # A current, or a jump of the membrane potential by the charge that the current brings.
    jumps = "membrane" in model.receptors and "excitatory" not in model.receptors
    scale = 6.0 if jumps else 1.0
    receptors = ("membrane", "membrane") if jumps else ("excitatory", "inhibitory")
    network = Network(
        (
            Population("pre", (2, 5, 5), SpikeSource()),
            Population("post", (3, 3, 3), model, parameters=known),
        ),
        (
            Projection("pre", "post", excite, weight=0.4 * scale, receptor=receptors[0]),
            Projection("pre", "post", inhibit, 0.3 * scale, 2.5, receptors[1], name="inhibition"),
        ),
    )
    variables = tuple(s.name for s in model.states if not s.name.startswith("x_"))
    return Experiment(
        network,
        WhiteNoise(n_trials=1, duration=10_000.0, frame=50.0),
        Encoding(LGN(normalisation_sigma=3.0), PoissonCode(max_rate=80.0)),
        Record(("post",), (Sampling("post", variables, period=5.0),)),
        dt=0.1,
    )


@pytest.mark.parametrize("name", ["LIF", "LIF_curr_alpha", "LIF_curr_delta"])
def test_the_standard_cell_that_a_model_is_declared_to_be_fires_the_same_spikes(name: str) -> None:
    """NEST's own cell is the oracle: iaf_psc_exp, iaf_psc_alpha, iaf_psc_delta."""
    case = poisson_drive(name)
    standard, compiled = NestBackend(cells="standard").run(case), NestBackend().run(case)
    assert standard.provenance["options"]["cells"] == "standard"
    assert_same(standard, compiled, at_least=1000)


def test_a_state_that_a_standard_cell_does_not_tell_is_refused() -> None:
    case = poisson_drive("LIF_curr_alpha")
    record = Record(signals=(Sampling("post", ("x_exc",), period=5.0),))
    with pytest.raises(UnsupportedError, match="iaf_psc_alpha cannot record 'x_exc'"):
        NestBackend(cells="standard").run(dataclasses.replace(case, record=record))


def test_what_a_standard_cell_cannot_do_is_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"cannot be reset.*cells='compiled'"):
        NestBackend(cells="standard").run(CASES["static"])
    refused = NestBackend(cells="standard").unsupported(CASES["static"])
    assert ["no receptor 'membrane'" in r.feature for r in refused] == [True, False]
    network = pair(np.array([[[[1.0]], [[-1.0]]]]), (2, 1, 1))
    with pytest.raises(UnsupportedError, match="by the sign of the weight"):
        NestBackend(cells="standard").run(dataclasses.replace(poisson_drive(), network=network))
    without_leak = pair(np.ones((1, 2, 1, 1)), (2, 1, 1), IF)
    with pytest.raises(UnsupportedError, match="IF is not a standard cell of NEST"):
        NestBackend(cells="standard").run(
            dataclasses.replace(poisson_drive(), network=without_leak)
        )


def test_a_compiled_neuron_serves_other_parameters_steps_and_runs(calls: Path, cache: Path) -> None:
    backends.get("nest").run(CASES["static"])
    before = calls.read_text()
    for name in (nestml_model(LIF).name, "scnnbio_shared"):
        its_calls = [line for line in before.splitlines() if re.search(rf"{name}\.(cpp|o)\b", line)]
        assert len(its_calls) == 2, "one call compiles and one links"
    network = small_network(parameters={"tau_m": 33.0, "v_thresh": -51.0})
    backends.get("nest").run(experiment(network, dt=0.25))
    assert calls.read_text() == before
    source = next(cache.glob("nest/*/generated/*_neuron.cpp")).read_text()
    assert "0.001" not in source, "a weight loses its last bit"


def test_a_cached_neuron_needs_neither_compiler_nor_nestml(monkeypatch) -> None:
    backends.get("nest").run(CASES["static"])
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setattr(build, "missing", lambda: "everything is missing")
    backends.get("nest").run(CASES["static"])
    assert backends.get("nest").missing() == ""


def test_a_model_of_the_users_own_fires_as_the_reference() -> None:
    network = pair(np.full((2, 2, 2, 2), 0.5), (2, 3, 3), ADAPTIVE, weight=3.0)
    times = tuple((0.5 * k, (5 * k) % 18) for k in range(1, 110))
    assert_same(run(network, times, backend="nest"), run(network, times))


class _Own(PoolingConnector):
    """A user's own connections."""

    def edges(self) -> Edges:
        return super().edges()


def test_what_nest_cannot_take_is_listed_with_a_remedy() -> None:
    case = dataclasses.replace(
        experiment(small_network(PAIR, homeostasis=THRESHOLD)), dt=40.0 / 150000
    )
    refused = backends.get("nest").unsupported(case)
    assert [r.element for r in refused] == ["dt"]
    rivals = dataclasses.replace(
        case.network.population("v1"), competition=WinnerTakeAll(silence=True), homeostasis=None
    )
    network = Network((case.network.population("lgn"), rivals), case.network.projections)
    silent = experiment(network, learning=False)
    assert backends.get("nest").unsupported(silent) == []
    refused = NestBackend(kernels="expanded").unsupported(silent)
    assert "WinnerTakeAll is not available with one synapse per connection" in refused[0].feature
    refused = NestBackend(cells="standard", kernels="shared").unsupported(silent)
    assert "do not send their excess" in refused[0].feature
    expanded = NestBackend(kernels="expanded").unsupported(CASES["soft bounds"])
    assert [r.element for r in expanded] == ["population 'v1'", "projection 'lgn_v1'"]
    assert all("kernels='shared'" in r.remedy for r in expanded)
    first = PoolingConnector((2, 4, 4), 2, mode="first-spike")
    layers = (
        Population("lgn", (2, 4, 4), SpikeSource()),
        Population("v1", first.out_shape, LIF),
    )
    pooling = experiment(Network(layers, (Projection("lgn", "v1", first),)), record=Record())
    assert backends.get("nest").unsupported(pooling) == []
    refused = NestBackend(kernels="expanded").unsupported(pooling)
    assert "pooling by the first spike" in refused[0].feature
    # What an engine does not reach would hear of crossings that are no spikes.
    own = _Own(rivals.shape, 1)
    behind = Network(
        (*network.populations, Population("v2", own.out_shape, LIF)),
        (*network.projections, Projection("v1", "v2", own)),
    )
    refused = backends.get("nest").unsupported(experiment(behind, learning=False))
    assert [r.feature for r in refused] == ["WinnerTakeAll before a _Own is not available on nest"]
    with pytest.raises(SpecError, match="0 is not a number of threads"):
        NestBackend(threads=0)
    with pytest.raises(SpecError, match="'pynn' is not one of compiled, standard"):
        NestBackend(cells="pynn")
    with pytest.raises(SpecError, match="'lazy' is not one of shared, expanded"):
        NestBackend(kernels="lazy")


def test_a_run_leaves_neither_nodes_nor_noise_behind(capfd) -> None:
    import nest

    told = nest.verbosity
    backends.get("nest").run(CASES["static"])
    assert nest.network_size == 0
    assert nest.verbosity == told
    assert capfd.readouterr() == ("", "")
