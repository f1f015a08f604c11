"""The event-driven backend beside an ODE solver, and grids that converge to it."""

from __future__ import annotations

import heapq

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from scnnbio import backends
from scnnbio.analysis.convergence import convergence, state_errors
from scnnbio.connectors import ConvolutionConnector, LateralInhibitionConnector
from scnnbio.experiment import Experiment, Run, load
from scnnbio.network import Network, Projection
from scnnbio.neurons import IF, LIF
from scnnbio.population import Population, SpikeSource
from scnnbio.workflow import execute
from tests.backends.event_driven_cases import EXACT, shown
from tests.backends.test_learning import given as given_spikes
from tests.backends.test_reference import pair


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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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
