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

from scnnbio.backends.brian2.layout import public_of_internal
from scnnbio.backends.brian2.procedural import Procedural, generates_cpp
from scnnbio.experiment import Experiment, Inputs
from scnnbio.experiment.drive import Pending

#: After the states are reset for a trial, and before any object reads them.
_SLOT = ("start", -5)
#: Ends the drive of a trial.
_NONE = struct.pack("=qq", -1, -1)


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


def drive_stream(
    experiment: Experiment, inputs: Inputs, trial: int
) -> Iterator[bytes | memoryview]:
    """Bytes of a trial's drive for a compiled program: step, number and values of each change."""
    if not experiment.drives:
        return
    numbers = _numbers(experiment)
    internal = {
        name: public_of_internal(experiment.network.population(name).shape)
        for name in experiment.drives
    }
    for change in inputs.changes(trial):
        yield struct.pack("=qq", change.step, numbers[change.population, change.port])
        values = change.values[internal[change.population]]
        yield np.ascontiguousarray(values, dtype=np.float64).data
    yield _NONE


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
