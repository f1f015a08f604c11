"""Learning and competition of the reference backend, one edge and one spike at a time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from scnnbio.backends._expressions import evaluate
from scnnbio.experiment import Experiment
from scnnbio.network import Projection
from scnnbio.neurons.parsing import excess_over
from scnnbio.plasticity import LearningRule, Reward, Trace, TraceRule, WinnerTakeAll
from scnnbio.plasticity.each_step import ELIGIBILITY
from scnnbio.population import Population

FloatArray = NDArray[np.float64]


class Learning:
    """Traces and kernel of one plastic projection; see :class:`scnnbio.plasticity.TraceRule`.

    ``kernel`` (taps,) is changed in place. Presynaptic units are afferents: one per neuron and lag
    of the kernel. ``ends`` are the afferent, the target and the tap of every connection.
    """

    def __init__(
        self,
        rule: LearningRule,
        projection: Projection,
        experiment: Experiment,
        kernel: FloatArray,
        ends: tuple[NDArray[np.int64], ...],
    ) -> None:
        network = experiment.network
        self.kernel, self.shape = kernel, projection.kernel.shape
        self.rule = rule.as_traces()
        self.pre, self.post, self.tap = ends
        self.sizes = {
            "pre": network.population(projection.pre).size * len(projection.delays),
            "post": network.population(projection.post).size,
        }
        self.decay = {n: np.exp(-experiment.dt / t.tau) for n, t in self.rule.traces.items()}
        self.modulation = _modulation(self.rule, projection, experiment)
        each = self.rule.each_step
        tau = None if each is None else each.tau
        self.keep_eligible = 0.0 if tau is None else float(np.exp(-experiment.dt / tau))
        self.every = experiment.normalised_every(projection)
        self.decay_factor = self.rule.decay_factor(experiment.dt)
        self.rate = 1.0
        self.restart()

    def restart(self) -> None:
        """Set all traces, and the eligibility of each connection, to zero."""
        self.eligible = np.zeros(len(self.tap))
        self.traces = {n: np.zeros(self.sizes[t.side]) for n, t in self.rule.traces.items()}
        if self.modulation is not None:
            self.modulation.restart()

    def begin_trial(self, trial: int) -> None:
        """The learning rate of a trial, if it grows."""
        if self.rule.growth is not None:
            self.rate = self.rule.growth.rate(trial)

    def update(self) -> None:
        """Slot 1: traces and the learning rate decay."""
        for name, value in self.traces.items():
            value *= self.decay[name]
        self.rate *= self.decay_factor
        if self.modulation is not None:
            self.modulation.update()

    def reward(self, step: int) -> None:
        """Slot 2, before spikes arrive: the reward moves what is eligible."""
        if self.modulation is not None:
            change = self.rate * self.modulation.take(step)
            self.kernel[:] = np.clip(self.kernel + change, self.rule.w_min, self.rule.w_max)

    def arrive(self, unit: int, targets: NDArray[np.int64], taps: NDArray[np.int64]) -> None:
        """Slot 2: a presynaptic spike arrives at ``targets`` through ``taps``."""
        self._change(self.rule.on_pre, taps, {"pre": unit, "post": targets})
        self._jump("pre", unit)

    def fire(self, unit: int, sources: NDArray[np.int64], taps: NDArray[np.int64]) -> None:
        """Slot 4: a postsynaptic neuron fired; ``sources`` connect to it through ``taps``."""
        self._change(self.rule.on_post, taps, {"pre": sources, "post": unit})
        self._jump("post", unit)

    def each_step(self, states: Mapping[str, FloatArray]) -> None:
        """Slot 4, before postsynaptic spikes: every connection adds to the change of its weight."""
        each = self.rule.each_step
        if each is None:
            return
        ends = {"pre": self.pre, "post": self.post}
        names: dict[str, FloatArray | float] = {**self.rule.constants}
        names |= {n: self.traces[n][ends[t.side]] for n, t in self.rule.traces.items()}
        names |= {n: states[n][self.post] for n in each.states}
        names["w"] = self.kernel[self.tap]
        if each.eligible:
            self.eligible = self.keep_eligible * self.eligible + evaluate(each.eligible, names)
            names[ELIGIBILITY] = self.eligible
        change = np.broadcast_to(evaluate(each.change, names), self.tap.shape)
        moved = np.bincount(self.tap, weights=change, minlength=self.kernel.size)
        self.kernel[:] = np.clip(self.kernel + self.rate * moved, self.rule.w_min, self.rule.w_max)

    def normalise(self, step: int) -> None:
        """Slot 6: rescale each output map's kernel to its norm."""
        control = self.rule.normalisation
        if control is None or step % self.every:
            return
        for one in self.kernel.reshape(self.shape):
            size = np.sum(np.abs(one)) if control.norm == "l1" else np.sqrt(np.sum(one**2))
            if size > 0:
                one[:] = np.clip(one * (control.target / size), self.rule.w_min, self.rule.w_max)

    def _change(
        self, text: str, taps: NDArray[np.int64], ends: dict[str, int | NDArray[np.int64]]
    ) -> None:
        if text:
            w = self.kernel[taps]
            read = {n: self.traces[n][ends[t.side]] for n, t in self.rule.traces.items()}
            change = evaluate(text, {**self.rule.constants, **read, "w": w})
            if self.modulation is not None:
                self.modulation.eligible[taps] += change
                return
            self.kernel[taps] = np.clip(w + self.rate * change, self.rule.w_min, self.rule.w_max)

    def _jump(self, side: str, unit: int) -> None:
        for name, trace in self.rule.traces.items():
            if trace.side == side:
                self.traces[name][unit] = _jumped(trace, self.traces[name][unit])


class Modulation:
    """Reward and eligibility of one kernel; see :class:`scnnbio.plasticity.Reward`."""

    def __init__(
        self, rule: TraceRule, reward: Reward, projection: Projection, experiment: Experiment
    ) -> None:
        population, dt = experiment.network.population(reward.population), experiment.dt
        self.size = projection.kernel.size
        self.population = population.name
        channels, rows, columns = population.shape
        self.values = np.repeat(reward.by_channel(channels), rows * columns)
        self.delay = experiment.reward_steps(projection)
        self.keep = 0.0 if reward.tau is None else float(np.exp(-dt / reward.tau))
        waits = rule.eligibility
        self.forget = waits is None
        self.keep_eligible = 1.0 if waits is None else float(np.exp(-dt / waits))
        self.restart()

    def restart(self) -> None:
        """Forget the reward, that in flight too, and what is eligible."""
        self.reward = 0.0
        self.eligible = np.zeros(self.size)
        self.in_flight: dict[int, NDArray[np.int64]] = {}

    def update(self) -> None:
        """Slot 1: reward and eligibility decay."""
        self.reward *= self.keep
        self.eligible *= self.keep_eligible

    def send(self, step: int, fired: NDArray[np.int64]) -> None:
        """Send spikes of reward."""
        self.in_flight[step + self.delay] = fired

    def take(self, step: int) -> FloatArray:
        """Change of all weights (taps,) by the reward of this step."""
        for unit in self.in_flight.pop(step, ()):
            self.reward += self.values[unit]
        change = self.reward * self.eligible
        if self.forget:
            self.eligible = np.zeros(self.size)
        return change


def _modulation(
    rule: TraceRule, projection: Projection, experiment: Experiment
) -> Modulation | None:
    reward = rule.reward
    return None if reward is None else Modulation(rule, reward, projection, experiment)


def _jumped(trace: Trace, value: float) -> float:
    return 1.0 if trace.pairing == "nearest" else value + 1.0


class Competition:
    """Neurons that may fire and learn in one population; see :class:`.plasticity.WinnerTakeAll`."""

    def __init__(self, rule: WinnerTakeAll, population: Population) -> None:
        self.rule = rule
        self.shape = population.shape
        self.excess = excess_over(population.model.threshold)
        self.begin_trial()

    def begin_trial(self) -> None:
        """Begin a trial without winners and silenced neurons."""
        #: Position of the winner, by map.
        self.winners: dict[int, tuple[int, int]] = {}
        #: Map whose neuron fired first, by position.
        self.owner: dict[tuple[int, int], int] = {}

    def decide(
        self, crossed: NDArray[np.int64], excess: FloatArray
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Slot 3: of the neurons that crossed threshold, those that fire and those that learn."""
        fired, learned = [], []
        for unit in crossed[np.lexsort((crossed, -excess))]:
            channel, row, column = (int(i) for i in np.unravel_index(unit, self.shape))
            place = row, column
            if self.rule.silence and self.owner.setdefault(place, channel) != channel:
                continue
            fired.append(unit)
            if self._wins(channel, place):
                self.winners[channel] = place
                learned.append(unit)
        return np.sort(np.array(fired, dtype=np.int64)), np.sort(np.array(learned, dtype=np.int64))

    def _wins(self, channel: int, place: tuple[int, int]) -> bool:
        if channel in self.winners:
            return self.winners.get(channel) == place
        if self.rule.winners is not None and len(self.winners) >= self.rule.winners:
            return False
        return all(
            max(abs(place[0] - row), abs(place[1] - column)) > self.rule.radius
            for row, column in self.winners.values()
        )
