"""Spikes in the SONATA data format: one HDF5 file, one group per population.

The layout (Dai et al. 2020, PLoS Comput Biol 16:e1007696, and the developer guide of the format)::

    /spikes/<population>              attribute sorting: none, by_id or by_time (an HDF5 enum)
    /spikes/<population>/timestamps   float64 (spikes,), attribute units
    /spikes/<population>/node_ids     uint64 (spikes,)

A file has one axis of time and knows no trials. So a spike of a trial is written at the trial's
``start`` plus its time in the trial, and a reader who wants the trials back says when they were.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio._apart import read_apart
from scnnbio.errors import DataError, SpecError, hint
from scnnbio.files import check_readable
from scnnbio.recording import absent
from scnnbio.recording.checks import Shape, checked_shape
from scnnbio.recording.hdf5 import check_sizes, new_file
from scnnbio.recording.record import Recording
from scnnbio.recording.samples import Spikes
from scnnbio.recording.trials import trial_table
from scnnbio.units import Milliseconds, plain, plain_array

if TYPE_CHECKING:
    import h5py

Array = NDArray[np.float64]
_SORTINGS = {"none": 0, "by_id": 1, "by_time": 2}
#: What a file may call its unit of time.
_UNITS = {
    "ms": "ms", "millisecond": "ms", "milliseconds": "ms", "s": "s", "second": "s",
    "seconds": "s", "us": "us", "microsecond": "us", "microseconds": "us",
}  # fmt: skip
#: Marks of every file of the format: what it is, and the version of the layout.
_MAGIC, _VERSION = 0x0A7A, (0, 1)
#: Columns of a trial table that a file keeps in the times of its spikes.
_TIMES = ("stage", "start", "duration")
#: Times that differ by less (ms) are taken as equal: a trial's start plus a time is rounded.
_SLACK = 1e-6


def write_sonata(
    recording: Recording,
    path: str | os.PathLike[str],
    *,
    populations: Sequence[str] | None = None,
    leave_out: Sequence[str] = (),
) -> None:
    """Write the spikes of a recording as a SONATA spike file, completely or not at all.

    Trials follow each other on one axis of time, each from its ``start`` on. The file does not hold
    how long a trial lasted or how many neurons a population has: give :func:`read_sonata` both.

    Parameters
    ----------
    recording : Recording
    path : path
    populations : sequence of str, optional
        All by default.
    leave_out : sequence of {"signals", "snapshots", "columns"}
        What the recording has and the format does not: signals, snapshots, and columns of the trial
        table other than its times.

    Raises
    ------
    SpecError
        If the recording has something that the format does not and ``leave_out`` does not name,
        a population was not recorded in every trial, or trials overlap.
    DataError
        If the file cannot be written.
    """
    import h5py

    chosen = list(recording.spikes if populations is None else populations)
    spikes = {name: recording.spikes_of(name) for name in chosen}
    _check_held(recording, (leave_out,) if isinstance(leave_out, str) else leave_out)
    for name in spikes:
        absent.check_recorded(name, recording.trials, "write_sonata")
    start = _starts(recording)
    sorting = h5py.enum_dtype(_SORTINGS, basetype="i1")
    with new_file(path) as file:
        file.attrs["magic"] = np.uint32(_MAGIC)
        file.attrs["version"] = np.array(_VERSION, dtype=np.uint32)
        root = file.create_group("spikes")
        for name, found in spikes.items():
            _check_order(found, recording, name)
            group = root.create_group(name)
            group.attrs.create("sorting", _SORTINGS["by_time"], dtype=sorting)
            times = group.create_dataset("timestamps", data=start[found.trial] + found.time)
            times.attrs["units"] = "ms"
            group.create_dataset("node_ids", data=found.unit.astype(np.uint64))


def _check_held(recording: Recording, leave_out: Sequence[str]) -> None:
    """Raise for parts of a recording that the format cannot hold."""
    columns = [name for name in recording.trials if name not in (*_TIMES, absent.COLUMN)]
    stages = set(recording.trials["stage"].tolist())
    columns += ["stage"] if len(stages) > 1 else []
    lost = {
        "signals": [f"{p}.{v}" for p, variables in recording.signals.items() for v in variables],
        "snapshots": list(recording.snapshots),
        "columns": columns,
    }
    for part in leave_out:
        if part not in lost:
            raise SpecError(f"{part!r} is not a part; {hint(part, lost)}", where="leave_out")
    found = {part: given for part, given in lost.items() if given and part not in leave_out}
    if found:
        said = ", ".join(f"{part} ({', '.join(given)})" for part, given in found.items())
        names = ", ".join(map(repr, found))
        raise SpecError(
            f"a SONATA spike file cannot hold the {said}; give leave_out=[{names}], and keep the"
            " recording itself by Recording.save",
            where="write_sonata",
        )


def _starts(recording: Recording) -> Array:
    """Beginnings of the trials, which must not overlap."""
    start, duration = (recording.trials[name] for name in ("start", "duration"))
    early = np.flatnonzero(start[1:] < (start + duration)[:-1] - _SLACK)
    if len(early) or (len(start) and start[0] < 0):
        trial = int(early[0]) + 1 if len(early) else 0
        raise SpecError(
            f"trial {trial} starts at {start[trial]:g} ms, before the trial before it has ended,"
            " and the format has one axis of time; give other starts in the trial table",
            where="write_sonata",
        )
    return np.asarray(start, dtype=np.float64)


def _check_order(spikes: Spikes, recording: Recording, name: str) -> None:
    """Raise for a spike at the moment at which the trial before ended: it would belong there."""
    at_begin = np.flatnonzero((spikes.time <= _SLACK) & (spikes.trial > 0))
    start, end = recording.trials["start"], recording.trials["start"] + recording.trials["duration"]
    for k in at_begin:
        trial = int(spikes.trial[k])
        if start[trial] <= end[trial - 1] + _SLACK:
            raise SpecError(
                f"a spike of {name!r} at the very beginning of trial {trial} would be read as one"
                f" at the end of trial {trial - 1}; put a gap between the trials",
                where="write_sonata",
            )


def read_sonata(
    path: str | os.PathLike[str],
    *,
    duration: Milliseconds | None = None,
    trials: Mapping[str, ArrayLike] | None = None,
    shapes: Mapping[str, Shape | int] | None = None,
    populations: Sequence[str] | None = None,
) -> Recording:
    """Read a SONATA spike file.

    Parameters
    ----------
    path : path
    duration : float, optional
        Duration of the whole in ms, as one trial: the file does not hold it.
    trials : mapping from column to array (trials,), optional
        In place of ``duration``, the trials to cut: ``start`` and ``duration`` in ms, and any other
        column, as of a :class:`Recording`. Spikes between trials are left out. One at the moment
        at which a trial ends and another begins belongs to the one that ends.
    shapes : mapping from population to (channel, row, column), optional
        Without a shape, a population has as many neurons as its largest number plus one: the file
        does not hold neurons that are silent.
    populations : sequence of str, optional
        All by default.

    Returns
    -------
    Recording
        Times in ms since the beginning of the trial.

    Raises
    ------
    DataError
        If the file is missing, truncated or damaged, not SONATA, without a unit of time, or not
        sorted as it says.
    SpecError
        If neither or both of ``duration`` and ``trials`` are given, or a spike lies outside the
        duration.
    """
    if (duration is None) == (trials is None):
        raise SpecError(
            "the file does not hold how long the run lasted; give either its duration, or trials"
            " with start and duration",
            where="read_sonata",
        )
    if trials is None:
        table = trial_table({"duration": [plain(duration, "ms", where="duration")]})
    else:
        table = trial_table(trials)
    source = Path(path)
    found = read_apart(_read, source, populations)
    given = {n: checked_shape(n, shape) for n, shape in (shapes or {}).items() if n in found}
    spikes = {}
    for name, (time, unit) in found.items():
        if trials is None:
            spikes[name] = Spikes(time, unit, np.zeros(len(time), dtype=np.int32))
        else:
            spikes[name] = _cut(time, unit, table)
        if name not in given:
            given[name] = checked_shape(name, int(unit.max(initial=-1)) + 1)
    return Recording(spikes, given, table)


def _cut(time: Array, unit: NDArray[Any], table: Mapping[str, NDArray[Any]]) -> Spikes:
    """Spikes by trial; a later trial may begin where the one before ends."""
    start, duration = (np.asarray(table[n], dtype=np.float64) for n in ("start", "duration"))
    order = np.argsort(time, kind="stable")
    time, unit = time[order], unit[order]
    ends = start + duration
    follows = (np.abs(start[:, None] - ends) <= _SLACK).any(axis=1)
    # A spike at the end of a trial belongs to it, also where a sum was rounded.
    first = np.searchsorted(time, start + np.where(follows, _SLACK, -_SLACK), "right")
    last = np.maximum(np.searchsorted(time, ends + _SLACK, "right"), first)
    every = [np.arange(a, b) for a, b in zip(first, last, strict=True)]
    rows = np.concatenate([np.zeros(0, dtype=np.int64), *every])
    trial = np.repeat(np.arange(len(start), dtype=np.int32), last - first)
    return Spikes(time[rows] - start[trial], unit[rows], trial)


def _read(source: Path, chosen: Sequence[str] | None) -> dict[str, tuple[Array, NDArray[Any]]]:
    """Times in ms and neurons of each population."""
    import h5py

    where = str(source)
    check_readable(source)
    try:
        with h5py.File(source, "r") as file:
            check_sizes(file)
            root = file.get("spikes")
            if not isinstance(root, h5py.Group):
                raise DataError("has no group /spikes; name a SONATA spike file", where=where)
            if "timestamps" in root:
                raise DataError(
                    "has the layout before populations, /spikes/timestamps and /spikes/gids; write"
                    " it again with one group per population",
                    where=where,
                )
            names = list(root) if chosen is None else list(chosen)
            if not names:
                raise DataError("has no population in /spikes", where=where)
            for name in names:
                if name not in root:
                    raise SpecError(f"no population {name!r}; {hint(name, root)}", where=where)
            return {name: _population(root[name], f"{where}: /spikes/{name}") for name in names}
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        if isinstance(error, DataError | SpecError):
            raise
        said = " ".join(str(error).split())
        raise DataError(f"is not HDF5, truncated or damaged ({said})", where=where) from None


def _population(group: Any, where: str) -> tuple[Array, NDArray[Any]]:
    import h5py

    parts = []
    for name, kinds, what in (
        ("timestamps", "fiu", "numbers"),
        ("node_ids", "iu", "whole numbers"),
    ):
        part = group.get(name) if isinstance(group, h5py.Group) else None
        if not isinstance(part, h5py.Dataset):
            raise DataError(f"has no dataset {name!r}", where=where)
        if part.ndim != 1 or part.dtype.kind not in kinds:
            raise DataError(
                f"{name!r} is an array of {part.dtype} of shape {part.shape}, not a list of {what}",
                where=where,
            )
        parts.append(part[...])
    time, unit = parts
    if len(time) != len(unit):
        raise DataError(f"has {len(time)} timestamps, but {len(unit)} node_ids", where=where)
    time = _in_ms(time, group["timestamps"], where)
    if len(unit) and int(unit.max()) >= 2**31 - 1:
        raise DataError(
            f"neuron {unit.max()} has a number above those of a recording; number the neurons of"
            " a population from 0",
            where=where,
        )
    unit = unit.astype(np.int64)
    if unit.size and unit.min() < 0:
        raise DataError(f"neuron {unit.min()}; neurons count from 0", where=where)
    _check_sorting(group, time, unit, where)
    return time, unit


def _in_ms(time: NDArray[Any], dataset: h5py.Dataset, where: str) -> Array:
    given = _text(dataset.attrs.get("units"))
    if given is None:
        raise DataError("'timestamps' has no attribute 'units'; add one, such as 'ms'", where=where)
    if given not in _UNITS:
        raise DataError(
            f"{given!r} is not a unit of time; the attribute 'units' is one of {', '.join(_UNITS)}",
            where=where,
        )
    if not np.isfinite(time).all():
        raise DataError("a timestamp is not finite", where=where)
    if _UNITS[given] == "ms":
        return time.astype(np.float64)
    # By text, so that the factor is that of every other unit.
    factor = plain(f"1 {_UNITS[given]}", "ms")
    return plain_array(time * factor, "ms", where=where)


def _text(value: Any) -> str | None:
    """An attribute that is text, in whichever way HDF5 holds it."""
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.ravel()[0]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else None


def _check_sorting(group: Any, time: Array, unit: NDArray[Any], where: str) -> None:
    """Raise unless the spikes are sorted as the file says; without a word any order is right."""
    import h5py

    if "sorting" not in group.attrs:
        return
    value = group.attrs["sorting"]
    members = h5py.check_enum_dtype(group.attrs.get_id("sorting").dtype)
    if members is not None:
        names = {number: name for name, number in members.items()}
        sorting: str | None = names.get(int(np.ravel(value)[0]))
    else:
        sorting = _text(value)
    if sorting not in _SORTINGS:
        raise DataError(
            f"{sorting or value!r} is not a sorting; the attribute 'sorting' is one of"
            f" {', '.join(_SORTINGS)}",
            where=where,
        )
    later = np.diff(time) < 0
    if sorting == "by_id":
        further = np.diff(unit)
        wrong = (further < 0) | ((further == 0) & later)
    else:
        wrong = later if sorting == "by_time" else np.zeros(0, dtype=bool)
    if wrong.any():
        raise DataError(
            f"says that spikes are sorted {sorting}, but spike {int(np.argmax(wrong)) + 1} is not;"
            " sort them, or set the attribute to 'none'",
            where=where,
        )
