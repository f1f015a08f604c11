"""Event-driven backend: linear neurons solved from event to event, without a time step.

Its spikes are the limit of the other backends' as dt goes to zero. Between events every state
follows the matrix exponential of its equations, and a spike is fired at the exact time of the
threshold crossing (:mod:`scnnbio.backends._crossings`, which shows that none is missed). Spikes
arrive after their delay, and are recorded at their exact time. The rules are the limit of those of
:mod:`scnnbio.backends.base`:

- spikes that arrive at the same time are added together before the threshold is tested;
- a neuron that fires at t is refractory up to and including t + t_ref: spikes that arrive then are
  ignored, and a neuron that is above threshold fires at t + t_ref;
- a trial is 0 < t <= duration; a neuron above threshold from the start fires at 0.

``Experiment.dt`` is only the grid of input spike times.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from scnnbio.backends._crossings import piece_length
from scnnbio.backends._exact_layers import FloatArray, IntArray, Layer, Pathway
from scnnbio.backends._finite import check_finite
from scnnbio.backends._linear import generators, threshold_form
from scnnbio.backends._oracle import Oracle, Simulation
from scnnbio.backends.outcome import Outcome
from scnnbio.backends.promises import Promise, Statistical, Within
from scnnbio.backends.support import LINEAR_EQUATIONS, Refusal
from scnnbio.errors import SpecError, Unsupported
from scnnbio.experiment import Experiment, Feature, Inputs, Report
from scnnbio.experiment.drive import Pending
from scnnbio.population import Population

#: Events closer than this (ms) are simultaneous: sums of times and delays are rounded.
_SIMULTANEOUS = 1e-10
#: A neuron that fires this often at the same time would fire endlessly.
_ENDLESS = 1000
#: Most pieces that a step is divided into.
_MOST_PIECES = 100


_LEARN = "run with learning = false, or learn on 'reference' or 'brian2'"
_NONLINEAR = Refusal("{detail}", "use a linear model such as LIF, or a backend with a time step")
_COMPETITION = Refusal(
    "WinnerTakeAll is decided step by step",
    "leave the competition out, or run on 'reference' or 'brian2'",
)
_RULES = (
    Feature.SHARED_STDP,
    Feature.TRIPLET_STDP,
    Feature.TRACE_RULE,
    Feature.MSTDP,
    Feature.MSTDPET,
    Feature.OTHER_RULE,
    Feature.REWARD,
    Feature.EACH_STEP,
    Feature.NEAREST_PAIRING,
    Feature.POWER_BOUNDS,
    Feature.HALF_LIFE,
    Feature.GROWTH,
    Feature.NORMALISATION,
    Feature.SNAPSHOTS,
)


class EventDrivenBackend(Oracle):
    """Exact simulation of linear neurons with static kernels, without a time step."""

    name: ClassVar[str] = "event-driven"
    supports: ClassVar[frozenset[Feature]] = LINEAR_EQUATIONS | {
        Feature.INPUT_VALUES,
        Feature.INPUT_CURRENT,
        Feature.WANDERING_NOISE,
    }
    refusals: ClassVar[Mapping[Feature, Refusal]] = {
        Feature.NONLINEAR: _NONLINEAR,
        Feature.CONDUCTANCES: _NONLINEAR,
        Feature.FORWARD_EULER: Refusal(
            "{detail!r} needs time steps, which this backend does not have",
            "leave out 'integrator', or use a backend with a time step",
        ),
        Feature.SHARED_THRESHOLD: Refusal("a shared threshold moves between spikes", _LEARN),
        **dict.fromkeys((Feature.WINNERS_LEARN, Feature.WINNERS_SILENCE), _COMPETITION),
        **dict.fromkeys(_RULES, Refusal("{what} {is_} not solved without a time step", _LEARN)),
    }
    grid: ClassVar[bool] = False
    summary: ClassVar[str] = "exact, without a time step: the limit of the others for dt to zero"
    promises: ClassVar[tuple[Promise, ...]] = (
        Statistical(
            "spikes",
            rate=0.05,
            cv=0.1,
            longest_dt=0.1,
            why="on a grid, spikes are delayed to the end of their step, which a network amplifies",
        ),
        Within("signals", difference=1e-9),
    )

    def unsupported(self, experiment: Experiment) -> list[Unsupported]:
        """Undeclared features, nonlinear thresholds, and time constants that are too short."""
        problems = super().unsupported(experiment)
        named = {problem.element for problem in problems}
        for population in experiment.lowered.network.populations:
            element = f"population {population.name!r}"
            if population.is_source or element in named:
                continue
            try:
                threshold_form(population)
            except SpecError as error:
                remedy = "write it like 'v >= v_thresh'"
                problems.append(Unsupported(element, error.message, remedy))
            else:
                problems += _too_fast(population, experiment)
        return problems

    def _make(self, experiment: Experiment, inputs: Inputs) -> Simulation:
        return _Simulation(experiment, inputs)


def _too_fast(population: Population, experiment: Experiment) -> list[Unsupported]:
    """A time constant so short that a step would need too many pieces."""
    piece = piece_length(generators(population), experiment.trial_duration)
    if piece * _MOST_PIECES >= experiment.dt:
        return []
    return [
        Unsupported(
            f"population {population.name!r}",
            f"its fastest time constant is about {piece:.2g} ms, so that a step is solved in"
            f" {experiment.dt / piece:.3g} pieces of this length",
            f"use {experiment.dt / _MOST_PIECES:g} ms or more, or a model without it: replace such"
            " a fast synapse by a jump, as in LIF_curr_delta",
        )
    ]


class _Simulation:
    """All layers of one experiment, and a queue of future events.

    Times are ms since the trial began. An event is (time, pathway, unit) for a spike that arrives,
    or (time, -1 - layer, unit) for a refractory period that ends.
    """

    def __init__(self, experiment: Experiment, inputs: Inputs) -> None:
        self.experiment, self.inputs = experiment, inputs
        self.duration = experiment.trial_duration
        network = experiment.network
        self.layers = {
            p.name: Layer(p, self.duration) for p in network.populations if not p.is_source
        }
        self.order = list(self.layers)
        self.pathways = [
            Pathway(p, lag, network.population(p.pre), network.population(p.post))
            for p in network.projections
            for lag in range(len(p.delays))
        ]
        self.out = {
            p.name: [k for k, path in enumerate(self.pathways) if path.pre == p.name]
            for p in network.populations
        }
        self.piece = min((layer.piece for layer in self.layers.values()), default=self.duration)
        self.heap: list[tuple[float, int, int]] = []
        self.now, self.trial = 0.0, 0
        self.changes = Pending(iter(()))
        self.fired: dict[str, list[tuple[int, float, int]]] = {name: [] for name in self.layers}
        self.samples: dict[tuple[str, str], list[FloatArray]] = {}
        self.every = [
            experiment.steps(s.period or experiment.dt, "period") for s in experiment.record.signals
        ]

    def run(self, report: Report) -> None:
        """Simulate all trials."""
        # States that are not finite raise an error that names them.
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            self._run(report)

    def _run(self, report: Report) -> None:
        experiment = self.experiment
        per_trial, n_trials = experiment.trial_steps, experiment.n_trials
        begins = np.arange(n_trials + 1) * per_trial + 1
        given = [
            (name, step, unit, np.searchsorted(step, begins))
            for name, (step, unit) in self.inputs.by_source.items()
        ]
        for trial in range(n_trials):
            self.trial, self.now = trial, 0.0
            if experiment.reset:
                self.heap.clear()
                for layer in self.layers.values():
                    layer.restart()
            else:
                # Times of spikes in flight are converted to the new trial's time.
                self.heap = [(time - self.duration, kind, unit) for time, kind, unit in self.heap]
                heapq.heapify(self.heap)
            for name, step, unit, cuts in given:
                for k in range(cuts[trial], cuts[trial + 1]):
                    stamp = (step[k] - trial * per_trial) * experiment.dt
                    self._send(name, float(stamp), int(unit[k]))
            self.changes = Pending(self.inputs.changes(trial))
            self._solve(self._sample_times(trial))
            report("simulating", trial + 1, n_trials)

    def _sample_times(self, trial: int) -> list[int]:
        """Steps of this trial, counted since the run began, with samples."""
        first = trial * self.experiment.trial_steps
        steps = range(first, first + self.experiment.trial_steps)
        return [s for s in steps if any(s % every == 0 for every in self.every)]

    def _solve(self, sampled: list[int]) -> None:
        """Process events until the trial ends."""
        first = self.trial * self.experiment.trial_steps
        waiting = [((step - first) * self.experiment.dt, step) for step in reversed(sampled)]
        self._drive()
        self._settle()
        while True:
            self._check()
            if waiting and self.now >= waiting[-1][0] - _SIMULTANEOUS:
                self._sample(waiting.pop()[1])
                continue
            if self.now >= self.duration:
                return
            goal = min(
                self.duration,
                self.heap[0][0] if self.heap else np.inf,
                waiting[-1][0] if waiting else np.inf,
                np.inf if self.changes.step is None else self.changes.step * self.experiment.dt,
            )
            self._towards(goal)
            self._drive()
            if self.heap and self.heap[0][0] <= self.now + _SIMULTANEOUS:
                self._deliver()

    def _drive(self) -> None:
        """Set the driven ports that are due."""
        dt, until = self.experiment.dt, self.now + _SIMULTANEOUS
        while (step := self.changes.step) is not None and step * dt <= until:
            for change in self.changes.until(step):
                self.layers[change.population].set(change.port, change.values)

    def _check(self) -> None:
        """Raise unless all states are finite."""
        step = self.trial * self.experiment.trial_steps + self.now / self.experiment.dt
        for name, layer in self.layers.items():
            # If any state is not finite, neither is the sum.
            if not np.isfinite(layer.state.sum()):
                states = dict(zip(layer.names, layer.state.T, strict=False))
                check_finite(self.experiment, name, states, step)

    def _towards(self, goal: float) -> None:
        """Advance to the goal, to the end of a piece, or to the first spike, whichever is first."""
        span = min(goal - self.now, self.piece)
        # By rounding, a sample may be due just before the current time.
        if span <= 0.0:
            return
        first = span
        crossing: dict[str, IntArray] = {}
        for name, layer in self.layers.items():
            units, times = layer.crossings(span)
            if len(units) and times.min() <= first:
                if times.min() < first:
                    crossing.clear()
                first = float(times.min())
                crossing[name] = units[times == first]
        for layer in self.layers.values():
            layer.advance(first)
        whole = first == goal - self.now
        self.now = goal if whole else self.now + first
        for name, units in crossing.items():
            self._fire(name, units)
        if crossing:
            self._settle()

    def _deliver(self) -> None:
        """Deliver all spikes that are due now, then end refractory periods."""
        ended = []
        while self.heap and self.heap[0][0] <= self.now + _SIMULTANEOUS:
            _, kind, unit = heapq.heappop(self.heap)
            if kind < 0:
                ended.append((self.order[-1 - kind], unit))
                continue
            pathway = self.pathways[kind]
            self.layers[pathway.post].receive(pathway.state, *pathway.out(unit))
        for name, unit in ended:
            self.layers[name].held[unit] = False
        self._settle()

    def _settle(self) -> None:
        """Fire all neurons above threshold, until none is."""
        for name, layer in self.layers.items():
            for _ in range(_ENDLESS):
                units = layer.above()
                if not len(units):
                    break
                self._fire(name, units)
            else:
                raise SpecError(
                    f"fires endlessly at {self.now:g} ms of trial {self.trial}: its reset leaves"
                    " it above threshold; lower the reset or give it a refractory period",
                    where=f"population {name!r}",
                )

    def _fire(self, name: str, units: IntArray) -> None:
        layer = self.layers[name]
        layer.reset(units)
        for unit in units.tolist():
            self.fired[name].append((self.trial, self.now, unit))
            self._send(name, self.now, unit)
            if layer.held[unit]:
                until = self.now + float(layer.held_for[unit])
                heapq.heappush(self.heap, (until, -1 - self.order.index(name), unit))

    def _send(self, name: str, time: float, unit: int) -> None:
        for k in self.out[name]:
            heapq.heappush(self.heap, (time + self.pathways[k].delay, k, unit))

    def _sample(self, step: int) -> None:
        for sampling, every in zip(self.experiment.record.signals, self.every, strict=True):
            if step % every:
                continue
            layer = self.layers[sampling.population]
            units = slice(None) if sampling.units is None else np.array(sampling.units)
            for variable in sampling.variables:
                value = layer.value(variable, units)
                self.samples.setdefault((sampling.population, variable), []).append(value)

    def outcome(self) -> Outcome:
        """Everything that was recorded."""
        dt, per_trial = self.experiment.dt, self.experiment.trial_steps
        spikes = dict(self.inputs.by_source)
        times = {}
        for name, rows in self.fired.items():
            trial, time, unit = (np.array(c) for c in zip(*rows, strict=True)) if rows else [[]] * 3
            times[name] = np.asarray(time, dtype=np.float64)
            # The spike's step on the grid: the spike time is the end of the step.
            step = np.maximum(np.ceil(times[name] / dt - 1e-9), 1.0).astype(np.int64)
            step += np.asarray(trial, dtype=np.int64) * per_trial
            spikes[name] = (step, np.asarray(unit, dtype=np.int32))
        return Outcome(
            spikes=spikes,
            signals={key: np.array(rows) for key, rows in self.samples.items()},
            weights={},
            snapshots={},
            output_spikes={name: len(rows) for name, rows in self.fired.items()},
            pathways={p.name: "expanded" for p in self.experiment.network.projections},
            times=times,
        )
