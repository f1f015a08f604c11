"""Brian2 objects for input that is streamed trial by trial, and for output to files.

:class:`Source` works on every device. The writers exist only in C++: at runtime Brian2's monitors
are used instead. The generated code uses ``templates/presentations.h``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import brian2 as b2
import numpy as np
from brian2.core.spikesource import SpikeSource
from brian2.groups.group import CodeRunner
from numpy.typing import NDArray

from scnnbio.backends.brian2.layout import internal_of_public
from scnnbio.backends.brian2.procedural import Procedural, sleeper
from scnnbio.experiment import Inputs
from scnnbio.experiment.inputs import first_units
from scnnbio.population import Population

#: After competition has decided which neurons fire.
_AFTER_THRESHOLDS = ("after_thresholds", 100)
#: With the states at the beginning of a step.
_AT_START = ("start", 0)


def internal_trials(
    inputs: Inputs, sources: Sequence[Population], steps: int, first: int = 0
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]:
    """Iterate over trials: input spikes in the internal numbering, sorted by step and unit.

    Parameters
    ----------
    inputs : Inputs
    sources : sequence of Population
        All sources of the network; their neurons are numbered consecutively.
    steps : int
        Number of time steps of a trial.
    first : int
        First trial.
    """
    size = sum(population.size for population in sources)
    parts = [
        internal_of_public(population.shape) + first
        for population, first in zip(sources, first_units(sources), strict=True)
    ]
    # Numbers of 32 bits are sorted twice as fast, where they suffice.
    whole = (steps + 1) * size
    number = np.int32 if whole < 2**31 else np.int64
    internal = np.concatenate([np.zeros(0, dtype=np.int64), *parts]).astype(number)
    for step, public in inputs.trials(first):
        # Steps are sorted already, so sorting step * size + unit sorts units within steps.
        begin = np.multiply(step, size, dtype=number)
        place = internal[public]
        place += begin
        place.sort()
        place -= begin
        unit = place.astype(np.int32, copy=False)
        del begin, place  # frees memory while the trial is simulated
        yield step, unit


def shares(
    trials: Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]], sources: Sequence[Population]
) -> list[Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]]:
    """One iterator over trials per source.

    All sources read a trial in the same step, so that only one trial is in memory.
    """
    if len(sources) == 1:
        return [trials]

    def share(
        copy: Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]], first: int, size: int
    ) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]:
        for step, unit in copy:
            ours = (unit >= first) & (unit < first + size)
            yield step[ours], unit[ours] - np.int32(first)

    copies = itertools.tee(trials, len(sources))
    return [
        share(copy, first, population.size)
        for copy, first, population in zip(copies, first_units(sources), sources, strict=True)
    ]


class Source(Procedural, SpikeSource):  # type: ignore[misc]
    """Fires given spikes, trial by trial.

    Parameters
    ----------
    size : int
        Number of neurons.
    period : int
        Steps of a trial.
    trials : iterator of (step, unit)
        Spikes of each trial: steps since it began, sorted, and neurons. Read at the beginning of
        each trial, and only at runtime: a compiled program reads its own input.
    name : str
    order : int
        Index of this source among all sources, which fire in this order.
    share : tuple of int, optional
        First unit, and first unit of the next source, among those that a compiled program reads;
        None where it is the only source.
    """

    def __init__(
        self,
        size: int,
        period: int,
        trials: Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]],
        name: str,
        order: int = 0,
        share: tuple[int, int] | None = None,
    ) -> None:
        self._begin(name)
        self.events = {"spike": None}
        self.start, self.stop = 0, size
        self._period, self._trials = period, trials
        self._unit, self._cuts = np.zeros(0, np.int32), np.zeros(period + 1, np.int64)
        self.variables.add_constant("N", size)
        self.variables.add_arange("i", size)
        self.variables.add_array("_spikespace", size=size + 1, dtype=np.int32)
        self.variables.add_object("_owner", self)
        CodeRunner.__init__(
            self,
            group=self,
            template="source",
            clock=b2.defaultclock,
            when="thresholds",
            order=order,
            name=None,
            template_kwds={"period": period, "share": share},
        )
        self.variables.create_clock_variables(self._clock)
        self._enable_group_attributes()

    def fire(self, now: int) -> NDArray[np.int32]:
        """Neurons that fire in the step that begins at ``now`` steps."""
        step = now % self._period
        if step == 0:
            stamps, self._unit = next(self._trials)
            self._cuts = np.searchsorted(stamps, np.arange(1, self._period + 2))
        return self._unit[self._cuts[step] : self._cuts[step + 1]]

    @property
    def spikes(self) -> NDArray[np.int32]:
        """The spikes of the latest step."""
        space = self.variables["_spikespace"].get_value()
        return space[: space[-1]]


class SpikeWriter(Procedural):
    """Counts the spikes of a group and, if they are recorded, writes them.

    Output ``number`` gets rows (step, number of spikes) of int64, and the next output the neurons,
    as int32.
    """

    def __init__(self, group: Any, number: int, recorded: bool, name: str) -> None:
        self._begin(name)
        self.variables.add_constant("N", len(group))
        self.variables.add_reference("_eventspace", group, "_spikespace")
        options = {"number": number, "kept": recorded}
        self._finish("write_spikes", "", group, _AFTER_THRESHOLDS, options)
        self.add_dependency(group)


class ValueWriter(Procedural):
    """Writes a variable of a group at the beginning of every ``period``-th step."""

    def __init__(self, group: Any, variable: str, number: int, period: int, name: str) -> None:
        self._begin(name)
        self.variables.add_constant("N", len(group))
        self.variables.add_reference("_values", group, variable)
        # The templates need an event space; this one is not used.
        self.variables.add_reference("_eventspace", group, variable)
        options = {"number": number, "period": period}
        self._finish("write_values", "", group, _AT_START, options)
        self.add_dependency(group)


class SampleWriter(Procedural):
    """Writes variables of some neurons periodically, as float64 (sample, neuron, variable).

    Parameters
    ----------
    group : NeuronGroup
    variables : sequence of str
    neurons : ndarray of int
    number : int
        Number of the output.
    every : int
        Period in steps.
    name : str
    """

    def __init__(
        self,
        group: Any,
        variables: tuple[str, ...],
        neurons: NDArray[np.int64],
        number: int,
        every: int,
        name: str,
    ) -> None:
        self._begin(name)
        self.variables.add_constant("N", len(group))
        self._add_index("_post_idx")
        self._see(group, "_post", "_post_idx")
        self.variables.add_reference("_eventspace", group, "_spikespace")
        self.variables.add_array(
            "_indices", size=len(neurons), dtype=np.int32, constant=True, read_only=True,
            values=neurons.astype(np.int32),
        )  # fmt: skip
        sampled = [f"_to_record_{variable}" for variable in variables]
        for name_, variable in zip(sampled, variables, strict=True):
            like = group.variables[variable]
            self.variables.add_auxiliary_variable(name_, dtype=like.dtype, scalar=like.scalar)
        code = "\n".join(f"{s} = {v}_post" for s, v in zip(sampled, variables, strict=True))
        options = {"number": number, "every": every, "sampled": sampled, "sleeper": sleeper(group)}
        self._finish("write_samples", code, group, _AT_START, options)
        self.needed_variables += ["_indices"]
        self.add_dependency(group)
