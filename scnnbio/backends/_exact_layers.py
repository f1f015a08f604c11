"""Layers and pathways of the event-driven backend: exact states between events."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scnnbio.backends import _crossings
from scnnbio.backends._crossings import TERMS, exponential, first_crossings, piece_length
from scnnbio.backends._expressions import assigned, evaluate
from scnnbio.backends._linear import generators, threshold_form
from scnnbio.backends.steps import initial_states
from scnnbio.network import Projection
from scnnbio.population import Population

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Layer:
    """The neurons of one population, all at the same time.

    ``state`` is (neurons, states + 1): the difference from an origin, which loses fewer digits to
    rounding than a potential of -65 mV, and a column of ones. The origin is the initial state of
    the first neuron of each set of parameters.
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
        self.sets = np.repeat(np.arange(len(free)), population.size // len(free))
        self.distance = np.einsum("si,skij->skj", distance, self.series[False])[self.sets]
        rest = np.einsum("si,sij->sj", np.abs(distance), _crossings.tail(free, self.piece))
        self.remainder = rest[self.sets]
        self.frozen = set(frozen)
        self.parameters = {n: np.repeat(v, size // len(v)) for n, v in population.values().items()}
        refractory = self.model.refractory
        self.held_for = self.parameters[refractory] if refractory else np.zeros(population.size)
        self.origin = start[self.sets]
        self.begin = initial - self.origin
        self.restart()

    def restart(self) -> None:
        """Set all states to their initial values."""
        self.state = np.zeros((self.population.size, len(self.names) + 1))
        self.state[:, :-1] = self.begin
        self.state[:, -1] = 1.0
        self.held = np.zeros(self.population.size, dtype=bool)

    def value(self, name: str, units: IntArray | slice = slice(None)) -> FloatArray:
        """Values of a state variable, in its unit."""
        column = self.names.index(name)
        return np.asarray(self.origin[units, column] + self.state[units, column])

    def set(self, name: str, values: FloatArray) -> None:
        """Set a state variable of all neurons."""
        column = self.names.index(name)
        self.state[:, column] = values - self.origin[:, column]

    def crossings(self, span: float) -> tuple[IntArray, FloatArray]:
        """Neurons that reach threshold within ``span`` ms (at most a piece), and the times."""
        free = np.flatnonzero(~self.held)
        stretch = (span / self.piece) ** np.arange(TERMS)
        curves = np.einsum("nkj,nj->nk", self.distance[free], self.state[free]) * stretch
        rest = np.einsum("nj,nj->n", self.remainder[free], np.abs(self.state[free]))
        found, place = first_crossings(curves, rest)
        return free[found], place * span

    def advance(self, span: float) -> None:
        """Advance all states by ``span`` ms (at most a piece)."""
        for held in (False, True):
            chosen = np.flatnonzero(self.held == held)
            if len(chosen):
                step = exponential(self.series[held], span / self.piece)
                self.state[chosen] = np.einsum(
                    "nij,nj->ni", step[self.sets[chosen]], self.state[chosen]
                )

    def receive(self, state: str, targets: IntArray, amounts: FloatArray) -> None:
        """Add to a receptor's variable, except where a refractory neuron holds it."""
        column = self.names.index(state)
        if column in self.frozen:
            free = ~self.held[targets]
            targets, amounts = targets[free], amounts[free]
        self.state[targets, column] += amounts

    def above(self) -> IntArray:
        """Neurons that are at or above threshold and not refractory."""
        distance = np.einsum("nj,nj->n", self.distance[:, 0], self.state)
        return np.flatnonzero((distance >= 0.0) & ~self.held)

    def reset(self, fired: IntArray) -> None:
        """Reset neurons that fired, and hold those with a refractory period."""
        names = {n: v[fired] for n, v in self.parameters.items()}
        names |= {name: self.value(name, fired) for name in self.names}
        for name, operator, text in self.model.resets:
            names[name] = assigned(names[name], operator, evaluate(text, names))
            column = self.names.index(name)
            self.state[fired, column] = names[name] - self.origin[fired, column]
        self.held[fired] = self.held_for[fired] > 0.0


class Pathway:
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
        """Targets of a presynaptic neuron, and the amounts it adds to them."""
        part = slice(self._cuts[unit], self._cuts[unit + 1])
        return self._target[part], self._amount[part]
