"""The files of a compiled program: its checkpoints and what it records.

They are described without Brian2's objects, so that a run needs none of these once its program is
known (:mod:`scnnbio.backends.brian2.known`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from scnnbio.backends.brian2.recorders import Raw, sampled_neurons
from scnnbio.errors import DataError
from scnnbio.experiment import Experiment

#: Bytes of a checkpoint that are added to its checksum at once, a multiple of 8.
_AT_ONCE = 2**22


@dataclass(frozen=True)
class State:
    """A checkpoint: the state of a run between two trials.

    Parameters
    ----------
    trial : int
        Number of finished trials.
    drawn : int
        Number of input spikes until then.
    lengths, events : ndarray (outputs,)
        Bytes of each output, and number of spikes that it counted.
    arrays : mapping of str to ndarray
        All arrays, by Brian2's name.
    """

    trial: int
    drawn: int
    lengths: NDArray[np.int64]
    events: NDArray[np.int64]
    arrays: dict[str, NDArray[Any]]


@dataclass(frozen=True)
class ProgramFiles:
    """What a compiled program writes, and how to read it.

    Parameters
    ----------
    key : str
        Digest of the program's sources, compiler and flags.
    outputs : tuple of str
        Names of the files that it records to, by their number.
    spikes : mapping of str to (int, bool)
        By population: number of the output that counts its spikes, and whether they are recorded.
    state : tuple of (str, str, int)
        Name, numpy's type and size of each array in a checkpoint, in the order of the file.
    learned : mapping of str to str
        Array with the learned values, by projection or population.
    """

    key: str
    outputs: tuple[str, ...]
    spikes: Mapping[str, tuple[int, bool]]
    state: tuple[tuple[str, str, int], ...]
    learned: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """The same as a table for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> Self:
        """Inverse of :meth:`to_dict`."""
        return cls(
            key=table["key"],
            outputs=tuple(table["outputs"]),
            spikes={name: (number, kept) for name, (number, kept) in table["spikes"].items()},
            state=tuple((name, kind, size) for name, kind, size in table["state"]),
            learned=dict(table["learned"]),
        )

    def read_state(self, folder: Path, *, check: bool = False) -> State:
        """The latest checkpoint in a folder.

        Parameters
        ----------
        folder : Path
        check : bool
            Compute its checksum too, which reads all of it.

        Raises
        ------
        DataError
            If it is damaged.
        """
        layout = np.dtype(
            [("trial", "<i8"), ("drawn", "<i8"), ("outputs", "<i8", (len(self.outputs), 2))]
            + [(name, kind, (size,)) for name, kind, size in self.state]
            + [("checksum", "<u8")]
        )
        file = folder / "state"
        if (size := file.stat().st_size) != layout.itemsize:
            raise DataError(
                f"is damaged: {size} bytes instead of {layout.itemsize}; remove it, and run the"
                " experiment again",
                where=str(file),
            )
        # Memory-mapped, since only the program needs most of it.
        row = np.memmap(file, layout, mode="r")[0]
        kept = [name for name in layout.names or () if name != "checksum"]
        if check and checksum(row[name] for name in kept) != int(row["checksum"]):
            raise DataError(
                "is damaged: its checksum is not the one it was written with; remove this folder,"
                " and run the experiment again",
                where=str(file),
            )
        return State(
            trial=int(row["trial"]),
            drawn=int(row["drawn"]),
            lengths=row["outputs"][:, 0].copy(),
            events=row["outputs"][:, 1].copy(),
            arrays={name: row[name] for name, *_ in self.state},
        )

    def read(self, folder: Path, experiment: Experiment) -> Raw:
        """Everything that a finished run of an experiment recorded."""
        state = self.read_state(folder)
        spikes, counts = {}, {}
        for name, (number, recorded) in self.spikes.items():
            counts[name] = int(state.events[number])
            if recorded:
                rows = np.fromfile(folder / f"spikes_{name}", np.int64).reshape(-1, 2)
                units = np.fromfile(folder / f"units_{name}", np.int32)
                spikes[name] = np.repeat(rows[:, 0], rows[:, 1]), units
        signals = {}
        for k, sampling in enumerate(experiment.record.signals):
            neurons = len(sampled_neurons(experiment, sampling))
            values = np.fromfile(folder / f"samples_{k}")
            values = values.reshape(-1, neurons, len(sampling.variables))
            for column, variable in enumerate(sampling.variables):
                signals[sampling.population, variable] = values[:, :, column].copy()
        arrays, snapshots = {}, {}
        for name, array in self.learned.items():
            values = state.arrays[array]
            arrays[name] = values.astype(np.float64)
            if experiment.snapshot_trials():
                rows = np.fromfile(folder / f"snapshots_{name}", values.dtype)
                snapshots[name] = rows.reshape(-1, len(values)).astype(np.float64)
        return Raw(spikes, counts, signals, arrays, snapshots)


def checksum(parts: Iterable[Any]) -> int:
    """The checksum that a program writes to its checkpoint; see ``presentations.h``.

    Parameters
    ----------
    parts : iterable of ndarray
        The numbers of a checkpoint, in their order. Each part is padded to words of 8 bytes.
    """
    total, place = 0, 0
    for part in parts:
        content = np.ascontiguousarray(part).reshape(-1).view(np.uint8)
        for begin in range(0, len(content), _AT_ONCE):
            piece = content[begin : begin + _AT_ONCE]
            words = np.zeros(-(-len(piece) // 8), np.uint64)
            words.view(np.uint8)[: len(piece)] = piece
            places = np.arange(place, place + len(words), dtype=np.uint64)
            factors = places * np.uint64(0x9E3779B97F4A7C15) | np.uint64(1)
            total += int(((words + np.uint64(1)) * factors).sum(dtype=np.uint64))
            place += len(words)
    return total % 2**64
