"""Input spikes as a stream of presentations, so that memory does not grow with a run's length."""

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

#: Called as ``report(phase, done, total)`` while something long goes on.
Report = Callable[[str, float, float], None]


class Presented(Protocol):
    """What is presented trial by trial: an :class:`~scnnbio.experiment.Experiment`."""

    @property
    def network(self) -> Any:
        """Its ``sources`` are the populations that are driven."""

    @property
    def drives(self) -> Mapping[str, Drive]:
        """What drives the ports of neurons, by population."""

    @property
    def n_trials(self) -> int:
        """How many trials there are."""

    @property
    def trial_steps(self) -> int:
        """Time steps of one trial."""

    def input_spikes(self, trial: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Spikes of one trial: stamps in steps since it began, and neurons."""


@dataclass(eq=False)
class Inputs:
    """The input spikes of a run, the same on every backend; drawn when they are asked for.

    A backend either takes :meth:`trials` one by one, or asks for all of them at once.

    Parameters
    ----------
    experiment : Presented
    report : callable, optional
        Called as ``report(phase, done, total)`` on the way.
    phase : callable, optional
        Gives a context that is entered while a trial is drawn, to measure the time.
    drawn : int
        Spikes that were handed out so far.
    """

    experiment: Presented
    report: Report | None = None
    phase: Callable[[], AbstractContextManager[None]] = nullcontext
    drawn: int = 0

    def trials(self, first: int = 0) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]:
        """Trials from ``first`` on, one after another, each drawn from a generator of its own.

        Yields
        ------
        step : ndarray of int32 (spikes,)
            Stamp in steps since the trial began, 1 for its first step; sorted.
        unit : ndarray of int32 (spikes,)
            Neuron of the source population; with several sources, they are counted on from one
            to the next, in the order of the network.
        """
        n_trials = self.experiment.n_trials
        for trial in range(first, n_trials):
            with self.phase():
                step, unit = self.experiment.input_spikes(trial)
            self.drawn += len(step)
            if self.report is not None:
                self.report("drawing input spikes", trial + 1, n_trials)
            yield step.astype(np.int32), unit.astype(np.int32)

    def changes(self, trial: int) -> Iterator[Change]:
        """What changes at the ports of driven neurons in a trial, in the order of time.

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
        """Neurons of the source population, or of all sources counted on (spikes,)."""
        return self._all[1]

    @cached_property
    def by_source(self) -> dict[str, tuple[NDArray[np.int64], NDArray[np.int32]]]:
        """Stamps, and neurons of the source, by the source's name."""
        return split_by_source(self.step, self.unit, self.experiment.network.sources)


def split_by_source(
    step: NDArray[np.int64], unit: NDArray[np.int32], sources: Sequence[Population]
) -> dict[str, tuple[NDArray[np.int64], NDArray[np.int32]]]:
    """Spikes of all sources, counted on from one to the next, by the name of each source."""
    if len(sources) == 1:
        return {sources[0].name: (step, unit)}
    found = {}
    for population, first in zip(sources, first_units(sources), strict=True):
        ours = (unit >= first) & (unit < first + population.size)
        found[population.name] = step[ours], unit[ours] - np.int32(first)
    return found


def first_units(sources: Sequence[Population]) -> list[int]:
    """Number of each source's first unit, where units are counted on from one to the next."""
    return list(itertools.accumulate([0, *(p.size for p in sources)]))[: len(sources)]
