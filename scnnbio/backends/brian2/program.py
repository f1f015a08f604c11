"""An experiment as a C++ program that is compiled once and gets its input trial by trial.

Brian2 writes the sources, which :mod:`scnnbio.backends.brian2.compiling` compiles. Arrays in
Brian2, such as kernels and parameters of channels, are data that the program reads when it starts.
So are numbers, such as weights and learning rates (:mod:`scnnbio.backends.brian2.numbers`).
Input spikes and the number of trials come through a pipe. Runs that differ only in these share a
program.

Only this file depends on internals of Brian2's standalone device.
"""

from __future__ import annotations

import contextlib
import importlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import brian2 as b2
import numpy as np
from brian2.core.variables import ArrayVariable

from scnnbio.backends.brian2.finite import FiniteCheck
from scnnbio.backends.brian2.functions import FUNCTIONS
from scnnbio.backends.brian2.lowering import Lowered
from scnnbio.backends.brian2.numbers import move_numbers_to_file
from scnnbio.backends.brian2.presentations import SampleWriter, SpikeWriter, ValueWriter
from scnnbio.backends.brian2.program_files import ProgramFiles
from scnnbio.backends.brian2.quicker import empty_unused
from scnnbio.backends.brian2.recorders import counted, learned, sampled_neurons
from scnnbio.errors import BackendMissing, Unsupported, UnsupportedError

_TEMPLATES = Path(__file__).with_name("templates")
#: Headers that the program includes: its main loop, once its memory allocation, and, where it pays,
#: a convolution that goes from target to target.
_RUNNING, _MEMORY, _GATHERING = "presentations.h", "memory.h", "gathering.h"
#: A loop in Brian2's objects.cpp that sets a new array to zero, with OpenMP if there are threads.
_ZEROING = re.compile(
    r"(?:^ *#pragma omp [^\n]*\n)?^ *for\(int i=0; i<\d+; i\+\+\) \w+\[i\] = 0;\n", re.M
)


class Program:
    """The program of one experiment, as Brian2 writes it.

    Parameters
    ----------
    lowered : Lowered
        Created while Brian2's standalone device is active.
    """

    def __init__(self, lowered: Lowered) -> None:
        self.lowered = lowered
        self.outputs: list[str] = []
        self._objects: list[Any] = []
        self._spikes: dict[str, tuple[int, bool]] = {}
        self._add_writers()
        self._state: list[tuple[str, ArrayVariable]] = []

    # -- what is written --------------------------------------------------------------------------

    def _output(self, name: str) -> int:
        self.outputs.append(name)
        return len(self.outputs) - 1

    def _add_writers(self) -> None:
        lowered, experiment = self.lowered, self.lowered.experiment
        add = self._objects.append
        for name, recorded in counted(lowered).items():
            number = self._output(f"spikes_{name}")
            if recorded:
                self._output(f"units_{name}")
            self._spikes[name] = number, recorded
            add(SpikeWriter(lowered.groups[name], number, recorded, f"write_spikes_{name}"))
        for k, sampling in enumerate(experiment.record.signals):
            add(
                SampleWriter(
                    lowered.groups[sampling.population],
                    sampling.variables,
                    sampled_neurons(experiment, sampling),
                    self._output(f"samples_{k}"),
                    experiment.steps(sampling.period or experiment.dt, "record.signals.period"),
                    f"write_samples_{k}",
                )
            )
        layers = [lowered.groups[p.name] for p in experiment.network.populations if not p.is_source]
        if layers:
            add(FiniteCheck(layers[0], experiment.trial_steps))
        for name, (group, variable) in learned(lowered).items():
            number = self._output(f"snapshots_{name}")
            period = experiment.trial_steps
            add(ValueWriter(group, variable, number, period, f"write_snapshots_{name}"))

    # -- sources ----------------------------------------------------------------------------------

    def generate(self, folder: Path) -> None:
        """Let Brian2 write the sources and the arrays that they read."""
        device = b2.get_device()
        network = b2.Network(self.lowered.objects, self._objects)
        # The network runs for one trial; a loop over all trials is inserted around it.
        device.apply_run_args()
        network.run(self.lowered.trial, namespace=FUNCTIONS)
        self._state = sorted(
            (name, variable)
            for variable, name in device.arrays.items()
            if variable not in device.dynamic_arrays and not variable.constant
        )
        growing = [*device.dynamic_arrays, *device.dynamic_arrays_2d]
        if growing:
            # scnnbio creates no such arrays; Brian2 objects that a user adds may have some.
            raise UnsupportedError(
                "brian2-standalone",
                [
                    Unsupported(
                        f"object {variable.owner.name!r}",
                        f"its {variable.name!r} grows during a run, and cannot be in a checkpoint",
                        "write it to a file during the run, or use an array of fixed size",
                    )
                    for variable in growing
                ],
            )
        queue = device.main_queue
        at = next(k for k, (kind, _) in enumerate(queue) if kind == "run_network")
        queue.insert(at + 1, ("insert_code", self._end()))
        queue.insert(at, ("insert_code", self._loop(network)))
        queue[:] = [("insert_code", "scnnbio::read_numbers();"), *_in_order(queue)]
        device.headers.append(f'"{_RUNNING}"')
        folder.mkdir(exist_ok=True)
        for name in (_RUNNING, _MEMORY, _GATHERING):
            shutil.copyfile(_TEMPLATES / name, folder / name)
        _remove_unread(device)
        device.build(directory=str(folder), compile=False, run=False)
        _skip_zeroing(folder / "objects.cpp", len(device.zero_arrays))
        move_numbers_to_file(folder)
        # Arrays that are in files now need not stay in memory.
        for variable in [v for v in device.array_cache if not v.scalar]:
            del device.array_cache[variable]
        device.static_arrays.clear()

    def _loop(self, network: Any) -> str:
        names = ", ".join(f'"{name}"' for name in self.outputs)
        state = [f"_program.keep({name}, _num_{name});" for name, _ in self._state]
        main = b2.device.defaultclock
        clocks = ", ".join(sorted(f"&{clock.name}" for clock in b2.device.clocks))
        lines = [
            "auto &_program = scnnbio::program();",
            f"_program.begin(brian::results_dir, {{{names}}});",
            *state,
            *self._watched(),
            "_program.start();",
            "while (_program.next()) {",
            f"scnnbio::align<Clock>({main.name}, {{{clocks}}});",
            f"{network.name}.t = {main.name}.t[0];",
        ]
        return "\n".join(lines)

    def _end(self) -> str:
        steps = self.lowered.experiment.trial_steps
        return f"_program.done({steps});\n}}\n_program.finish();\nreturn 0;"

    def _watched(self) -> Iterator[str]:
        """Register the states that the program checks."""
        for population in self.lowered.experiment.network.populations:
            if not population.is_source:
                variables = self.lowered.groups[population.name].variables
                for state in population.model.states:
                    array = b2.device.get_array_name(variables[state.name])
                    name = f"{population.name} {state.name}"
                    yield f'_program.watch("{name}", {array}, _num_{array});'

    # -- what a run needs of it -------------------------------------------------------------------

    def files(self, key: str) -> ProgramFiles:
        """Its files, while the device is active on which it was generated.

        Parameters
        ----------
        key : str
            Digest of its sources, compiler and flags.
        """
        return ProgramFiles(
            key=key,
            outputs=tuple(self.outputs),
            spikes=dict(self._spikes),
            state=tuple((n, np.dtype(v.dtype).str, int(v.size)) for n, v in self._state),
            learned={
                name: b2.device.get_array_name(group.variables[variable])
                for name, (group, variable) in learned(self.lowered).items()
            },
        )


@contextlib.contextmanager
def steady_names() -> Iterator[None]:
    """Make Brian2's names of objects independent of other objects in this process.

    Brian2 appends numbers to names that unused, uncollected objects still have.
    """
    taken: set[str] = set()
    # The attribute brian2.devices.device is the active device, not the module of that name.
    modules = [importlib.import_module(f"brian2.{m}") for m in ("core.names", "devices.device")]
    before = modules[0].find_name

    def find_name(name: str, names: Any = None) -> str:
        found: str = before(name, taken if names is None else names)
        taken.add(found)
        return found

    for module in modules:
        module.find_name = find_name  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for module in modules:
            module.find_name = before  # type: ignore[attr-defined]


def _in_order(queue: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Sort assignments to an order that is the same in every process.

    Brian2 iterates over a set of clocks, whose order depends on memory addresses. It also sets the
    default clock to its value in an earlier run, and then to its value in this one.
    """
    ordered: list[tuple[str, Any]] = []
    last: dict[tuple[str, int], tuple[str, Any]] = {}
    for item in [*queue, ("end", None)]:
        if item[0] == "set_by_single_value":
            # Of several values for one element, the last one is kept.
            last[item[1][:2]] = item
            continue
        ordered += [last[element] for element in sorted(last)]
        last.clear()
        ordered.append(item)
    return ordered[:-1]


def _remove_unread(device: Any) -> None:
    """Remove arrays of neuron numbers, one per group, that the program never reads."""
    read = {v for code in device.code_objects.values() for v in code.variables.values()}
    unread = {variable for variable, *_ in device.arange_arrays} - read
    for arrays in (device.arange_arrays, device.zero_arrays):
        arrays[:] = [entry for entry in arrays if entry[0] not in unread]


def _skip_zeroing(file: Path, arrays: int) -> None:
    """Remove loops that set new arrays to zero, which they are already (memory.h).

    Pages that are never written need no memory, such as most of a list of spikes, which has an
    element per neuron.
    """
    text, found = _ZEROING.subn("", file.read_text())
    if found != arrays:
        raise BackendMissing(
            f"Brian2 {b2.__version__} sets arrays to zero in an unknown way ({found} of {arrays}"
            " recognised); install an earlier Brian2, or use backend 'brian2'",
            where="backend 'brian2-standalone'",
        )
    file.write_text(f'{empty_unused(text)}\n#include "{_MEMORY}"\n')
