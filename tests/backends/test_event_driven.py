"""The event-driven backend against closed forms, an ODE solver, and grids that converge to it."""

from __future__ import annotations

import dataclasses
import heapq

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from scnnbio import backends
from scnnbio.analysis.convergence import convergence, state_errors
from scnnbio.connectors import ConvolutionConnector, LateralInhibitionConnector
from scnnbio.encoding import LGN, Encoding
from scnnbio.errors import SpecError, UnsupportedError
from scnnbio.experiment import Experiment, Record, Run, Sampling, load
from scnnbio.network import Network, Projection
from scnnbio.neurons import IF, LIF
from scnnbio.plasticity import SharedSTDP, SharedThreshold, WinnerTakeAll
from scnnbio.population import Population, SpikeSource
from scnnbio.stimuli import WhiteNoise
from scnnbio.workflow import execute
from tests.backends.test_learning import given as given_spikes
from tests.backends.test_reference import Given, pair

EXACT = backends.get("event-driven")
SILENT = np.zeros((1, 2, 1, 1))
ONE = np.ones((1, 2, 1, 1))


def shown(
    network: Network,
    times: tuple[tuple[float, int], ...] = (),
    duration: float = 60.0,
    dt: float = 0.1,
    period: float | None = None,
    n_trials: int = 1,
    **options: object,
) -> Experiment:
    """Given spikes, shown to a network; v is sampled where a period is given."""
    names = [p.name for p in network.populations if not p.is_source]
    signals = tuple(Sampling(n, ("v",), period=period) for n in names) if period else ()
    return Experiment(
        network,
        WhiteNoise(n_trials=n_trials, duration=duration, frame=duration),
        Encoding(LGN(normalisation_sigma=0.0), Given(times)),
        Record(spikes=tuple(names), signals=signals),
        dt=dt,
        **options,
    )


def fired(run: Run, population: str = "post") -> np.ndarray:
    return run.recording.spikes[population].time


def psp(t: np.ndarray | float, current: float, tau_m: float, tau_s: float) -> np.ndarray:
    """Potential that a current ``current exp(-t/tau_s)`` leaves on 1 nF (mV)."""
    gain = current * tau_m * tau_s / (tau_m - tau_s)
    return gain * (np.exp(-t / tau_m) - np.exp(-t / tau_s))


def test_constant_current_fires_at_the_closed_form_intervals():
    """Period t_ref + tau_m ln((v_inf - v_reset)/(v_inf - v_thresh)) = 2 + 20 ln 4."""
    network = pair(SILENT, (2, 1, 1), parameters={"i_offset": 1.0, "tau_refrac": 2.0})
    times = fired(EXACT.run(shown(network, duration=200.0)))
    rise = 20.0 * np.log(4.0)
    np.testing.assert_allclose(times, rise + np.arange(6) * (rise + 2.0), rtol=0, atol=1e-12)


@pytest.mark.parametrize("period", [0.1, 0.7, 60.0])
def test_looking_at_a_neuron_does_not_change_when_it_fires(period):
    network = pair(SILENT, (2, 1, 1), parameters={"i_offset": 1.3, "tau_refrac": 2.0})
    seen, alone = (EXACT.run(shown(network, duration=210.0, period=p)) for p in (period, None))
    # The closed form: v reaches -50 mV on its way from -65 to -39 mV, and is held for 2 ms.
    rise = 20.0 * np.log(26.0 / 11.0)
    expected = rise + (rise + 2.0) * np.arange(11)
    np.testing.assert_allclose(fired(alone), expected, rtol=0, atol=1e-11)
    np.testing.assert_allclose(fired(seen), fired(alone), rtol=0, atol=1e-11)


def test_the_neuron_without_leak_fires_at_the_closed_form_intervals():
    network = pair(SILENT, (2, 1, 1), IF, parameters={"i_offset": 0.7})
    times = fired(EXACT.run(shown(network, duration=100.0)))
    np.testing.assert_allclose(times, 15.0 / 0.7 * np.arange(1, 5), rtol=0, atol=1e-12)


def test_the_neuron_without_leak_integrates_the_current():
    """v = w tau (1 - exp(-t/tau)) on 1 nF, which reaches 15 mV at -tau ln(1 - 15/(w tau))."""
    network = pair(ONE, (2, 1, 1), IF, weight=4.0)
    run = EXACT.run(shown(network, ((2.0, 0),), period=0.1))
    crossing = 3.0 - 5.0 * np.log(1.0 - 15.0 / 20.0)
    np.testing.assert_allclose(fired(run), [crossing], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("tau_m", "tau_s"), [(20.0, 5.0), (5.0, 20.0), (8.0, 0.3)])
def test_one_spike_gives_the_closed_form_of_the_membrane_potential(tau_m, tau_s):
    network = pair(
        ONE, (2, 1, 1), weight=0.8, delay=1.5, parameters={"tau_m": tau_m, "tau_syn_E": tau_s}
    )
    run = EXACT.run(shown(network, ((2.0, 0),), period=0.1))
    trace = run.recording.signals["post"]["v"]
    since = np.maximum(trace.time - 3.5, 0.0)
    expected = -65.0 + psp(since, 0.8, tau_m, tau_s)
    np.testing.assert_allclose(trace.values[:, 0], expected, rtol=0, atol=5e-14)


@pytest.mark.parametrize("apart", [0.0, 1e-12, 1e-9, 1e-6, 1e-3])
def test_time_constants_that_are_equal_or_nearly_so(apart):
    """v = w t exp(-t/tau) in the limit; beside it, to the first order in the difference."""
    tau = 10.0
    parameters = {"tau_m": tau, "tau_syn_E": tau * (1.0 + apart)}
    network = pair(ONE, (2, 1, 1), weight=0.9, parameters=parameters)
    trace = EXACT.run(shown(network, ((2.0, 0),), period=0.5)).recording.signals["post"]["v"]
    t = np.maximum(trace.time - 3.0, 0.0)
    limit = 0.9 * t * np.exp(-t / tau)
    expected = -65.0 + limit * (1.0 + apart * t / (2.0 * tau))
    np.testing.assert_allclose(trace.values[:, 0], expected, rtol=0, atol=5e-14 + 10 * apart**2)


@pytest.mark.parametrize("tau_s", [5.0, 20.0, 35.0])
@pytest.mark.parametrize("distance", [1e-12, 1e-9, 1e-4])
def test_a_bump_that_grazes_the_threshold(tau_s, distance):
    """The peak of one response is at ln(tau_m/tau_s) tau_m tau_s/(tau_m - tau_s)."""
    tau_m, current = 20.0, 2.0
    if tau_s == tau_m:  # the alpha function
        top = tau_m
        peak = current * top * np.exp(-1.0)
        curvature = peak / tau_m**2
    else:
        top = np.log(tau_m / tau_s) * tau_m * tau_s / (tau_m - tau_s)
        peak = psp(top, current, tau_m, tau_s)
    # At the peak v' = 0, so v'' = I'/cm = -I/(tau_s cm).
    curvature = current * np.exp(-top / tau_s) / tau_s
    spikes = {}
    for sign in (-1.0, 1.0):
        parameters = {
            "tau_syn_E": tau_s, "v_rest": 0.0, "v_reset": 0.0, "v_thresh": peak + sign * distance,
            "tau_refrac": 90.0,  # what is left of the current may fire again
        }  # fmt: skip
        network = pair(ONE, (2, 1, 1), weight=current, parameters=parameters)
        spikes[sign] = fired(EXACT.run(shown(network, ((2.0, 0),), duration=90.0)))
    assert len(spikes[1.0]) == 0
    assert len(spikes[-1.0]) == 1
    # So near to its peak the response is a parabola; rounding moves it by its own root.
    early = np.sqrt(2.0 * distance / curvature)
    before = 3.0 + top - spikes[-1.0][0]
    np.testing.assert_allclose(before, early, rtol=0.02, atol=np.sqrt(1e-14 / curvature))


def test_a_crossing_close_to_the_peak_is_at_its_own_place():
    """Against root finding on the closed form, where no parabola serves."""
    tau_m, tau_s, current = 20.0, 5.0, 2.0
    top = np.log(tau_m / tau_s) * tau_m * tau_s / (tau_m - tau_s)
    level = 0.9 * psp(top, current, tau_m, tau_s)
    parameters = {"v_rest": 0.0, "v_reset": 0.0, "v_thresh": level, "tau_refrac": 90.0}
    network = pair(ONE, (2, 1, 1), weight=current, parameters=parameters)
    expected = brentq(lambda t: psp(t, current, tau_m, tau_s) - level, 0, top, xtol=1e-15)
    run = EXACT.run(shown(network, ((2.0, 0),), duration=90.0))
    np.testing.assert_allclose(fired(run), [3.0 + expected], rtol=0, atol=1e-12)


def test_a_delay_needs_no_grid():
    """A delta synapse above threshold passes a spike on at stamp + delay, to the last digit."""
    first, second = ConvolutionConnector(ONE, (2, 1, 1)), ConvolutionConnector(
        np.ones((1, 1, 1, 1)), (1, 1, 1)
    )  # fmt: skip
    network = Network(
        (
            Population("pre", (2, 1, 1), SpikeSource()),
            Population("middle", (1, 1, 1), LIF, {"i_offset": 1.0, "tau_refrac": 90.0}),
            Population("post", (1, 1, 1), LIF, {"tau_refrac": 90.0}),
        ),
        (
            Projection("pre", "middle", first, weight=0.0, delay=1.0),
            Projection("middle", "post", second, weight=16.0, delay=1.2345, receptor="membrane"),
        ),
    )
    run = EXACT.run(shown(network, duration=80.0, dt=0.0005))
    crossing = 20.0 * np.log(4.0)
    np.testing.assert_allclose(fired(run, "middle"), [crossing], rtol=0, atol=1e-12)
    np.testing.assert_allclose(fired(run), [crossing + 1.2345], rtol=0, atol=1e-12)


def test_refractoriness_ends_after_what_arrives_at_its_end():
    """Fired at 3, held for 3: what arrives at 5 and at 6 is ignored, at 6.1 it fires again."""
    network = pair(ONE, (2, 1, 1), weight=16.0, receptor="membrane", parameters={"tau_refrac": 3.0})
    given_ = tuple((t, 0) for t in (2.0, 4.0, 5.0, 5.1))
    np.testing.assert_allclose(fired(EXACT.run(shown(network, given_))), [3.0, 6.1], atol=1e-12)


def test_what_arrives_together_counts_together():
    """16 mV up and 2 mV down at one instant do not fire, though either order of sums is near."""
    kernel = np.array([[[[16.0]], [[-2.0]]]])
    network = pair(kernel, (2, 1, 1), weight=1.0, delay=0.3, receptor="membrane")
    together = EXACT.run(shown(network, ((0.6, 0), (0.6, 1))))
    assert len(fired(together)) == 0
    apart = EXACT.run(shown(network, ((0.6, 0), (0.7, 1))))
    np.testing.assert_allclose(fired(apart), [0.9], atol=1e-12)


def test_a_spike_in_flight_is_lost_with_reset_and_arrives_without():
    network = pair(ONE, (2, 1, 1), weight=30.0, delay=5.0, receptor="membrane")
    lost = shown(network, ((8.0, 0),), duration=10.0, n_trials=2)
    assert len(fired(EXACT.run(lost))) == 0
    spikes = EXACT.run(dataclasses.replace(lost, reset=False)).recording.spikes["post"]
    np.testing.assert_allclose(spikes.time, [3.0], atol=1e-12)
    np.testing.assert_array_equal(spikes.trial, [1])


def test_trials_that_run_on_are_one_long_trial():
    network = pair(SILENT, (2, 1, 1), parameters={"i_offset": 1.0, "tau_refrac": 2.0})
    long = EXACT.run(shown(network, duration=200.0))
    parts = EXACT.run(shown(network, duration=20.0, n_trials=10, reset=False)).recording
    spikes = parts.spikes["post"]
    np.testing.assert_allclose(spikes.time + 20.0 * spikes.trial, fired(long), rtol=0, atol=1e-11)


def test_plasticity_is_refused_with_a_remedy():
    network = pair(
        ONE * 0.5,
        (2, 1, 1),
        plasticity=SharedSTDP(),
        homeostasis=SharedThreshold(eta=0.1, target=5.0),
    )
    problems = EXACT.unsupported(shown(network))
    assert {p.element for p in problems} == {"projection 'pre_post'", "population 'post'"}
    assert all("learning = false" in p.remedy for p in problems)
    with pytest.raises(UnsupportedError, match="SharedSTDP"):
        EXACT.run(shown(network))
    assert EXACT.unsupported(shown(network, learning=False)) == []


def test_competition_is_refused_with_a_remedy():
    network = pair(ONE * 0.5, (2, 1, 1))
    rivals = dataclasses.replace(
        network.population("post"), competition=WinnerTakeAll(silence=True)
    )
    network = dataclasses.replace(network, populations=(network.population("pre"), rivals))
    (problem,) = EXACT.unsupported(shown(network, learning=False))
    assert (problem.element, problem.feature[:13]) == ("population 'post'", "WinnerTakeAll")


@pytest.mark.parametrize(
    "threshold", ["v*v >= v_thresh*v_thresh", "v >= v_thresh and I_exc > 0*I_exc", "v == v_thresh"]
)
def test_a_threshold_that_is_no_line_is_refused(threshold):
    neuron = dataclasses.replace(LIF, name="curved", threshold=threshold)
    problems = EXACT.unsupported(shown(pair(ONE, (2, 1, 1), neuron)))
    assert [p.element for p in problems] == ["population 'post'"]
    assert "v >= v_thresh" in problems[0].remedy


@pytest.mark.parametrize("threshold", ["v > v_thresh", "v_thresh <= v", "-2*v/2 < -v_thresh"])
def test_a_threshold_may_be_written_in_any_linear_way(threshold):
    neuron = dataclasses.replace(LIF, name="other", threshold=threshold)
    network = pair(SILENT, (2, 1, 1), neuron, parameters={"i_offset": 1.0})
    times = fired(EXACT.run(shown(network)))
    np.testing.assert_allclose(times, 20 * np.log(4) * np.arange(1, 3), rtol=0, atol=1e-12)


def test_firing_without_end_is_an_error():
    network = pair(SILENT, (2, 1, 1), parameters={"v_reset": -40.0, "i_offset": 1.0})
    with pytest.raises(SpecError, match="without end"):
        EXACT.run(shown(network))


def _two_layers() -> Network:
    rng = np.random.default_rng(1)
    first = ConvolutionConnector(rng.uniform(0.5, 1.5, (2, 2, 1, 1)), (2, 1, 2))
    second = ConvolutionConnector(rng.uniform(0.5, 1.5, (1, 2, 1, 2)), (2, 1, 2))
    return Network(
        (
            Population("pre", (2, 1, 2), SpikeSource()),
            Population("a", (2, 1, 2), LIF, {"tau_m": [11.0, 17.0], "tau_refrac": 2.5}),
            Population("b", (1, 1, 1), LIF, {"i_offset": 0.3, "tau_refrac": 1.0}),
        ),
        (
            Projection("pre", "a", first, weight=2.0, delay=1.1),
            Projection("pre", "a", first, weight=0.7, delay=0.7, receptor="membrane", name="jump"),
            Projection(
                "a", "a", LateralInhibitionConnector((2, 1, 2)), weight=-1.5, delay=0.9,
                receptor="inhibitory",
            ),
            Projection("a", "b", second, weight=2.0, delay=2.3),
        ),
    )  # fmt: skip


def _by_solver(network: Network, given_: tuple[tuple[float, int], ...], duration: float):
    """Spikes by solve_ivp: all 15 equations at once, restarted at every event."""
    names, sizes = ("a", "b"), {"a": 4, "b": 1}
    offset, unit_of = {"a": 0, "b": 4}, [("a", 0), ("a", 1), ("a", 2), ("a", 3), ("b", 0)]
    p = {}
    for name in ("tau_m", "i_offset", "tau_refrac"):
        values = {n: network.population(n).values()[name] for n in names}
        p[name] = np.concatenate([np.repeat(values[n], sizes[n] // len(values[n])) for n in names])
    state, held = np.zeros((3, 5)), np.zeros(5, dtype=bool)  # v - v_rest, I_exc, I_inh
    row = {"membrane": 0, "excitatory": 1, "inhibitory": 2}

    def rate(_: float, y: np.ndarray) -> np.ndarray:
        v, exc, inh = y.reshape(3, 5)
        dv = np.where(held, 0.0, -v / p["tau_m"] + exc + inh + p["i_offset"])
        return np.concatenate([dv, -exc / 5.0, -inh / 5.0])

    def crossing(_: float, y: np.ndarray) -> float:
        return float(np.where(held, -15.0, y[:5] - 15.0).max())

    crossing.terminal, crossing.direction = True, 1
    edges = {q.name: (q, q.connector.edges(), q.kernel.ravel()) for q in network.projections}
    queue: list[tuple[float, int, str, int]] = []

    def send(name: str, time: float, unit: int) -> None:
        for q, _, _ in edges.values():
            if q.pre == name:
                heapq.heappush(queue, (time + q.delay, 0, q.name, unit))

    for time, unit in given_:
        send("pre", time, unit)
    now, spikes = 0.0, []
    while now < duration:
        goal = min(duration, queue[0][0] if queue else duration)
        if goal > now:
            found = solve_ivp(
                rate, (now, goal), state.ravel(), method="DOP853", rtol=1e-12, atol=1e-12,
                max_step=0.2, events=crossing,
            )  # fmt: skip
            now, state = float(found.t[-1]), found.y[:, -1].reshape(3, 5).copy()
        else:
            now, kind, name, unit = heapq.heappop(queue)
            if kind == 1:
                held[unit] = False
            else:
                q, e, kernel = edges[name]
                for post, tap in zip(e.post[e.pre == unit], e.tap[e.pre == unit], strict=True):
                    if not (q.receptor == "membrane" and held[post + offset[q.post]]):
                        state[row[q.receptor], post + offset[q.post]] += q.weight * kernel[tap]
        for unit in np.flatnonzero((state[0] >= 15.0 - 1e-10) & ~held):
            name, local = unit_of[unit]
            spikes.append((name, local, now))
            state[0, unit], held[unit] = 0.0, True
            heapq.heappush(queue, (now + p["tau_refrac"][unit], 1, "", int(unit)))
            send(name, now, local)
    return spikes


def test_two_layers_fire_as_an_ode_solver_says():
    rng = np.random.default_rng(4)
    given_ = tuple((round(float(t), 1), int(u)) for t, u in
                   zip(rng.uniform(0.5, 40, 60), rng.integers(0, 4, 60), strict=True))  # fmt: skip
    given_ = tuple(sorted(set(given_)))
    network = _two_layers()
    spikes = EXACT.run(shown(network, given_, duration=50.0)).recording.spikes
    oracle = _by_solver(network, given_, 50.0)
    for name, least in (("a", 20), ("b", 3)):
        expected = sorted((t, u) for n, u, t in oracle if n == name)
        assert len(expected) >= least, "the case is too quiet to show anything"
        assert spikes[name].unit.tolist() == [u for _, u in expected]
        times = [t for t, _ in expected]
        np.testing.assert_allclose(spikes[name].time, times, rtol=0, atol=1e-8)


def test_every_grid_converges_at_first_order():
    """Stamps are rounded up to the grid; the state between spikes is exact on any grid."""
    document = "experiments/event_driven.toml"

    def runs(backend: str, *settings_: str) -> dict[str, Run]:
        return dict(execute(load(document, settings=["trials=6", *settings_]), backend).runs)

    exact = runs("event-driven")
    grids = {dt: runs("reference", f"dt={dt} ms") for dt in (0.8, 0.4, 0.2, 0.1)}
    for population in ("v1", "v2"):
        found = convergence(
            exact["firing"].recording,
            {dt: run["firing"].recording for dt, run in grids.items()},
            population,
        )
        assert found.spikes > 100
        assert 0.9 < found.order < 1.1
        assert (np.diff(found.same_counts) > 0).all()
        assert found.same_counts[-1] > 0.93
    quiet = [run["quiet"].recording for run in grids.values()]
    assert state_errors(exact["quiet"].recording, quiet, "v1", "v").max() < 1e-11


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_random_layers_fire_within_one_step_after_the_truth(data):
    """Each neuron fires once, so that only its own stamp is rounded up.

    Drives that graze are passed over: there a grid may miss a bump that lies between its points.
    A bump that outlasts no step of 0.01 ms is less than 1e-3 mV high at these curvatures, so
    drives are taken whose spike counts do not change when the threshold moves by as much.
    """
    number = data.draw(st.integers(0, 2**32 - 1), label="seed")
    rng = np.random.default_rng(number)
    neuron = LIF if rng.random() < 0.75 else IF
    maps, duration, dt = int(rng.integers(1, 4)), 24.0, 0.01
    parameters = {
        "tau_syn_E": rng.uniform(0.5, 20.0, maps),
        "tau_syn_I": rng.uniform(0.5, 20.0, maps),
        "i_offset": rng.uniform(0.0, 0.8, maps),
        "tau_refrac": duration,
    }
    if neuron is LIF:
        # Half of the time degenerate: equal time constants.
        same = parameters["tau_syn_E"].copy()
        parameters["tau_m"] = same if rng.random() < 0.5 else rng.uniform(2.0, 30.0, maps)
    first = ConvolutionConnector(rng.uniform(0.0, 1.5, (maps, 2, 2, 2)), (2, 3, 3))
    second = ConvolutionConnector(rng.uniform(-1.5, 0.0, (maps, 2, 2, 2)), (2, 3, 3))
    given_ = {(round(float(rng.uniform(0.1, 20.0)), 2), int(rng.integers(18))) for _ in range(25)}

    def experiment(shift: float) -> Experiment:
        network = Network(
            (
                Population("pre", (2, 3, 3), SpikeSource()),
                Population("post", (maps, 2, 2), neuron, {**parameters, "v_thresh": -58 + shift}),
            ),
            (
                Projection("pre", "post", first, weight=2.0, delay=0.37),
                Projection("pre", "post", second, weight=0.8, delay=1.0, receptor="inhibitory",
                           name="inhibition"),
            ),
        )  # fmt: skip
        return shown(network, tuple(sorted(given_)), duration=duration, dt=dt)

    counts = [EXACT.run(experiment(s)).recording.counts("post") for s in (-1e-3, 0.0, 1e-3)]
    assume(all(np.array_equal(c, counts[1]) for c in counts))
    exact = EXACT.run(experiment(0.0)).recording.spikes["post"]
    grid = backends.get("reference").run(experiment(0.0)).recording.spikes["post"]
    assert sorted(grid.unit) == sorted(exact.unit)
    late = grid.time[np.argsort(grid.unit)] - exact.time[np.argsort(exact.unit)]
    assert (late > -1e-9).all()
    assert (late < dt + 1e-9).all()


@pytest.mark.parametrize(("tau", "accepted"), [(1e-4, False), (0.9e-3, False), (2e-3, True)])
def test_time_constants_below_a_hundredth_of_a_step_are_refused(tau: float, accepted: bool) -> None:
    """40 ms with 1e-4 ms would be solved in 400,000 pieces; what is accepted ends in seconds."""
    network = pair(np.ones((1, 2, 1, 1)), (2, 1, 1), parameters={"tau_syn_E": tau})
    case = given_spikes(network, ((3.0, 0), (7.0, 1)), duration=40.0, dt=0.1)
    problems = backends.get("event-driven").unsupported(case)
    assert (not problems) == accepted
    if accepted:
        backends.get("event-driven").run(case)
    else:
        assert f"about {tau:.2g} ms" in problems[0].feature
        assert "use 0.001 ms or more" in problems[0].remedy
