"""Analog drives as Brian2 objects, which set states of neurons at the beginning of a step.

At runtime a network operation applies changes when they are due. A compiled program reads them from
its input, where they follow the spikes of the trial (``templates/presentations.h``).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any

import brian2 as b2
import numpy as np
from numpy.typing import NDArray

from scnnbio.backends.brian2.layout import public_of_internal
from scnnbio.backends.brian2.procedural import Procedural, generates_cpp
from scnnbio.experiment import Experiment, Inputs
from scnnbio.experiment.drive import Change, Pending

#: After the states are reset for a trial, and before any object reads them.
_SLOT = ("start", -5)
#: Ends the drive of a trial.
_NONE = struct.pack("=qqq", -1, -1, 0)


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
        DriveReader(groups[name], port, number, experiment.trial_steps, f"drive_{number:06d}")
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


class DriveStream:
    """The drive of an experiment, as bytes for its compiled program.

    Parameters
    ----------
    experiment : Experiment
        After :attr:`Experiment.lowered`.
    inputs : Inputs
    """

    def __init__(self, experiment: Experiment, inputs: Inputs) -> None:
        self.inputs, self.drives = inputs, bool(experiment.drives)
        self._numbers = _numbers(experiment)
        self._internal = {
            name: public_of_internal(experiment.network.population(name).shape)
            for name in experiment.drives
        }
        # By drive, the latest values and their bytes: many trials begin with the same.
        self._packed: dict[int, list[tuple[NDArray[np.float64], NDArray[np.float64]]]] = {}
        self._sent: dict[int, NDArray[np.float64]] = {}

    def trial(self, trial: int) -> Iterator[bytes | memoryview]:
        """Bytes of a trial: step, number of the drive, number of values and values of each change.

        One value is for all neurons; none means the latest that were one for each.
        """
        if not self.drives:
            return
        for change in self.inputs.changes(trial):
            number = self._numbers[change.population, change.port]
            values = self._in_order(number, change)
            if len(values) > 1 and self._sent.get(number) is values:
                yield struct.pack("=qqq", change.step, number, 0)
                continue
            yield struct.pack("=qqq", change.step, number, len(values))
            yield values.data
            if len(values) > 1:
                self._sent[number] = values
        yield _NONE

    def _in_order(self, number: int, change: Change) -> NDArray[np.float64]:
        """The values in the internal order, or one of them if all have the same bits."""
        latest = self._packed.setdefault(number, [])
        for values, packed in latest:
            if values is change.values:
                return packed
        given = np.ascontiguousarray(change.values, dtype=np.float64)
        bits = given.view(np.int64)
        packed = given[:1] if np.all(bits == bits[0]) else given[self._internal[change.population]]
        self._packed[number] = [*latest[-1:], (change.values, packed)]
        return packed


class DriveReader(Procedural):
    """Lets a compiled program read values from its input and set a state of a group to them.

    Parameters
    ----------
    group : NeuronGroup
    port : str
        Name of the state.
    number : int
        Number of the drive.
    period : int
        Steps of a trial.
    name : str
    """

    def __init__(self, group: Any, port: str, number: int, period: int, name: str) -> None:
        self._begin(name)
        self.variables.add_constant("N", len(group))
        self.variables.add_reference("_values", group, port)
        # Templates of scnnbio need an event space; a drive has no events.
        self.variables.add_reference("_eventspace", group, "_spikespace")
        self._finish("drive", "", group, _SLOT, {"number": number, "period": period})
        self.add_dependency(group)
