"""Injected currents against closed forms, and against what the simulators have of their own."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from scnnbio import LIF, Experiment, Network, Population, Record, Sampling, backends
from scnnbio.backends.base import Backend
from scnnbio.backends.brian2.driving import in_runs
from scnnbio.experiment import Run
from scnnbio.experiment.streams import Afferents
from scnnbio.inputs import FromCurrents

DT, FRAME = 0.1, 5.0
#: Neuron by frame (pA): a staircase of each neuron's own.
STAIRS = np.random.default_rng(3).uniform(-300.0, 2600.0, (40, 1, 2, 3))


@cache
def experiment(reset: bool = True) -> Experiment:
    network = Network((Population("v1", (1, 2, 3), LIF, {"tau_refrac": 2.0}),), ())
    given = FromCurrents(STAIRS, frame=FRAME, unit="pA")
    record = Record(("v1",), (Sampling("v1", ("v",)),))
    return Experiment(network, inputs={"v1": given}, record=record, dt=DT, reset=reset)


@cache
def finished(name: str) -> Run:
    return backends.get(name).run(experiment())


def step(current: float, **changes: Any) -> Experiment:
    """A step of a current (nA) from 10 to 90 ms of 100."""
    values = np.repeat([0.0, current, 0.0], [1, 8, 1]).reshape(10, 1, 1, 1)
    network = Network((Population("v1", (1, 1, 1), LIF, {"tau_refrac": 3.0}),), ())
    given = FromCurrents(values, frame=10.0, unit="nA")
    record = Record(("v1",))
    return Experiment(network, inputs={"v1": given}, record=record, dt=DT, **changes)


@pytest.mark.parametrize("current", [0.8, 1.0, 2.7])
@pytest.mark.parametrize("name", ["reference", "brian2", "event-driven"])
def test_spikes_of_a_step_current(name: str, current: float) -> None:
    """v = v_rest + R I (1 - exp(-t/tau)) reaches threshold after T = -tau log(1 - 15 mV/(R I)).

    The first spike is at 10 ms + T, and each other one T and the refractory time later. R = tau/cm
    = 20 MOhm. A grid stamps a crossing with the end of its step, and resets then.
    """
    charging = -20.0 * np.log(1.0 - 15.0 / (20.0 * current))
    if name != "event-driven":
        charging = np.ceil(charging / DT - 1e-9) * DT
    expected = np.arange(10.0 + charging, 90.0, charging + 3.0)
    assert len(expected) >= 1
    found = backends.get(name).run(step(current)).recording.spikes["v1"].time
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)


def same(run: Run, times: list[np.ndarray], tolerance: float = 1e-9) -> None:
    found = run.recording.spikes["v1"]
    assert sum(map(len, times)) > 20
    for unit, expected in enumerate(times):
        np.testing.assert_allclose(found.time[found.unit == unit], expected, rtol=0, atol=tolerance)


@pytest.mark.slow
def test_as_with_a_timed_array_of_brian2() -> None:
    """Brian2's own TimedArray, exact integration and refractoriness.

    Brian2 stamps a spike with the beginning of its step, and counts the refractory time from there,
    so that the neuron is held one step less: 2.1 ms there are 2 ms here.
    """
    import brian2 as b2
    from brian2.devices.device import RuntimeDevice

    from scnnbio.backends.brian2.borrowing import borrowed

    with borrowed(RuntimeDevice(), {"codegen.target": "numpy"}):
        given = b2.TimedArray(STAIRS.reshape(40, 6) * b2.pA, dt=FRAME * b2.ms)
        group = b2.NeuronGroup(
            6,
            "dv/dt = (-65*mV - v)/(20*ms) + given(t, i)/nF : volt (unless refractory)",
            threshold="v >= -50*mV",
            reset="v = -65*mV",
            refractory=2.1 * b2.ms,
            method="exponential_euler",
            dt=DT * b2.ms,
            namespace={"given": given},
        )
        group.v = -65 * b2.mV
        spikes, states = b2.SpikeMonitor(group), b2.StateMonitor(group, "v", record=True)
        b2.Network(group, spikes, states).run(len(STAIRS) * FRAME * b2.ms)
        times = [np.asarray(t / b2.ms) + DT for t in spikes.spike_trains().values()]
        v = np.asarray(states.v / b2.mV).T
    for name in ("reference", "brian2"):
        same(finished(name), times)
        ours = finished(name).recording.signals["v1"]["v"].values
        np.testing.assert_allclose(ours, v, rtol=0, atol=1e-9)


@pytest.mark.nest
def test_as_with_a_step_current_generator_of_nest() -> None:
    """NEST's own cells and generators: one generator per neuron.

    A generator acts after the delay of its connection, one step of 0.1 ms, and may not change at 0:
    it begins a step late. So all spikes are two steps late.
    """
    nest = pytest.importorskip("nest")
    from scnnbio.backends.nest.backend import NestBackend

    late = 2 * DT
    nest.ResetKernel()
    nest.set(resolution=DT, print_time=False)
    cells = nest.Create(
        "iaf_psc_exp",
        6,
        {"E_L": -65.0, "V_m": -65.0, "V_reset": -65.0, "V_th": -50.0, "C_m": 1000.0, "tau_m": 20.0,
         "t_ref": 2.0},
    )  # fmt: skip
    generators = nest.Create("step_current_generator", 6)
    begins = np.round(np.arange(len(STAIRS)) * FRAME + DT, 3)
    for generator, values in zip(generators, STAIRS.reshape(40, 6).T, strict=True):
        generator.set(amplitude_times=begins, amplitude_values=values)
    nest.Connect(generators, cells, "one_to_one", {"delay": DT})
    recorder = nest.Create("spike_recorder")
    nest.Connect(cells, recorder)
    nest.Simulate(len(STAIRS) * FRAME + 1.0)
    senders, times = (np.asarray(recorder.events[key]) for key in ("senders", "times"))
    nest.ResetKernel()
    expected = [np.sort(times[senders == node]) - late for node in range(1, 7)]
    expected = [train[train <= len(STAIRS) * FRAME + 1e-9] for train in expected]
    standard: Backend = NestBackend(cells="standard")
    same(standard.run(experiment()), expected)
    same(finished("reference"), expected)


@pytest.mark.parametrize(
    "backend", ["reference", "brian2", pytest.param("nest", marks=pytest.mark.nest)]
)
def test_several_populations_are_driven_each_by_its_own(backend: str) -> None:
    """Names are in another order than the network's; each population gets its own currents."""
    shape = (1, 1, 1)
    network = Network(tuple(Population(name, shape, LIF) for name in ("b", "c", "a")), ())
    inputs = {
        name: FromCurrents(np.full(shape, value), duration=20.0, unit="nA")
        for name, value in {"a": 0.1, "b": 0.2, "c": 0.3}.items()
    }
    signals = tuple(Sampling(name, ("v",)) for name in inputs)
    one = Experiment(network, inputs=inputs, record=Record(signals=signals))
    if backend == "nest":
        pytest.importorskip("nest")
    found = backends.get(backend).run(one).recording.signals
    for population, value in {"a": 0.1, "b": 0.2, "c": 0.3}.items():
        # After 19.9 ms of charging towards R I.
        expected = -65.0 + 20.0 * value * (1.0 - np.exp(-19.9 / 20.0))
        np.testing.assert_allclose(found[population]["v"].values[-1, 0], expected, rtol=1e-12)


@pytest.mark.parametrize("kind", ["scattered", "in blocks", "none"])
def test_runs_of_targets_have_the_sums_of_bincount(kind: str) -> None:
    # Bit for bit: numpy.bincount adds the connections of a neuron in the order of their afferents.
    rng = np.random.default_rng(4)
    afferents, targets = 30, 200
    if kind == "in blocks":  # few different rows of weights, as a convolution has them
        begin, rows = rng.integers(0, targets - 40, afferents), rng.normal(size=(3, 40))
        pre, post = np.repeat(np.arange(afferents), 40), (begin[:, None] + np.arange(40)).ravel()
        weight = rows[rng.integers(0, 3, afferents)].ravel()
    else:  # some pairs are joined several times
        number = 600 if kind == "scattered" else 0
        pre, post = np.sort(rng.integers(0, afferents, number)), rng.integers(0, targets, number)
        weight = rng.normal(size=number)
    internal = rng.permutation(targets) if kind == "scattered" else np.arange(targets)
    first = pre.searchsorted(np.arange(afferents + 1))
    table = Afferents(first, post, weight)
    runs, target, length, at, kept = in_runs(table, internal.astype(np.int32))
    value, sums = rng.normal(size=afferents), np.zeros(targets)
    for one in range(afferents):
        for run in range(runs[one], runs[one + 1]):
            here = slice(target[run], target[run] + length[run])
            sums[here] += kept[at[run] : at[run] + length[run]] * value[one]
    expected = np.bincount(internal[post], weight * value[pre], minlength=targets)
    np.testing.assert_array_equal(sums, expected)
    if kind == "in blocks":
        assert len(kept) == 3 * 40
