"""Streams of values in pieces of time, each from one origin: an input, a projection, a noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.experiment.noise import noise_generator, wandering
from scnnbio.inputs import CurrentInput, Draw, Input
from scnnbio.network import Network, Projection
from scnnbio.neurons.noise import OrnsteinUhlenbeckNoise
from scnnbio.units import si_factor

Pieces = Iterator[tuple[int, NDArray[np.float64]]]


class Described(Protocol):
    """An :class:`~scnnbio.experiment.Experiment`, as far as it is needed here."""

    @property
    def network(self) -> Network:
        """Populations and projections."""

    @property
    def inputs(self) -> Mapping[str, Input]:
        """What drives each population that an input drives."""

    @property
    def dt(self) -> float:
        """Time step (ms)."""

    @property
    def input_dt(self) -> float | None:
        """Step of the grid on which inputs are drawn (ms), if it is another one."""

    @property
    def seed(self) -> int:
        """What every random draw follows from."""

    @property
    def reset(self) -> bool:
        """Whether each trial begins from rest."""

    @property
    def trial_steps(self) -> int:
        """Time steps of one trial."""

    def drawing(self, trial: int, source: str) -> Draw:
        """Shape, grid and chance of an input."""

    def delay_steps(self, projection: Projection) -> tuple[int, ...]:
        """Steps from a value to its arrival, one for each lag."""

    def steps(self, time: float, where: str) -> int:
        """Whole number of time steps."""


def _drawn(experiment: Described, name: str, given: CurrentInput, trial: int) -> Pieces:
    """Pieces of an input in steps of the experiment's grid."""
    draw = experiment.drawing(trial, name)
    every = experiment.steps(draw.dt, "input_dt") if draw.dt != experiment.dt else 1
    size, last = experiment.network.population(name).size, -1
    for step, found in given.currents(trial, draw):
        values = np.asarray(found, dtype=np.float64)
        in_order = step == 0 if last < 0 else step > last
        if not in_order or values.shape != (size,) or not np.isfinite(values).all():
            raise SpecError(
                f"trial {trial}, step {step}: give finite values of shape ({size},), for step 0"
                " first and for later steps in order",
                where=f"inputs.{name}",
            )
        last = step
        if step * every < experiment.trial_steps:
            yield step * every, values


@dataclass(frozen=True, eq=False)
class Injected:
    """What an input injects straight into neurons."""

    experiment: Described
    name: str
    given: CurrentInput
    unit: str

    def pieces(self, trial: int) -> Pieces:
        """Pieces of a trial, in the unit of the port."""
        ratio = float(np.round(si_factor(self.given.unit) / si_factor(self.unit), 9))
        for step, values in _drawn(self.experiment, self.name, self.given, trial):
            # Division by a whole power of ten rounds once: 300 pA are 0.3 nA.
            yield step, values / (1 / ratio) if ratio < 1 else values * ratio


@dataclass(frozen=True, eq=False)
class Wandering:
    """What a noise adds to a port."""

    experiment: Described
    name: str
    place: int
    noise: OrnsteinUhlenbeckNoise

    def pieces(self, trial: int) -> Pieces:
        """Pieces of a trial: one for each step of the grid on which inputs are drawn."""
        experiment = self.experiment
        dt = experiment.input_dt or experiment.dt
        every = experiment.steps(dt, "input_dt")
        steps = -(-experiment.trial_steps // every)
        size = experiment.network.population(self.name).size
        rng = noise_generator(experiment.seed, trial, self.name, self.place)
        for step, values in enumerate(wandering(self.noise, size, dt, steps, rng)):
            yield step * every, values


#: A projection of more connections is not tabulated by afferent, to limit memory.
_MOST_TABULATED = 4_000_000


@dataclass(frozen=True, eq=False)
class Afferents:
    """The connections of a projection, sorted by afferent.

    Parameters
    ----------
    first : ndarray (afferents + 1,)
        Index of the first connection of each afferent, and of the end of the last.
    target : ndarray (connections,)
        Neurons.
    weight : ndarray (connections,)
    """

    first: NDArray[np.int64]
    target: NDArray[np.int64]
    weight: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Projected:
    """What a projection from a source of values brings at one lag of its kernel."""

    experiment: Described
    projection: Projection
    lag: int
    #: The latest values of the source, and what they brought: equal values are not added up again.
    _latest: list[NDArray[np.float64]] = field(default_factory=list)

    @cached_property
    def _edges(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Afferent, target and weight of each connection."""
        connector = self.projection.connector
        edges = connector.edges()
        chosen = connector.lag_index(edges) == self.lag
        weights = self.projection.weight * self.projection.kernel.astype(float).ravel()
        return edges.pre[chosen], edges.post[chosen], weights[edges.tap[chosen]]

    @cached_property
    def table(self) -> Afferents | None:
        """The connections by afferent, whose targets add up in that order.

        None if they are many, or if the connections of a neuron are not in the order of their
        afferents, in which sums are rounded.
        """
        pre, post, weights = self._edges
        order = np.argsort(pre, kind="stable")
        sums = order[np.argsort(post[order], kind="stable")]
        in_order = np.array_equal(sums, np.argsort(post, kind="stable"))
        if len(pre) > _MOST_TABULATED or not in_order:
            return None
        size = self.experiment.network.population(self.projection.pre).size
        first = np.searchsorted(pre[order], np.arange(size + 1))
        return Afferents(first, post[order], weights[order])

    @cached_property
    def _size(self) -> int:
        return self.experiment.network.population(self.projection.post).size

    @cached_property
    def _nothing(self) -> NDArray[np.float64]:
        return np.zeros(self._size)

    @cached_property
    def _delay(self) -> int:
        return self.experiment.delay_steps(self.projection)[self.lag]

    def _sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum of weight times value for each neuron."""
        pre, post, weights = self._edges
        sums = np.bincount(post, weights * values[pre], minlength=self._size)
        return sums.astype(np.float64, copy=False)

    def _given(self, trial: int) -> Pieces:
        """Values of the source."""
        given = self.experiment.inputs[self.projection.pre]
        if isinstance(given, CurrentInput):
            yield from _drawn(self.experiment, self.projection.pre, given, trial)

    def _brought(self, trial: int) -> Pieces:
        """Sum of weight times value for each neuron, before any delay."""
        for step, values in self._given(trial):
            yield step, self._sums_of_latest(values)

    def _sums_of_latest(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The sums, as the same array where the values are 0 or those of before."""
        if not values.any():
            return self._nothing
        if not (self._latest and np.array_equal(values, self._latest[0])):
            self._latest[:] = [np.array(values), self._sums(values)]
        return self._latest[1]

    def pieces(self, trial: int) -> Pieces:
        """Pieces of a trial: a value that holds from t on arrives from t + delay on.

        What the trial before left on the way arrives first, unless the trial begins from rest.
        """
        return self._delayed(trial, self._nothing, self._brought)

    def values(self, trial: int) -> Pieces:
        """The values of the source that :meth:`pieces` sums, at the same times."""
        return self._values(trial) if self._repeated is None else iter(self._repeated)

    @cached_property
    def _repeated(self) -> list[tuple[int, NDArray[np.float64]]] | None:
        """The values of every trial, if they are known to be the same."""
        given = self.experiment.inputs[self.projection.pre]
        known = isinstance(given, CurrentInput) and not given.is_random and given.repeats
        return list(self._values(0)) if known and self.experiment.reset else None

    def _values(self, trial: int) -> Pieces:
        size = self.experiment.network.population(self.projection.pre).size
        return self._delayed(trial, np.zeros(size), self._given)

    def _delayed(
        self, trial: int, first: NDArray[np.float64], of: Callable[[int], Pieces]
    ) -> Pieces:
        delay, length = self._delay, self.experiment.trial_steps
        waiting = []
        if trial > 0 and not self.experiment.reset:
            for step, values in of(trial - 1):
                if step + delay <= length:
                    first = values
                else:
                    waiting.append((step + delay - length, values))
        yield 0, first
        yield from waiting
        for step, values in of(trial):
            if step + delay >= length:
                return
            yield step + delay, values
