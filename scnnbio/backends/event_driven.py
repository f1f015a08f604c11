"""The truth that every grid converges to: linear neurons solved event by event, with no time step.

Between events every state is the matrix exponential of its equations, and the threshold is crossed
where the curve crosses it (:mod:`scnnbio.backends._crossings`, which proves that none is missed).
Spikes act when they are fired, plus the delay, and are recorded as they are. The rules are those of
:mod:`scnnbio.backends.base` as dt goes to zero:

- what arrives at one instant arrives together, before the threshold is tested;
- a neuron that fires at t is held until t + t_ref, which still belongs to the held time: what
  arrives then is ignored, and a neuron above threshold fires there;
- a trial is 0 < t <= duration; a neuron above threshold from the start fires at 0.

``Experiment.dt`` has one meaning left: input spikes are stamped on its grid.
"""

from __future__ import annotations

import heapq
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from scnnbio.backends import _crossings
from scnnbio.backends._crossings import TERMS, exponential, first_crossings, piece_length
from scnnbio.backends._expressions import assigned, evaluate
from scnnbio.backends._finite import check_finite
from scnnbio.backends._linear import generators, threshold_form
from scnnbio.backends._oracle import Oracle, Simulation
from scnnbio.backends.base import initial_states
from scnnbio.backends.outcome import Outcome
from scnnbio.backends.promises import Promise, Statistical, Within
from scnnbio.connectors import LAGS
from scnnbio.errors import SpecError, Unsupported
from scnnbio.experiment import Experiment, Inputs, Report
from scnnbio.network import Projection
from scnnbio.neurons.algebra import linear_system
from scnnbio.population import Population

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

#: Events closer than this are one instant (ms): sums of stamps and delays are equal up to rounding.
_INSTANT = 1e-10
#: A neuron that fires so often at one instant would do so for ever.
_ENDLESS = 1000
#: Pieces that a step is cut into at most.
_MOST_PIECES = 100


class EventDrivenBackend(Oracle):
    """Linear neurons and static kernels, exactly."""

    name: ClassVar[str] = "event-driven"
    features: ClassVar[frozenset[str]] = frozenset({LAGS})
    summary: ClassVar[str] = "exact, without a time step: what every grid converges to"
    promises: ClassVar[tuple[Promise, ...]] = (
        Statistical(
            "spikes",
            rate=0.05,
            cv=0.1,
            longest_dt=0.1,
            why="grids stamp a crossing with the end of its step, and a network amplifies that",
        ),
        Within("signals", difference=1e-9),
    )

    def unsupported(self, experiment: Experiment) -> list[Unsupported]:
        """Neurons that are not linear, thresholds that are no line, Euler, and all that learns."""
        problems = super().unsupported(experiment)
        named = {problem.element for problem in problems}
        for population in experiment.network.populations:
            element = f"population {population.name!r}"
            if not population.is_source and population.model.integrator != "exact":
                problems.append(
                    Unsupported(
                        element,
                        f"{population.model.integrator!r} is a rule for time steps, and there are"
                        " none",
                        "leave out 'integrator', or use a backend with a time step",
                    )
                )
                named.add(element)
            if not population.is_source and element not in named:
                try:
                    linear_system(population.model)
                except SpecError as error:
                    remedy = "use a linear model such as LIF, or a backend with a time step"
                    problems.append(Unsupported(element, error.message, remedy))
                    named.add(element)
            if population.homeostasis is not None:
                problems.append(
                    Unsupported(
                        element,
                        "a shared threshold moves between spikes",
                        "run with learning = false, or learn on 'reference' or 'brian2'",
                    )
                )
            if population.competition is not None:
                problems.append(
                    Unsupported(
                        element,
                        "WinnerTakeAll is decided step by step",
                        "leave the competition out, or run on 'reference' or 'brian2'",
                    )
                )
            if not population.is_source and element not in named:
                try:
                    threshold_form(population)
                except SpecError as error:
                    problems.append(
                        Unsupported(element, error.message, "write it like 'v >= v_thresh'")
                    )
                else:
                    problems += _too_fast(population, experiment)
        for projection in experiment.network.projections:
            if projection.plasticity is not None:
                problems.append(
                    Unsupported(
                        f"projection {projection.name!r}",
                        f"{type(projection.plasticity).__name__} is not solved without a time step",
                        "run with learning = false, or learn on 'reference' or 'brian2'",
                    )
                )
        return problems

    def _made(self, experiment: Experiment, inputs: Inputs) -> Simulation:
        return _Simulation(experiment, inputs)


def _too_fast(population: Population, experiment: Experiment) -> list[Unsupported]:
    """A time constant so short that a trial is cut into more pieces than it can be solved in."""
    piece = piece_length(generators(population), experiment.trial_duration)
    if piece * _MOST_PIECES >= experiment.dt:
        return []
    return [
        Unsupported(
            f"population {population.name!r}",
            f"its fastest time constant is about {piece:.2g} ms, and it is solved in pieces as"
            f" short, {experiment.dt / piece:.3g} of them a step",
            f"use {experiment.dt / _MOST_PIECES:g} ms or more, or a model without it: a synapse as"
            " fast is a jump, as that of LIF_curr_delta",
        )
    ]


class _Layer:
    """The neurons of one population at one instant: all stand at the same time.

    ``state`` is (neurons, states + 1): the distance from an origin, which has fewer digits to lose
    than a potential of -65 mV, and a column of ones. The origin is the initial state of the first
    neuron of each set of parameters.
    """

    def __init__(self, population: Population, longest: float) -> None:
        self.population = population
        self.model = population.model
        self.names = [state.name for state in self.model.states]
        values, size = initial_states(population), population.size
        initial = np.stack([np.repeat(values[n], size // len(values[n])) for n in self.names], 1)
        free, distance = generators(population), threshold_form(population)
        start = initial[:: size // len(free)]
        free[:, :-1, -1] += np.einsum("sij,sj->si", free[:, :-1, :-1], start)
        distance[:, -1] += np.einsum("sj,sj->s", distance[:, :-1], start)
        held = free.copy()
        frozen = [k for k, state in enumerate(self.model.states) if state.held_when_refractory]
        held[:, frozen, :] = 0.0
        self.piece = piece_length(free, longest)
        self.series = {
            False: _crossings.series(free, self.piece),
            True: _crossings.series(held, self.piece),
        }
        self.set = np.repeat(np.arange(len(free)), population.size // len(free))
        self.distance = np.einsum("si,skij->skj", distance, self.series[False])[self.set]
        rest = np.einsum("si,sij->sj", np.abs(distance), _crossings.tail(free, self.piece))
        self.remainder = rest[self.set]
        self.frozen = set(frozen)
        self.parameters = {n: np.repeat(v, size // len(v)) for n, v in population.values().items()}
        refractory = self.model.refractory
        self.held_for = self.parameters[refractory] if refractory else np.zeros(population.size)
        self.origin = start[self.set]
        self.begin = initial - self.origin
        self.restart()

    def restart(self) -> None:
        """Back to the initial states."""
        self.state = np.zeros((self.population.size, len(self.names) + 1))
        self.state[:, :-1] = self.begin
        self.state[:, -1] = 1.0
        self.held = np.zeros(self.population.size, dtype=bool)

    def value(self, name: str, units: IntArray | slice = slice(None)) -> FloatArray:
        """A state variable of neurons, in its unit."""
        column = self.names.index(name)
        return np.asarray(self.origin[units, column] + self.state[units, column])

    def crossings(self, span: float) -> tuple[IntArray, FloatArray]:
        """Neurons that would reach threshold within ``span`` ms (a piece at most), and when."""
        free = np.flatnonzero(~self.held)
        stretch = (span / self.piece) ** np.arange(TERMS)
        curves = np.einsum("nkj,nj->nk", self.distance[free], self.state[free]) * stretch
        rest = np.einsum("nj,nj->n", self.remainder[free], np.abs(self.state[free]))
        found, place = first_crossings(curves, rest)
        return free[found], place * span

    def advance(self, span: float) -> None:
        """Let ``span`` ms pass (a piece at most)."""
        for held in (False, True):
            chosen = np.flatnonzero(self.held == held)
            if len(chosen):
                step = exponential(self.series[held], span / self.piece)
                self.state[chosen] = np.einsum(
                    "nij,nj->ni", step[self.set[chosen]], self.state[chosen]
                )

    def receive(self, state: str, targets: IntArray, amounts: FloatArray) -> None:
        """Add to a receptor's variable, where it is not held."""
        column = self.names.index(state)
        if column in self.frozen:
            free = ~self.held[targets]
            targets, amounts = targets[free], amounts[free]
        self.state[targets, column] += amounts

    def above(self) -> IntArray:
        """Neurons that are at or above threshold and not held."""
        distance = np.einsum("nj,nj->n", self.distance[:, 0], self.state)
        return np.flatnonzero((distance >= 0.0) & ~self.held)

    def reset(self, fired: IntArray) -> None:
        """Reset, and hold those that have a refractory period."""
        names = {n: v[fired] for n, v in self.parameters.items()}
        names |= {name: self.value(name, fired) for name in self.names}
        for name, operator, text in self.model.resets:
            names[name] = assigned(names[name], operator, evaluate(text, names))
            column = self.names.index(name)
            self.state[fired, column] = names[name] - self.origin[fired, column]
        self.held[fired] = self.held_for[fired] > 0.0


class _Pathway:
    """Targets and amounts of every presynaptic neuron of a projection, at one lag of its kernel."""

    def __init__(self, projection: Projection, lag: int, pre: Population, post: Population) -> None:
        edges = projection.connector.edges()
        chosen = projection.connector.lag_index(edges) == lag
        self.pre, self.post, self.delay = projection.pre, projection.post, projection.delays[lag]
        self.state = post.model.receptors[projection.receptor]
        self._target, taps = edges.post[chosen], edges.tap[chosen]
        self._amount = projection.weight * projection.kernel.astype(float).ravel()[taps]
        self._cuts = np.searchsorted(edges.pre[chosen], np.arange(pre.size + 1))

    def out(self, unit: int) -> tuple[IntArray, FloatArray]:
        """Targets of a presynaptic neuron, and what it adds to each."""
        part = slice(self._cuts[unit], self._cuts[unit + 1])
        return self._target[part], self._amount[part]


class _Simulation:
    """All layers of one experiment and the events ahead of them.

    Times are ms since the trial began. An event is (time, pathway, unit), or (time, -1 - layer,
    unit) where a refractory time ends.
    """

    def __init__(self, experiment: Experiment, inputs: Inputs) -> None:
        self.experiment, self.inputs = experiment, inputs
        self.duration = experiment.trial_duration
        network = experiment.network
        self.layers = {
            p.name: _Layer(p, self.duration) for p in network.populations if not p.is_source
        }
        self.order = list(self.layers)
        self.pathways = [
            _Pathway(p, lag, network.population(p.pre), network.population(p.post))
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
        self.fired: dict[str, list[tuple[int, float, int]]] = {name: [] for name in self.layers}
        self.samples: dict[tuple[str, str], list[FloatArray]] = {}
        self.every = [
            experiment.steps(s.period or experiment.dt, "period") for s in experiment.record.signals
        ]

    def run(self, report: Report) -> None:
        """Solve every trial."""
        # What is no number is told with its place.
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
                # What is in flight arrives as much earlier as the new trial's clock is later.
                self.heap = [(time - self.duration, kind, unit) for time, kind, unit in self.heap]
                heapq.heapify(self.heap)
            for name, step, unit, cuts in given:
                for k in range(cuts[trial], cuts[trial + 1]):
                    stamp = (step[k] - trial * per_trial) * experiment.dt
                    self._send(name, float(stamp), int(unit[k]))
            self._solve(self._sample_times(trial))
            report("simulating", trial + 1, n_trials)

    def _sample_times(self, trial: int) -> list[int]:
        """Steps of this trial, counted since the run began, at which anything is sampled."""
        first = trial * self.experiment.trial_steps
        steps = range(first, first + self.experiment.trial_steps)
        return [s for s in steps if any(s % every == 0 for every in self.every)]

    def _solve(self, sampled: list[int]) -> None:
        """From one event to the next until the trial ends."""
        first = self.trial * self.experiment.trial_steps
        waiting = [((step - first) * self.experiment.dt, step) for step in reversed(sampled)]
        self._settle()
        while True:
            self._check()
            if waiting and self.now >= waiting[-1][0] - _INSTANT:
                self._sample(waiting.pop()[1])
                continue
            if self.now >= self.duration:
                return
            goal = min(
                self.duration,
                self.heap[0][0] if self.heap else np.inf,
                waiting[-1][0] if waiting else np.inf,
            )
            self._towards(goal)
            if self.heap and self.heap[0][0] <= self.now + _INSTANT:
                self._deliver()

    def _check(self) -> None:
        """Refuse to go on with states that are no numbers."""
        step = self.trial * self.experiment.trial_steps + self.now / self.experiment.dt
        for name, layer in self.layers.items():
            # What is not finite makes the sum so, whichever state it is.
            if not np.isfinite(layer.state.sum()):
                states = dict(zip(layer.names, layer.state.T, strict=False))
                check_finite(self.experiment, name, states, step)

    def _towards(self, goal: float) -> None:
        """Advance to the goal, to the end of a piece, or to the first spike before."""
        span = min(goal - self.now, self.piece)
        # A sample may be due a rounding before the instant that was reached.
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
        """Let everything that is due at this instant arrive, then end refractory times."""
        ended = []
        while self.heap and self.heap[0][0] <= self.now + _INSTANT:
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
        """Fire whoever stands above threshold, until nobody does."""
        for name, layer in self.layers.items():
            for _ in range(_ENDLESS):
                units = layer.above()
                if not len(units):
                    break
                self._fire(name, units)
            else:
                raise SpecError(
                    f"fires without end at {self.now:g} ms of trial {self.trial}: its reset leaves"
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
        """Everything that was kept."""
        dt, per_trial = self.experiment.dt, self.experiment.trial_steps
        spikes = dict(self.inputs.by_source)
        times = {}
        for name, rows in self.fired.items():
            trial, time, unit = (np.array(c) for c in zip(*rows, strict=True)) if rows else [[]] * 3
            times[name] = np.asarray(time, dtype=np.float64)
            # The stamp that a grid would give: the end of the step.
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
