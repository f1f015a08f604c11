"""Analog drives on NEST.

Neurons that are compiled find the values of their ports in an array, which Python fills for a
stretch of steps before NEST simulates it. NEST's own cells are set while NEST pauses.
"""

from __future__ import annotations

import _ctypes
import ctypes
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from scnnbio.backends.nest.cells import CompiledCells
from scnnbio.backends.nest.lowering import Lowered
from scnnbio.experiment import Inputs
from scnnbio.experiment.drive import Change

#: Numbers in the arrays of a stretch, at most (8 MB).
_MOST = 2**20

Simulate = Callable[[int], None]


class Driver(ABC):
    """Takes NEST through a run, and sets the ports that are driven as their time comes.

    Parameters
    ----------
    lowered : Lowered
    inputs : Inputs
    """

    def __init__(self, lowered: Lowered, inputs: Inputs) -> None:
        self.lowered = lowered
        self._changes = _changes(lowered, inputs)
        self._due = next(self._changes, None)

    @abstractmethod
    def advance(self, begin: int, end: int, simulate: Simulate) -> None:
        """Simulate from one step on NEST's clock to another.

        Parameters
        ----------
        begin, end : int
        simulate : callable
            Simulates until a step.
        """

    def _before(self, end: int) -> Iterator[tuple[int, Change]]:
        """Changes before a step, each with the step on NEST's clock before which it is due."""
        while self._due is not None and self._due[0] < end:
            yield self._due
            self._due = next(self._changes, None)


def _changes(lowered: Lowered, inputs: Inputs) -> Iterator[tuple[int, Change]]:
    experiment, schedule = lowered.experiment, lowered.schedule
    if experiment.drives:
        for trial in range(experiment.n_trials):
            for change in inputs.changes(trial):
                stamp = trial * experiment.trial_steps + change.step + 1
                yield int(schedule.of_stamps(np.array(stamp))) - 1, change


def driver(lowered: Lowered, inputs: Inputs, modules: list[str]) -> Driver:
    """What drives the neurons of a run, which are in modules of these paths if compiled."""
    if not lowered.experiment.drives:
        return Undriven(lowered, inputs)
    if isinstance(lowered.cells, CompiledCells):
        return Ahead(lowered, inputs, lowered.cells, modules)
    return Pausing(lowered, inputs)


class Undriven(Driver):
    """Sets nothing."""

    def advance(self, begin: int, end: int, simulate: Simulate) -> None:
        """Simulate. See :meth:`Driver.advance`."""
        simulate(end)


class Pausing(Driver):
    """Pauses at every change and sets all neurons of the population."""

    def advance(self, begin: int, end: int, simulate: Simulate) -> None:
        """Simulate up to each change, and then set it. See :meth:`Driver.advance`."""
        for step, change in self._before(end):
            simulate(step)
            population = self.lowered.experiment.network.population(change.population)
            name, factor = self.lowered.cells.driven_port(population, change.port)
            nodes = self.lowered.nodes[change.population]
            nodes.set({name: (change.values * factor).tolist()})
        simulate(end)


class Ahead(Driver):
    """Tells compiled neurons what their ports will be in the steps to come."""

    def __init__(
        self, lowered: Lowered, inputs: Inputs, cells: CompiledCells, modules: list[str]
    ) -> None:
        super().__init__(lowered, inputs)
        models = {name: cells.models[name] for name in lowered.experiment.drives}
        paths = {Path(path).name: path for path in modules}
        given: dict[str, dict[str, tuple[str, ...]]] = {}
        for name, model in models.items():
            given.setdefault(model.module, {})[name] = model.given
        self._tables = [_Table(paths[m], lowered, ports) for m, ports in given.items()]
        self._stretch = max(1, _MOST // sum(table.width for table in self._tables))

    def advance(self, begin: int, end: int, simulate: Simulate) -> None:
        """Simulate in stretches. See :meth:`Driver.advance`."""
        while begin < end:
            until = min(end, begin + self._stretch)
            for table in self._tables:
                table.begin(begin, until)
            for step, change in self._before(until):
                for table in self._tables:
                    table.change(step, change)
            for table in self._tables:
                table.finish()
            simulate(until)
            begin = until


class _InModule(ctypes.Structure):
    """What neurons of a module read; the layout is that of ``DRIVE`` in :mod:`.build`."""

    _fields_ = (
        ("values", ctypes.c_void_p),
        *((name, ctypes.c_long) for name in ("begin", "ports", "first", "nodes")),
    )


class _Table:
    """Values of all ports of one module's neurons in each step of a stretch.

    It has a column for each node from the first to the last of these neurons, in NEST's numbers.
    """

    def __init__(self, path: str, lowered: Lowered, given: Mapping[str, tuple[str, ...]]) -> None:
        self._path, self._given = path, given
        spans = {n: (lowered.first(n), len(lowered.nodes[n])) for n in given}
        self._first = min(first for first, _ in spans.values())
        last = max(first + size for first, size in spans.values())
        self._places = {
            n: slice(first - self._first, first - self._first + size)
            for n, (first, size) in spans.items()
        }
        ports = max(map(len, given.values()))
        self._now = np.zeros((ports, last - self._first))
        self._values = np.zeros((0, *self._now.shape))

    @property
    def width(self) -> int:
        """Numbers of a step."""
        return self._now.size

    def begin(self, begin: int, end: int) -> None:
        """A new stretch."""
        self._begin, self._filled = begin, 0
        self._values = np.empty((end - begin, *self._now.shape))

    def change(self, step: int, change: Change) -> None:
        """What changes before a step of the stretch."""
        if change.population in self._places:
            self._fill(step - self._begin)
            row = self._given[change.population].index(change.port)
            self._now[row, self._places[change.population]] = change.values

    def finish(self) -> None:
        """Hand the stretch to the module."""
        self._fill(len(self._values))
        library = ctypes.CDLL(f"{self._path}.so")
        shared = _InModule.in_dll(library, "scnnbio_drive")
        shared.values = self._values.ctypes.data
        shared.begin, shared.first = self._begin, self._first
        shared.ports, shared.nodes = self._now.shape
        # NEST unloads a module with a reset, which it does only if nothing else holds it.
        _ctypes.dlclose(library._handle)

    def _fill(self, row: int) -> None:
        """What holds now, up to a row."""
        self._values[self._filled : row] = self._now
        self._filled = max(self._filled, row)
