"""Input spikes as a stream of trials, so that memory does not grow with a run's duration."""

from __future__ import annotations

import heapq
import itertools
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from scnnbio.experiment.drive import Change, Drive
from scnnbio.population import Population

#: Called as ``report(phase, done, total)`` during long operations.
Report = Callable[[str, float, float], None]


class Presented(Protocol):
    """The part of an :class:`~scnnbio.experiment.Experiment` that this module uses."""

    @property
    def network(self) -> Any:
        """The network, whose ``sources`` are driven."""

    @property
    def drives(self) -> Mapping[str, Drive]:
        """Drive of the ports of neurons, by population."""

    @property
    def n_trials(self) -> int:
        """Number of trials."""

    @property
    def trial_steps(self) -> int:
        """Time steps of one trial."""

    @property
    def drawn_at_once(self) -> int:
        """Number of trials that are best drawn together."""

    def input_spikes_of(
        self, trials: Sequence[int]
    ) -> list[tuple[NDArray[np.int32], NDArray[np.int32]]]:
        """Spikes of some trials: stamps in steps since each began, and neurons."""


@dataclass(eq=False)
class Inputs:
    """The input spikes of a run, the same on every backend; drawn on demand.

    A backend either iterates over :meth:`trials`, or takes all spikes at once.

    Parameters
    ----------
    experiment : Presented
    report : callable, optional
        Called as ``report(phase, done, total)`` after each trial.
    phase : callable, optional
        Returns a context that is entered while a trial is drawn, to measure the time.
    drawn : int
        Number of spikes drawn so far.
    """

    experiment: Presented
    report: Report | None = None
    phase: Callable[[], AbstractContextManager[None]] = nullcontext
    drawn: int = 0

    def trials(self, first: int = 0) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]:
        """Yield trials from ``first`` on, each drawn from its own generator.

        Yields
        ------
        step : ndarray of int32 (spikes,)
            Stamp in steps since the trial began, 1 for its first step; sorted.
        unit : ndarray of int32 (spikes,)
            Neuron of the source population; with several sources, numbers continue from one source
            to the next, in the order of the network.
        """
        n_trials, at_once = self.experiment.n_trials, self.experiment.drawn_at_once
        for begin in range(first, n_trials, at_once):
            numbers = range(begin, min(begin + at_once, n_trials))
            with self.phase():
                drawn = self.experiment.input_spikes_of(numbers)
            for trial, (step, unit) in zip(numbers, drawn, strict=True):
                self.drawn += len(step)
                if self.report is not None:
                    self.report("drawing input spikes", trial + 1, n_trials)
                yield step.astype(np.int32), unit.astype(np.int32)

    def changes(self, trial: int) -> Iterator[Change]:
        """Changes at the ports of driven neurons in a trial, in order of time.

        Yields
        ------
        Change
            Every driven port has one at step 0; within a step they are in the order of
            ``experiment.drives`` and its ports.
        """
        each = (drive.changes(trial) for drive in self.experiment.drives.values())
        return heapq.merge(*each, key=operator.attrgetter("step"))

    @cached_property
    def _all(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        per_trial = self.experiment.trial_steps
        steps, units = [], []
        for trial, (step, unit) in enumerate(self.trials()):
            steps.append(step.astype(np.int64) + trial * per_trial)
            units.append(unit)
        return np.concatenate(steps), np.concatenate(units)

    @property
    def step(self) -> NDArray[np.int64]:
        """Stamps of all spikes in steps since the run began (spikes,); sorted."""
        return self._all[0]

    @property
    def unit(self) -> NDArray[np.int32]:
        """Neurons of the source population, or of all sources numbered consecutively (spikes,)."""
        return self._all[1]

    @cached_property
    def by_source(self) -> dict[str, tuple[NDArray[np.int64], NDArray[np.int32]]]:
        """Stamps, and neurons of the source, by the source's name."""
        return split_by_source(self.step, self.unit, self.experiment.network.sources)


def split_by_source(
    step: NDArray[np.int64], unit: NDArray[np.int32], sources: Sequence[Population]
) -> dict[str, tuple[NDArray[np.int64], NDArray[np.int32]]]:
    """Split spikes of all sources, whose units are numbered consecutively, by source name."""
    if len(sources) == 1:
        return {sources[0].name: (step, unit)}
    found = {}
    for population, first in zip(sources, first_units(sources), strict=True):
        ours = (unit >= first) & (unit < first + population.size)
        found[population.name] = step[ours], unit[ours] - np.int32(first)
    return found


def first_units(sources: Sequence[Population]) -> list[int]:
    """Number of each source's first unit, where units are numbered consecutively over sources."""
    return list(itertools.accumulate([0, *(p.size for p in sources)]))[: len(sources)]
