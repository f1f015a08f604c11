"""Streams of values in pieces of time, each from one origin: an input, a projection, a noise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    def _table(self) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
        """Targets and weights by afferent (afferents, most), filled up with a target of no neuron.

        None if that takes much more memory than a list, or if the connections of a neuron are not in
        the order of their afferents, in which sums are rounded.
        """
        pre, post, weights = self._edges
        number = np.bincount(pre, minlength=1)
        most = int(number.max())
        if len(pre) > _MOST_TABULATED or len(number) * most > 2 * len(pre):
            return None
        order = np.argsort(pre, kind="stable")
        sums = order[np.argsort(post[order], kind="stable")]
        if not np.array_equal(sums, np.argsort(post, kind="stable")):
            return None
        place = np.arange(len(pre)) - np.repeat(np.cumsum(number) - number, number)
        targets = np.full((len(number), most), self._size)
        each = np.zeros((len(number), most))
        targets[pre[order], place], each[pre[order], place] = post[order], weights[order]
        return targets, each

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
        """Sum of weight times value for each neuron; zeros are left out where that saves time."""
        pre, post, weights = self._edges
        used = np.flatnonzero(values)
        if 2 * len(used) < len(values) and self._table is not None:
            used = used[used < len(self._table[0])]
            targets, each = self._table[0][used], self._table[1][used]
            each *= values[used, np.newaxis]
            sums = np.bincount(targets.ravel(), each.ravel(), minlength=self._size + 1)[:-1]
        else:
            sums = np.bincount(post, weights * values[pre], minlength=self._size)
        return sums.astype(np.float64, copy=False)

    def _brought(self, trial: int) -> Pieces:
        """Sum of weight times value for each neuron, before any delay."""
        given = self.experiment.inputs[self.projection.pre]
        if isinstance(given, CurrentInput):
            for step, values in _drawn(self.experiment, self.projection.pre, given, trial):
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
        delay, length = self._delay, self.experiment.trial_steps
        first, waiting = self._nothing, []
        if trial > 0 and not self.experiment.reset:
            for step, values in self._brought(trial - 1):
                if step + delay <= length:
                    first = values
                else:
                    waiting.append((step + delay - length, values))
        yield 0, first
        yield from waiting
        for step, values in self._brought(trial):
            if step + delay >= length:
                return
            yield step + delay, values
