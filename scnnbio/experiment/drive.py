"""Analog drive: values and injected currents that act on the ports of neurons.

The drive is computed once, above the backends, in double precision, so that every backend gets
the same bits. :func:`scnnbio.experiment.lowering.lowered` rewrites an experiment for a
simulator: it removes sources of values and their projections, and turns a driven port into a
state of its neurons that only the drive changes (:mod:`scnnbio.neurons.ports`). A :class:`Drive`
yields its values, one interval of time after another.
"""

from __future__ import annotations

import dataclasses
import heapq
import itertools
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.experiment.streams import Described, Injected, Pieces, Projected, Wandering
from scnnbio.inputs import CurrentInput, Draw, Input
from scnnbio.network import Network
from scnnbio.neurons.noise import OrnsteinUhlenbeckNoise, conducting, noise_port
from scnnbio.neurons.ports import port
from scnnbio.population import Population, spread
from scnnbio.units import dimension

#: Number of sums that a drive keeps for each port: of a trial that begins, goes on and ends, and
#: one more.
_KEPT = 4


@dataclass(frozen=True, eq=False)
class Change:
    """New values of a port, from the beginning of a step on.

    Parameters
    ----------
    step : int
        Steps since the trial began, from 0.
    population, port : str
    values : ndarray (neurons,)
        In the port's unit, including the parameter's value without drive.
    """

    step: int
    population: str
    port: str
    values: NDArray[np.float64]


class Pending:
    """Changes in order of time, of which :meth:`until` takes those that are due.

    Parameters
    ----------
    changes : iterator of Change
    """

    def __init__(self, changes: Iterator[Change]) -> None:
        self._changes = changes
        self._next = next(changes, None)

    @property
    def step(self) -> int | None:
        """Step of the next change; None if there is none."""
        return None if self._next is None else self._next.step

    def until(self, step: int) -> Iterator[Change]:
        """The changes up to and including a step."""
        while self._next is not None and self._next.step <= step:
            change, self._next = self._next, next(self._changes, None)
            yield change


def driven_ports(network: Network, inputs: Mapping[str, Input]) -> dict[str, tuple[str, ...]]:
    """The driven ports by population, in the order of the network.

    Raises
    ------
    SpecError
        If a population lacks a named port, or its input has another unit.
    """
    found: dict[str, set[str]] = {}
    for name, given in inputs.items():
        population = network.population(name)
        if isinstance(given, CurrentInput) and not population.is_source:
            _check_unit(given, population)
            found.setdefault(name, set()).add(given.port)
    for projection in network.projections:
        if network.population(projection.pre).gives_values:
            found.setdefault(projection.post, set()).add(projection.receptor)
    for population in network.populations:
        for place, noise in _wanderers(population):
            found.setdefault(population.name, set()).add(noise_port(noise, place))
    return {
        p.name: tuple(n for n in noisy(p).model.parameters if n in found[p.name])
        for p in network.populations
        if p.name in found
    }


def noisy(population: Population) -> Population:
    """A population whose neurons have the conductances of its noises, and no noise any more."""
    if not population.noise:
        return population
    model = conducting(population.model, population.noise)
    return dataclasses.replace(population, neuron=model, noise=())


def _wanderers(population: Population) -> list[tuple[int, OrnsteinUhlenbeckNoise]]:
    """The noises of a population that are currents or conductances, each with its place."""
    return [
        (place, noise)
        for place, noise in enumerate(population.noise)
        if isinstance(noise, OrnsteinUhlenbeckNoise)
    ]


def _check_unit(given: CurrentInput, population: Population) -> None:
    """Raise unless values have the unit of the port."""
    where = f"inputs.{population.name}"
    needed = port(population.model, given.port, f"{where}.port").unit
    if dimension(given.unit) != dimension(needed):
        have = "values without a unit" if given.unit == "1" else f"values in {given.unit}"
        raise SpecError(
            f"{have}, and {given.port!r} of {population.neuron.name} is in {needed}; give"
            f" unit = {needed!r}",
            where=f"{where}.unit",
        )


@final
@dataclass(frozen=True, eq=False)
class Drive(Input):
    """The summed and delayed inputs to the ports of one population.

    Parameters
    ----------
    experiment : Experiment
        The experiment before lowering.
    population : str
    first : int
        Number, among the trials of the experiment, of the one that counts as trial 0.
    """

    experiment: Described
    population: str
    first: int = 0

    @property
    def n_trials(self) -> int:
        """Number of trials."""
        return next(iter(self.experiment.inputs.values())).n_trials

    @property
    def duration(self) -> float:
        """Duration of one trial (ms)."""
        return next(iter(self.experiment.inputs.values())).duration

    @property
    def shape(self) -> tuple[int | None, int | None, int | None]:
        """Shape of the population."""
        return self._described.shape

    def spikes(self, trial: int, draw: Draw) -> Any:
        """Raise: a drive gives values, not spikes."""
        raise SpecError("a drive gives values, not spikes", where=f"inputs.{self.population}")

    def table(self) -> dict[str, NDArray[Any]]:
        """Empty: the trial table takes its columns from the inputs."""
        return {}

    @cached_property
    def _described(self) -> Population:
        return noisy(self.experiment.network.population(self.population))

    @cached_property
    def ports(self) -> tuple[str, ...]:
        """The driven ports."""
        return driven_ports(self.experiment.network, self.experiment.inputs)[self.population]

    @cached_property
    def _bases(self) -> dict[str, NDArray[np.float64]]:
        """By port, its values without drive."""
        population, own = self._described, self._described.model.parameters
        rest = {name: population.parameters.get(name, own[name].default) for name in self.ports}
        return {name: spread(value, population.size) for name, value in rest.items()}

    @cached_property
    def _sums(self) -> dict[str, list[tuple[list[NDArray[np.float64]], Any]]]:
        """By port, the latest sums and what they are of."""
        return {}

    @cached_property
    def _streams(self) -> dict[str, list[Callable[[int], Pieces]]]:
        """By port, functions that yield the intervals of a trial, in the order of summation."""
        return {name: [one.pieces for one in found] for name, found in self.origins.items()}

    @cached_property
    def origins(self) -> dict[str, list[Injected | Projected | Wandering]]:
        """By port, what drives it, in the order of summation."""
        experiment, network = self.experiment, self.experiment.network
        streams: dict[str, list[Injected | Projected | Wandering]] = {n: [] for n in self.ports}
        own = experiment.inputs.get(self.population)
        if isinstance(own, CurrentInput):
            unit = self._described.model.parameters[own.port].unit
            streams[own.port].append(Injected(experiment, self.population, own, unit))
        for projection in network.incoming(self.population):
            if network.population(projection.pre).gives_values:
                streams[projection.receptor] += [
                    Projected(experiment, projection, lag) for lag in range(len(projection.delays))
                ]
        for place, noise in _wanderers(network.population(self.population)):
            streams[noise_port(noise, place)].append(
                Wandering(experiment, self.population, place, noise)
            )
        return streams

    def base(self, name: str) -> NDArray[np.float64]:
        """A port's values without drive (neurons,)."""
        return self._bases[name]

    @cached_property
    def projected(self) -> dict[str, tuple[Projected, ...]]:
        """By port, the projections that a backend may sum itself.

        With the connections of each in the order of their afferents, and one projection after
        another, it gets the bits of :meth:`changes`. Ports with another drive, or whose sums
        are checked against a range, are not among them.
        """
        found = {}
        for name, streams in self.origins.items():
            free = not self.limited(name)
            summed = [s for s in streams if isinstance(s, Projected) and s.table is not None]
            if free and streams and len(summed) == len(streams):
                found[name] = tuple(summed)
        return found

    def limited(self, name: str) -> bool:
        """Whether the sums of a port are checked against a range."""
        parameter = self._described.model.parameters[name]
        return parameter.unit == "uS" or parameter.bounded

    def values(self, name: str, trial: int) -> list[Pieces]:
        """Of each projection in :attr:`projected`, the values that it brings in a trial."""
        return [one.values(trial + self.first) for one in self.projected[name]]

    def changes(self, trial: int) -> Iterator[Change]:
        """All changes of a trial in order of time; each port has one at step 0.

        Parameters
        ----------
        trial : int

        Yields
        ------
        Change

        Raises
        ------
        SpecError
            If a value leaves the range of the port.
        """
        each = (self.changes_of(name, trial) for name in self.ports)
        return heapq.merge(*each, key=operator.attrgetter("step"))

    def changes_of(self, name: str, trial: int) -> Iterator[Change]:
        """The changes of one port."""
        trial += self.first
        base = self._bases[name]
        streams = self._streams[name]
        parts = [base] * (len(streams) + 1)
        numbered = (_numbered(k, pieces(trial)) for k, pieces in enumerate(streams, start=1))
        merged = heapq.merge(*numbered, key=operator.itemgetter(0))
        for step, together in itertools.groupby(merged, key=operator.itemgetter(0)):
            for _, k, values in together:
                parts[k] = values
            yield Change(step, self.population, name, self._sum(name, trial, parts))

    def _sum(self, name: str, trial: int, parts: list[NDArray[np.float64]]) -> Any:
        """The sum of all parts, within the range of the port; the same parts have the same sum."""
        for found, total in self._sums.setdefault(name, []):
            if all(one is other for one, other in zip(found, parts, strict=True)):
                return total
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        self.check(name, trial, total)
        self._sums[name] = [*self._sums[name][1 - _KEPT :], (list(parts), total)]
        return total

    def check(self, name: str, trial: int, values: NDArray[np.float64]) -> None:
        """Raise if a value is outside the range of the port, or a conductance is negative.

        Parameters
        ----------
        name : str
            The port.
        trial : int
            For the message.
        values : ndarray (neurons,)

        Raises
        ------
        SpecError
        """
        parameter = self._described.model.parameters[name]
        where = f"population {self.population!r}.{name}"
        low = float(values.min())
        if parameter.unit == "uS" and low < 0:
            raise SpecError(
                f"the drive lowers the conductance to {low:g} uS in trial {trial}; a conductance"
                f" is never"
                " negative; change the values or the weights",
                where=where,
            )
        if parameter.bounded:
            for extreme in (low, float(values.max())):
                parameter.check(extreme, where)


def _numbered(k: int, pieces: Pieces) -> Iterator[tuple[int, int, NDArray[np.float64]]]:
    for step, values in pieces:
        yield step, k, values
