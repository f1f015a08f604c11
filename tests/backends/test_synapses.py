"""Procedural pathways fire as Brian2's own ``Synapses``, which store every connection.

The oracle is written as Brian2's documentation writes it: the equations integrated by Brian2, its
refractoriness, one synapse for each of the connector's edges. Only the stamps are moved to our
grid (decision 0004).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import brian2 as b2
import numpy as np
import pytest
from numpy.typing import NDArray

from scnnbio import backends
from scnnbio.connectors import ConvolutionConnector
from scnnbio.encoding import LGN, Encoding, PoissonCode
from scnnbio.experiment import Experiment, Record
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIF
from scnnbio.population import Population, SpikeSource
from scnnbio.stimuli import WhiteNoise


@dataclass(frozen=True)
class Case:
    kernel: tuple[int, int] = (3, 3)
    maps: int = 4
    stride: int = 1
    padding: int = 0
    delay: float = 1.0
    dt: float = 0.5

    def experiment(self) -> Experiment:
        weights = np.random.default_rng(2).normal(0.3, 1.0, (self.maps, 2, *self.kernel))
        layer = ConvolutionConnector(weights, (2, 9, 7), stride=self.stride, padding=self.padding)
        shape = tuple(layer.out_shape)
        projection = Projection("lgn", "v1", layer, weight=3.0, delay=self.delay)
        return Experiment(
            Network(
                (
                    Population("lgn", (2, 9, 7), SpikeSource()),
                    Population("v1", shape, LIF, parameters={"tau_refrac": 2.0}),
                ),
                (projection,),
            ),
            WhiteNoise(n_trials=1, duration=200.0),
            Encoding(LGN(), PoissonCode(gain=0.0, spontaneous=40.0)),
            Record(spikes=("v1",)),
            dt=self.dt,
            reset=False,
        )


CASES = {
    "3x3": Case(),
    "one tap": Case(kernel=(1, 1)),
    "not square": Case(kernel=(5, 2), maps=3),
    "all of the field": Case(kernel=(9, 7), maps=6),
    "stride": Case(stride=2),
    "padding": Case(kernel=(5, 5), padding=2),
    "stride and padding": Case(kernel=(4, 4), stride=3, padding=1),
    "one map": Case(maps=1),
    "many maps": Case(maps=37),
    "one step of delay": Case(delay=0.5),
    "long delay": Case(delay=7.5),
    "long steps": Case(dt=1.0),
}


@pytest.fixture
def runtime() -> Iterator[None]:
    target = b2.prefs.codegen.target
    b2.prefs.codegen.target = "numpy"
    b2.set_device("runtime")
    yield
    b2.prefs.codegen.target = target


def _spikes_of_synapses(experiment: Experiment) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    (projection,), inputs = experiment.network.projections, experiment.input_stream()
    dt = experiment.dt
    b2.defaultclock.dt = dt * b2.ms
    stamped = [
        (step + trial * experiment.trial_steps, unit)
        for trial, (step, unit) in enumerate(inputs.trials(0))
    ]
    step, unit = (np.concatenate(part) for part in zip(*stamped, strict=True))
    cells = b2.SpikeGeneratorGroup(2 * 9 * 7, unit, (step - 1) * dt * b2.ms)
    value = {name: p[0] for name, p in experiment.network.population("v1").values().items()}
    layer = b2.NeuronGroup(
        experiment.network.population("v1").size,
        "dv/dt = (v_rest - v)/tau_m + I/C : volt (unless refractory)\ndI/dt = -I/tau_s : amp",
        threshold="v >= v_thresh",
        reset="v = v_reset",
        refractory=(value["tau_refrac"] + dt) * b2.ms,
        method="exact",
        namespace={
            "tau_m": value["tau_m"] * b2.ms,
            "tau_s": value["tau_syn_E"] * b2.ms,
            "C": value["cm"] * b2.nF,
            **{name: value[name] * b2.mV for name in ("v_rest", "v_reset", "v_thresh")},
        },
    )
    layer.v = value["v_rest"] * b2.mV
    synapses = b2.Synapses(
        cells, layer, "w : amp", on_pre="I_post += w", delay=projection.delay * b2.ms
    )
    edges = projection.connector.edges()
    synapses.connect(i=edges.pre, j=edges.post)
    synapses.w = projection.kernel.ravel()[edges.tap] * projection.weight * b2.nA
    monitor = b2.SpikeMonitor(layer)
    b2.Network(cells, layer, synapses, monitor).run(experiment.duration * b2.ms, namespace={})
    stamps = np.round(np.asarray(monitor.t / b2.ms) / dt).astype(np.int64) + 1
    order = np.lexsort((monitor.i, stamps))
    return stamps[order], np.asarray(monitor.i, dtype=np.int64)[order]


def _check(backend: str, case: Case) -> None:
    experiment = case.experiment()
    ours = backends.get(backend).run(experiment).recording.spikes["v1"]
    stamps, units = _spikes_of_synapses(experiment)
    assert len(stamps) > 30, "the case is too quiet to show anything"
    np.testing.assert_array_equal(np.round(ours.time / experiment.dt).astype(np.int64), stamps)
    np.testing.assert_array_equal(ours.unit, units)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["3x3", "stride and padding", "long delay"])
def test_at_runtime(case: str, runtime: None) -> None:
    _check("brian2", CASES[case])


@pytest.mark.slow
@pytest.mark.parametrize("case", sorted(set(CASES) - {"3x3", "stride and padding", "long delay"}))
def test_at_runtime_in_every_configuration(case: str, runtime: None) -> None:
    _check("brian2", CASES[case])


@pytest.mark.slow
@pytest.mark.parametrize("case", ["many maps"])
def test_compiled(case: str, runtime: None) -> None:
    _check("brian2-standalone", CASES[case])


def test_cases_differ() -> None:
    assert all(one != other for one, other in itertools.combinations(CASES.values(), 2))
