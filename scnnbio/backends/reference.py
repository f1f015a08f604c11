"""Reference backend: the time conventions of :mod:`scnnbio.backends.base` in plain numpy.

It is an oracle for tests, and slow. Every connection is an edge of :meth:`KernelConnector.edges`,
every spike is processed separately, and it shares only the expressions of the neuron's step with
the fast backends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from scnnbio.backends._expressions import assigned, evaluate
from scnnbio.backends._finite import check_finite
from scnnbio.backends._oracle import Oracle, Simulation
from scnnbio.backends._plasticity import Competition, Learning
from scnnbio.backends.outcome import Outcome
from scnnbio.backends.promises import Exact, Promise
from scnnbio.backends.steps import gate_steps, initial_states, refractory_steps, step_constants
from scnnbio.backends.support import ON_A_GRID
from scnnbio.experiment import Experiment, Feature, Inputs, Report
from scnnbio.experiment.drive import Pending
from scnnbio.network import Projection
from scnnbio.neurons.integrator import integrator
from scnnbio.population import Population

FloatArray = NDArray[np.float64]


def _per_neuron(values: NDArray[Any], population: Population) -> FloatArray:
    """Repeat values, one for all or one per channel, to one per neuron."""
    return np.repeat(values, population.size // len(values)).astype(float)


class _Layer:
    """States of one population of neurons."""

    def __init__(self, population: Population, dt: float) -> None:
        self.population = population
        self.model = population.model
        self.updates = integrator(population.model).updates
        self.resets = population.model.resets
        self.constants = {
            n: _per_neuron(v, population) for n, v in step_constants(population, dt).items()
        }
        self.initial = {
            n: _per_neuron(v, population) for n, v in initial_states(population).items()
        }
        self.parameters = {n: _per_neuron(v, population) for n, v in population.values().items()}
        self.held_for = _per_neuron(refractory_steps(population, dt), population).astype(int)
        self.held_states = {s.name for s in self.model.states if s.held_when_refractory}
        self.channel = np.repeat(
            np.arange(population.shape[0]), population.shape[1] * population.shape[2]
        )
        rule = population.homeostasis
        self.shared = None if rule is None else population.channel_values(rule.parameter).copy()
        self.fall = 0.0 if rule is None else rule.fall(population.shape[0], dt)
        self.decay_factor = 1.0 if rule is None else rule.decay_factor(dt)
        rivals = population.competition
        self.competition = None if rivals is None else Competition(rivals, population)
        self.rate = 1.0
        self.restart()

    def restart(self) -> None:
        """Set all states to their initial values."""
        self.state = {name: value.copy() for name, value in self.initial.items()}
        self.remaining = np.zeros(self.population.size, dtype=int)
        self.crossed = np.zeros(0, dtype=np.int64)
        self.held = self.remaining > 0

    def begin_trial(self) -> None:
        """Restart competition, whether or not states are reset."""
        if self.competition is not None:
            self.competition.begin_trial()

    def update(self) -> None:
        """Slot 1: advance every state that is not held, and let the shared threshold decay."""
        self.held = self.remaining > 0
        self.remaining = np.maximum(self.remaining - 1, 0)
        old = self.state
        names = {**self.parameters, **self.constants, **old}
        new = {}
        for update in self.updates:
            value = evaluate(update.expression, names)
            keeps = self.held & (update.state in self.held_states)
            new[update.state] = np.where(keeps, old[update.state], value)
        self.state = new
        rule = self.population.homeostasis
        if rule is not None and self.shared is not None:
            self.rate *= self.decay_factor
            self.shared = self.shared - self.rate * self.fall
            if rule.minimum is not None:
                self.shared = np.maximum(self.shared, rule.minimum)
            self.parameters[rule.parameter] = self.shared[self.channel]

    def receive(self, state: str, targets: NDArray[np.int64], amounts: FloatArray) -> None:
        """Add to a receptor's variable, except where a refractory neuron holds it."""
        if state in self.held_states:
            free = ~self.held[targets]
            targets, amounts = targets[free], amounts[free]
        self.state[state][targets] += amounts

    def fire(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Slot 3: the neurons that fire, and those of them that may learn, in order."""
        names = {**self.parameters, **self.state}
        above = evaluate(self.model.threshold, names)
        crossed = self.crossed = np.flatnonzero(np.asarray(above, dtype=bool) & ~self.held)
        if self.competition is None:
            return crossed, crossed
        excess = evaluate(self.competition.excess, names)
        return self.competition.decide(crossed, excess[crossed])

    def learn(self, fired: NDArray[np.int64]) -> None:
        """Slot 4: each spike raises the threshold of its map."""
        rule = self.population.homeostasis
        if rule is not None and self.shared is not None:
            for unit in fired:
                self.shared[self.channel[unit]] += self.rate * rule.eta

    def reset(self) -> None:
        """Slot 5: reset and hold all neurons that crossed threshold, silenced or not."""
        fired = self.crossed
        names = {n: v[fired] for n, v in {**self.parameters, **self.state}.items()}
        for name, operator, text in self.resets:
            names[name] = assigned(names[name], operator, evaluate(text, names))
            self.state[name][fired] = names[name]
        self.remaining[fired] = self.held_for[fired]


class _Pathway:
    """Edges of one projection, with spikes in flight and the learned kernel.

    Each presynaptic neuron is one afferent per lag: neuron i of n at lag k is afferent k * n + i,
    and its spikes arrive after that lag's delay.
    """

    def __init__(self, projection: Projection, experiment: Experiment) -> None:
        network = experiment.network
        sizes = [network.population(end).size for end in (projection.pre, projection.post)]
        edges = projection.connector.edges()
        self.projection = projection
        self.delays, self.n_pre = experiment.delay_steps(projection), sizes[0]
        self.kernel = projection.kernel.astype(float).ravel().copy()
        afferent = edges.pre + self.n_pre * projection.connector.lag_index(edges)
        self.out = _by_neuron(afferent, self.n_pre * len(self.delays), edges.post, edges.tap)
        self.into = _by_neuron(edges.post, sizes[1], afferent, edges.tap)
        self.gate = gate_steps(experiment, projection)
        self.opens = np.zeros(sizes[1], dtype=int)
        rule = projection.plasticity
        ends = afferent, edges.post, edges.tap
        self.learning = (
            None if rule is None else Learning(rule, projection, experiment, self.kernel, ends)
        )
        self.in_flight: dict[int, list[NDArray[np.int64]]] = {}

    def begin_trial(self, trial: int) -> None:
        """The rate at which it learns, where that grows."""
        if self.learning is not None:
            self.learning.begin_trial(trial)

    def restart(self) -> None:
        """Remove spikes in flight, and set traces to zero."""
        self.in_flight.clear()
        if self.learning is not None:
            self.learning.restart()

    def update(self) -> None:
        """Slot 1: traces and the learning rate decay."""
        if self.learning is not None:
            self.learning.update()

    def send(self, step: int, fired: NDArray[np.int64]) -> None:
        """Send spikes, which arrive once per lag."""
        for lag, delay in enumerate(self.delays):
            if len(fired):
                self.in_flight.setdefault(step + delay, []).append(fired + lag * self.n_pre)

    def deliver(self, step: int, layer: _Layer) -> None:
        """Slot 2: each arriving spike adds the kernel to its targets, then changes it."""
        if self.learning is not None:
            self.learning.reward(step)
        state = layer.model.receptors[self.projection.receptor]
        for unit in np.sort(np.concatenate([_NONE, *self.in_flight.pop(step, ())])):
            targets, taps = self.out[unit]
            if self.gate:
                first = self.opens[targets] < step
                targets, taps = targets[first], taps[first]
                self.opens[targets] = -(-step // self.gate) * self.gate
            layer.receive(state, targets, self.projection.weight * self.kernel[taps])
            if self.learning is not None:
                self.learning.arrive(unit, targets, taps)

    def send_reward(self, step: int, fired: Mapping[str, NDArray[np.int64]]) -> None:
        """Send the spikes that carry its reward, from those of all populations."""
        modulation = None if self.learning is None else self.learning.modulation
        if modulation is not None:
            modulation.send(step, fired[modulation.population])

    def each_step(self, layer: _Layer) -> None:
        """Slot 4, before postsynaptic spikes: the change of every step."""
        if self.learning is not None:
            self.learning.each_step(layer.state)

    def learn(self, fired: NDArray[np.int64]) -> None:
        """Slot 4: each postsynaptic spike changes the weights of its inputs."""
        if self.learning is not None:
            for unit in fired:
                self.learning.fire(unit, *self.into[unit])

    def normalise(self, step: int) -> None:
        """Slot 6: rescale kernels to their norm at the end of the rule's period."""
        if self.learning is not None:
            self.learning.normalise(step)


_NONE = np.zeros(0, dtype=np.int64)


def _by_neuron(
    key: NDArray[np.int64], size: int, *columns: NDArray[np.int64]
) -> list[tuple[NDArray[np.int64], ...]]:
    """Split columns by neuron; each part keeps the order of the edges."""
    order = np.argsort(key, kind="stable")
    cuts = np.searchsorted(key[order], np.arange(1, size))
    return list(zip(*(np.split(column[order], cuts) for column in columns), strict=True))


class ReferenceBackend(Oracle):
    """Plain numpy on the grid, one edge at a time."""

    name: ClassVar[str] = "reference"
    summary: ClassVar[str] = "slow plain numpy on the grid: the oracle"
    supports: ClassVar[frozenset[Feature]] = ON_A_GRID | {Feature.EACH_STEP}
    promises: ClassVar[tuple[Promise, ...]] = (
        Exact("spikes", why="the other backends are compared with it"),
        Exact("signals"),
        Exact("weights"),
    )

    def _make(self, experiment: Experiment, inputs: Inputs) -> Simulation:
        return _Simulation(experiment, inputs)


class _Simulation:
    """All layers and pathways of one experiment."""

    def __init__(self, experiment: Experiment, inputs: Inputs) -> None:
        self.experiment, self.inputs = experiment, inputs
        network = experiment.network
        self.sizes = {p.name: p.size for p in network.populations}
        self.layers = {
            p.name: _Layer(p, experiment.dt) for p in network.populations if not p.is_source
        }
        self.pathways = [_Pathway(p, experiment) for p in network.projections]
        last = experiment.trial_steps * experiment.n_trials
        # Units of each source by the step in which they fire.
        self.input = {
            name: (unit.astype(np.int64), np.searchsorted(step, np.arange(1, last + 2)))
            for name, (step, unit) in inputs.by_source.items()
        }
        self.fired: dict[str, list[tuple[int, NDArray[np.int64]]]] = {n: [] for n in self.sizes}
        self.samples: dict[tuple[str, str], list[FloatArray]] = {}
        self.snapshots: dict[str, list[FloatArray]] = {}

    def run(self, report: Report) -> None:
        """Simulate all trials."""
        # An upstroke may overflow to infinity, which crosses any threshold. States that are still
        # not finite at the end of the step raise an error that names them.
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            self._run(report)

    def _run(self, report: Report) -> None:
        experiment = self.experiment
        with_snapshot = set(experiment.snapshot_trials())
        n_trials, per_trial = experiment.n_trials, experiment.trial_steps
        for trial in range(n_trials):
            for layer in self.layers.values():
                layer.begin_trial()
            for pathway in self.pathways:
                pathway.begin_trial(trial)
            if experiment.reset:
                for layer in self.layers.values():
                    layer.restart()
                for pathway in self.pathways:
                    pathway.restart()
            if trial in with_snapshot:
                for name, value in self._learned().items():
                    self.snapshots.setdefault(name, []).append(value)
            changes = Pending(self.inputs.changes(trial))
            for step in range(trial * per_trial + 1, (trial + 1) * per_trial + 1):
                for change in changes.until(step - 1 - trial * per_trial):
                    self.layers[change.population].state[change.port] = change.values.copy()
                self._sample(step - 1)
                self._step(step)
            report("simulating", trial + 1, n_trials)

    def _step(self, step: int) -> None:
        for layer in self.layers.values():
            layer.update()
        for pathway in self.pathways:
            pathway.update()
        for pathway in self.pathways:
            pathway.deliver(step, self.layers[pathway.projection.post])
        fired = {n: u[cuts[step - 1] : cuts[step]] for n, (u, cuts) in self.input.items()}
        learners = {}
        for name, layer in self.layers.items():
            fired[name], learners[name] = layer.fire()
        for pathway in self.pathways:
            pathway.each_step(self.layers[pathway.projection.post])
            pathway.learn(learners[pathway.projection.post])
            pathway.send(step, fired[pathway.projection.pre])
            pathway.send_reward(step, fired)
        for name, layer in self.layers.items():
            layer.learn(fired[name])
            layer.reset()
            check_finite(self.experiment, name, layer.state, step)
        for pathway in self.pathways:
            pathway.normalise(step)
        for name, neurons in fired.items():
            if len(neurons):
                self.fired[name].append((step, neurons))

    def _sample(self, step: int) -> None:
        for sampling in self.experiment.record.signals:
            every = self.experiment.steps(sampling.period or self.experiment.dt, "period")
            if step % every:
                continue
            for variable in sampling.variables:
                value = self.layers[sampling.population].state[variable]
                chosen = value if sampling.units is None else value[list(sampling.units)]
                self.samples.setdefault((sampling.population, variable), []).append(chosen.copy())

    def _learned(self) -> dict[str, FloatArray]:
        learned = {
            p.projection.name: p.kernel.reshape(p.projection.kernel.shape).copy()
            for p in self.pathways
            if p.projection.plasticity is not None
        }
        shared = {n: layer.shared for n, layer in self.layers.items() if layer.shared is not None}
        return learned | {name: value.copy() for name, value in shared.items()}

    def outcome(self) -> Outcome:
        """Everything that was recorded."""
        return Outcome(
            spikes={name: _flat(rows) for name, rows in self.fired.items()},
            signals={key: np.array(rows) for key, rows in self.samples.items()},
            weights=self._learned(),
            snapshots={name: np.array(rows) for name, rows in self.snapshots.items()},
            output_spikes={n: sum(len(u) for _, u in self.fired[n]) for n in self.layers},
            pathways={p.projection.name: "expanded" for p in self.pathways},
        )


def _flat(
    rows: list[tuple[int, NDArray[np.int64]]],
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    steps = [np.full(len(units), step, dtype=np.int64) for step, units in rows]
    units = [units.astype(np.int32) for _, units in rows]
    empty = (np.zeros(0, np.int64), np.zeros(0, np.int32))
    return (np.concatenate(steps), np.concatenate(units)) if rows else empty
