"""Analog drives as Brian2 objects, which set states of neurons at the beginning of a step.

At runtime a network operation applies changes when they are due. A compiled program reads them from
its input, where they follow the spikes of the trial (``templates/presentations.h``).
"""

from __future__ import annotations

import heapq
import itertools
import operator
import struct
from collections.abc import Iterator, Mapping
from typing import Any

import brian2 as b2
import numpy as np
from numpy.typing import NDArray

from scnnbio.backends.brian2.layout import internal_of_public, public_of_internal
from scnnbio.backends.brian2.lists import add_table
from scnnbio.backends.brian2.procedural import Procedural, generates_cpp
from scnnbio.experiment import Experiment, Inputs
from scnnbio.experiment.drive import Drive, Pending
from scnnbio.experiment.streams import Afferents, Projected

#: After the states are reset for a trial, and before any object reads them.
_SLOT = ("start", -5)
#: Ends the drive of a trial.
_NONE = struct.pack("=qqq", -1, -1, 0)
#: Step, number of the drive, size, and content of a change.
Message = tuple[int, int, int, bytes | memoryview]


def drive_objects(experiment: Experiment, inputs: Inputs, groups: Mapping[str, Any]) -> list[Any]:
    """Objects that drive the neurons of an experiment.

    Parameters
    ----------
    experiment : Experiment
        After :attr:`Experiment.lowered`.
    inputs : Inputs
    groups : mapping of str to NeuronGroup
        The neurons of each population.

    Returns
    -------
    list of Brian2 objects
        Empty if no population has a drive.
    """
    if not experiment.drives:
        return []
    if not generates_cpp():
        return [_operation(experiment, inputs, groups)]
    return [
        # Brian2 runs objects of the same slot in the order of their names.
        DriveReader(
            groups[name],
            experiment.drives[name],
            port,
            number,
            experiment.trial_steps,
            f"drive_{number:06d}",
        )
        for (name, port), number in _numbers(experiment).items()
    ]


def _numbers(experiment: Experiment) -> dict[tuple[str, str], int]:
    """Number of each driven state, in the order in which they change within a step."""
    pairs = [(name, port) for name, drive in experiment.drives.items() for port in drive.ports]
    return {pair: number for number, pair in enumerate(pairs)}


def _operation(experiment: Experiment, inputs: Inputs, groups: Mapping[str, Any]) -> Any:
    """The operation that applies changes at runtime."""
    length = experiment.trial_steps
    internal = {n: public_of_internal(experiment.network.population(n).shape) for n in groups}
    pending = Pending(iter(()))

    def drive() -> None:
        nonlocal pending
        trial, step = divmod(round(float(b2.defaultclock.t / b2.defaultclock.dt)), length)
        if step == 0:
            pending = Pending(inputs.changes(trial))
        for change in pending.until(step):
            variable = groups[change.population].variables[change.port]
            variable.set_value(change.values[internal[change.population]])

    when, order = _SLOT
    dt = experiment.dt * b2.ms
    return b2.NetworkOperation(drive, dt=dt, when=when, order=order, name="drive")


def _summed_here(drive: Drive, port: str) -> tuple[Projected, ...]:
    """Projections whose values a compiled program sums itself; empty if it gets the sums."""
    return drive.projected.get(port, ())


def drive_tables(experiment: Experiment) -> dict[str, Any]:
    """All of the drives of an experiment that its program is written from.

    Parameters
    ----------
    experiment : Experiment
        After :attr:`Experiment.lowered`.

    Returns
    -------
    dict
        By population and port: None, or what stays of the sums that the program computes itself,
        and the connections of each projection.
    """
    found: dict[str, Any] = {}
    for name, port in _numbers(experiment):
        drive = experiment.drives[name]
        parts = [
            None if part.table is None else (part.table.first, part.table.target, part.table.weight)
            for part in _summed_here(drive, port)
        ]
        found[f"{name} {port}"] = (drive.base(port), parts) if parts else None
    return found


class DriveStream:
    """The drive of an experiment, as bytes for its compiled program.

    Parameters
    ----------
    experiment : Experiment
        After :attr:`Experiment.lowered`.
    """

    def __init__(self, experiment: Experiment) -> None:
        drives = experiment.drives
        self._ports = [(drives[name], port) for name, port in _numbers(experiment)]
        self._internal = {
            name: public_of_internal(experiment.network.population(name).shape) for name in drives
        }
        # What was sent last, by drive and, where the program sums, by projection.
        self._sent: dict[tuple[int, int], NDArray[np.float64]] = {}

    def trial(self, trial: int) -> Iterator[bytes | memoryview]:
        """Bytes of a trial: step, number of the drive, and size of each change, and the change."""
        if not self._ports:
            return
        each = [
            self._parts(number, drive, port, trial)
            if _summed_here(drive, port)
            else self._whole(number, drive, port, trial)
            for number, (drive, port) in enumerate(self._ports)
        ]
        for step, number, size, content in heapq.merge(*each, key=operator.itemgetter(0)):
            yield struct.pack("=qqq", step, number, size)
            yield content
        yield _NONE

    def _whole(self, number: int, drive: Drive, port: str, trial: int) -> Iterator[Message]:
        """Values of all neurons; a single one for all of them; none if they are as before."""
        for change in drive.changes_of(port, trial):
            given = np.ascontiguousarray(change.values, dtype=np.float64)
            if self._is_as_before((number, 0), given):
                yield change.step, number, 0, b""
            elif _all_equal(given):
                yield change.step, number, 1, given[:1].data
                continue
            else:
                values = given[self._internal[drive.population]]
                yield change.step, number, len(values), values.data
            self._sent[number, 0] = given

    def _parts(self, number: int, drive: Drive, port: str, trial: int) -> Iterator[Message]:
        """Values of the sources that change: how many projections, and what each brings."""
        streams = (_numbered(k, part) for k, part in enumerate(drive.values(port, trial)))
        merged = heapq.merge(*streams, key=operator.itemgetter(0))
        for step, together in itertools.groupby(merged, key=operator.itemgetter(0)):
            parts = [self._part(number, k, values) for _, k, values in together]
            yield step, number, len(parts), b"".join(parts)

    def _part(self, number: int, k: int, values: NDArray[np.float64]) -> bytes:
        """Number of the projection, number of values that are not 0, their places and values.

        Instead of a number, -1 says that all are 0, and -2 that they are as before.
        """
        used = np.flatnonzero(values)
        if not len(used):
            return struct.pack("=qq", k, -1)
        if self._is_as_before((number, k), values):
            return struct.pack("=qq", k, -2)
        # A copy, since an input may yield one array again with other values.
        self._sent[number, k] = values.copy()
        return struct.pack("=qq", k, len(used)) + used.tobytes() + values[used].tobytes()

    def _is_as_before(self, key: tuple[int, int], values: NDArray[np.float64]) -> bool:
        before = self._sent.get(key)
        return before is not None and np.array_equal(_bits(before), _bits(values))


def _bits(values: NDArray[np.float64]) -> NDArray[np.int64]:
    return values.view(np.int64)


def _all_equal(values: NDArray[np.float64]) -> bool:
    return bool(np.all(_bits(values) == _bits(values[:1])))


def _numbered(
    k: int, pieces: Iterator[tuple[int, NDArray[np.float64]]]
) -> Iterator[tuple[int, int, NDArray[np.float64]]]:
    for step, values in pieces:
        yield step, k, values


#: Tables of :func:`in_runs`, as the program names them.
_OF_RUNS = ("first", "target", "length", "begin", "weight")
#: Mean length of runs from which equal ones share their weights.
_LONG = 8


def in_runs(table: Afferents, internal: NDArray[np.int32]) -> tuple[NDArray[Any], ...]:
    """Connections of each afferent as runs of neighbouring targets, which are added as vectors.

    The connections of one pair of neurons stay in their order, in which sums are rounded. Runs of
    equal weights share them, so that those of a convolution fit into a core's cache.

    Parameters
    ----------
    table : Afferents
    internal : ndarray
        Number in the program of each target.

    Returns
    -------
    first : ndarray of int32 (afferents + 1,)
        Index of the first run of each afferent, and the number of runs.
    target, length, begin : ndarray of int32 (runs,)
        First target of each run, its number of connections, and the index of its first weight.
    weight : ndarray of float64
    """
    afferent = np.repeat(np.arange(len(table.first) - 1), np.diff(table.first))
    target = internal[table.target]
    order = np.lexsort((target, afferent))
    target, weight = target[order], table.weight[order]
    apart = (np.diff(target) != 1) | (np.diff(afferent) != 0)
    begin = np.concatenate([np.arange(min(len(target), 1)), np.flatnonzero(apart) + 1])
    length = np.diff(begin, append=len(target))
    first = afferent[begin].searchsorted(np.arange(len(table.first)))
    target = target[begin]
    if len(weight) >= _LONG * len(begin):
        begin, weight = _shared(weight, begin, length)
    return *(a.astype(np.int32) for a in (first, target, length, begin)), weight


def _shared(
    weight: NDArray[np.float64], begin: NDArray[np.int64], length: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Beginnings of runs, and weights, of which equal runs are kept once."""
    kept: dict[bytes, int] = {}
    places, total = [], 0
    for at, size in zip(begin.tolist(), length.tolist(), strict=True):
        place = kept.setdefault(weight[at : at + size].tobytes(), total)
        total += size * (place == total)
        places.append(place)
    return np.array(places, np.int64), np.frombuffer(b"".join(kept), np.float64)


class DriveReader(Procedural):
    """Lets a compiled program read values from its input and set a state of a group to them.

    Parameters
    ----------
    group : NeuronGroup
    drive : Drive
    port : str
        Name of the state.
    number : int
        Number of the drive.
    period : int
        Steps of a trial.
    name : str
    """

    def __init__(
        self, group: Any, drive: Drive, port: str, number: int, period: int, name: str
    ) -> None:
        self._begin(name)
        self.variables.add_constant("N", len(group))
        self.variables.add_reference("_values", group, port)
        # Templates of scnnbio need an event space; a drive has no events.
        self.variables.add_reference("_eventspace", group, "_spikespace")
        names = self._add_parts(drive, port)
        options = {"number": number, "period": period, "parts": names}
        self._finish("drive", "", group, _SLOT, options)
        self.needed_variables += [n for part in names for n in part]
        self.needed_variables += ["_base"] if names else []
        self.add_dependency(group)

    def _add_parts(self, drive: Drive, port: str) -> list[list[str]]:
        """Add the connections that the program sums; their names, one list per projection."""
        parts = _summed_here(drive, port)
        if not parts:
            return []
        self.variables.add_auxiliary_variable("_part_idx", dtype=np.int32)
        shape = drive._described.shape
        internal = internal_of_public(shape).astype(np.int32)
        self._add("_base", drive.base(port)[public_of_internal(shape)])
        names = []
        for k, part in enumerate(parts):
            names.append([f"_{what}_{k}" for what in _OF_RUNS])
            if (table := part.table) is not None:
                for name, values in zip(names[-1], in_runs(table, internal), strict=True):
                    self._add(name, values)
        return names

    def _add(self, name: str, values: NDArray[Any]) -> None:
        add_table(self.variables, name, values, "_part_idx")
