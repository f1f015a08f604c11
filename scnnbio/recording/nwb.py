"""Recordings from NWB files: units and trials, read by pynwb through a map of columns."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio._apart import read_apart
from scnnbio.errors import DataError, SpecError, hint, install
from scnnbio.files import check_readable
from scnnbio.recording.column_maps import ColumnMap, MappedColumn
from scnnbio.recording.hdf5 import check_sizes
from scnnbio.recording.record import Recording
from scnnbio.recording.samples import Spikes

Array = NDArray[np.float64]

#: Population of units whose file says no area.
UNITS = "units"
#: What reading an NWB file imports.
NEEDS = ("h5py", "pynwb")


@dataclass(frozen=True, eq=False)
class NwbFile:
    """What was read of an NWB file.

    Parameters
    ----------
    recording : Recording
        One population per area; times in ms since the trial began.
    session : str
        Identifier of the session.
    units : mapping from population to array of int
        ``id`` in the file of each unit.
    areas : mapping from population to str
        ``"V1"`` for an area that the map calls so, its own name for others; empty if the map does
        not say.
    notes : tuple of str
        What was left out, and why.
    """

    recording: Recording
    session: str
    units: dict[str, NDArray[np.int64]]
    areas: dict[str, str]
    notes: tuple[str, ...]


def read_nwb(file: str | Path, columns: ColumnMap) -> NwbFile:
    """Read the trials and units of an NWB file.

    Parameters
    ----------
    file : str or Path
    columns : ColumnMap

    Returns
    -------
    NwbFile

    Raises
    ------
    DataError
        If the file cannot be read, or pynwb is not installed.
    SpecError
        If the file has no such table or column, no such units, or units that were not observed in
        all trials.
    """
    return read_apart(_read_file, Path(file), columns, needs=NEEDS)


def _read_file(path: Path, columns: ColumnMap) -> NwbFile:
    with opened(path) as content:
        return _read(content, columns, str(path))


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The content of an NWB file, whose arrays are read while the context lasts.

    Only for a process that :func:`~scnnbio._apart.read_apart` reads in.

    Parameters
    ----------
    path : pathlib.Path

    Raises
    ------
    DataError
        If pynwb is not installed, there is no such file, or it is damaged or claims more than it
        holds.
    """
    import h5py

    try:
        import pynwb
    except ImportError:
        raise DataError(f"pynwb reads NWB files: {install('nwb')}", where=str(path)) from None
    check_readable(path)
    try:
        with h5py.File(path, "r") as file:
            check_sizes(file)
        io = pynwb.NWBHDF5IO(path, "r")
    except Exception as error:  # what h5py and hdmf raise of a file that is none
        raise DataError(f"is not an NWB file: {error}", where=str(path)) from None
    with io:
        try:
            content = io.read()
        except Exception as error:
            raise DataError(f"is not an NWB file: {error}", where=str(path)) from None
        yield content


def _read(content: Any, columns: ColumnMap, where: str) -> NwbFile:
    table = _intervals(content, columns.table, where)
    begin, end = (_numbers(table[name][:]) for name in ("start_time", "stop_time"))
    kept, notes = _valid(content, begin, end)
    order = kept[np.argsort(begin[kept], kind="stable")]
    begin, end = begin[order] * 1000.0, end[order] * 1000.0
    if not len(begin):
        raise SpecError("has no trials", where=f"{where}: {columns.table}")
    shortest = float((end - begin).min())
    length = shortest if columns.duration is None else float(columns.duration)  # type: ignore[arg-type]
    if length > shortest * (1 + 1e-3):
        raise SpecError(
            f"trials of {shortest:g} ms are shorter than the {length:g} ms of the map",
            where=f"{where}: {columns.table}",
        )
    trials = {
        "start": begin - begin[0],
        "duration": np.full(len(begin), length),
        **_stimulus(table, columns, order, where),
    }
    for name in ("species", "state"):
        if getattr(columns, name):
            trials[name] = np.full(len(begin), getattr(columns, name))
    members = _members(content, columns, where)
    spikes = {
        name: _cut(content.units, rows, begin, length, where) for name, rows in members.items()
    }
    ids = np.asarray(content.units.id[:])
    return NwbFile(
        Recording(spikes, {name: (len(rows), 1, 1) for name, rows in members.items()}, trials),
        str(content.session_id or content.identifier),
        {name: ids[rows] for name, rows in members.items()},
        {name: "V1" if name in columns.v1 else name for name in members if columns.v1},
        notes,
    )


def _intervals(content: Any, name: str, where: str) -> Any:
    known = dict(content.intervals or {})
    if content.trials is not None:
        known["trials"] = content.trials
    if name not in known:
        raise SpecError(f"no table of intervals {name!r}; {hint(name, known)}", where=where)
    return known[name]


def _valid(content: Any, begin: Array, end: Array) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Trials that touch no interval that the file calls invalid."""
    kept = np.ones(len(begin), dtype=bool)
    if content.invalid_times is not None:
        for low, high in zip(
            content.invalid_times["start_time"][:], content.invalid_times["stop_time"][:],
            strict=True,
        ):  # fmt: skip
            kept &= (end <= low) | (begin >= high)
    lost = int((~kept).sum())
    note = (f"left out {lost} of {len(kept)} trials, in which the file calls times invalid",)
    return np.flatnonzero(kept), note if lost else ()


def _stimulus(
    table: Any, columns: ColumnMap, order: NDArray[np.int64], where: str
) -> dict[str, Array]:
    def column(name: str) -> Array:
        if name not in table.colnames:
            said = hint(name, table.colnames)
            raise SpecError(f"no column {name!r}; {said}", where=f"{where}: {columns.table}")
        return _numbers(table[name][:])[order]

    def mapped(given: MappedColumn) -> Array:
        return np.asarray(given.times * column(given.source) + given.add)

    found = {name: mapped(given) for name, given in columns.columns.items()}
    for name, value in columns.constants.items():
        found[name] = np.full(len(order), float(value))
    if "orientation" in found:
        found["orientation"] = found["orientation"] % 360.0
    if columns.blank:
        blank = np.isnan(column(columns.blank))
        contrast = found.get("contrast", np.ones(len(order)))
        found["contrast"] = np.where(blank, 0.0, contrast)
    return found


def _numbers(values: Any) -> Array:
    """Numbers of a column, which may be text; NaN for text that is not a number, such as null."""
    given = np.asarray(values)
    if given.dtype.kind in "fiub":
        return given.astype(np.float64)
    found = np.full(len(given), np.nan)
    for k, text in enumerate(given.tolist()):
        try:
            found[k] = float(text)
        except (TypeError, ValueError):
            continue
    return found


def _members(content: Any, columns: ColumnMap, where: str) -> dict[str, NDArray[np.int64]]:
    """Rows of the table of units by area."""
    units = content.units
    if units is None or not len(units):
        raise SpecError("has no units", where=where)
    kept = np.ones(len(units), dtype=bool)
    for name, value in columns.only.items():
        if name not in ("id", *units.colnames):
            raise SpecError(
                f"no column {name!r}; {hint(name, units.colnames)}", where=f"{where}: units"
            )
        wanted = value if isinstance(value, list) else [value]
        kept &= np.isin(np.asarray((units.id if name == "id" else units[name])[:]), wanted)
    if not kept.any():
        raise SpecError(f"no unit has {dict(columns.only)}", where=f"{where}: units")
    rows = np.flatnonzero(kept)
    if not columns.area:
        return {UNITS: rows}
    areas = _areas(content, columns, where)[rows]
    names = (str(name) for name in np.unique(areas) if name)
    return {name.replace("/", "-"): rows[areas == name] for name in names}


def _areas(content: Any, columns: ColumnMap, where: str) -> NDArray[Any]:
    units, area = content.units, columns.area
    if not columns.by_electrode:
        if area not in units.colnames:
            raise SpecError(
                f"no column {area!r}; {hint(area, units.colnames)}", where=f"{where}: units"
            )
        return np.asarray(units[area][:]).astype(str)
    electrodes = content.electrodes
    if electrodes is None or area not in electrodes.colnames:
        known = () if electrodes is None else electrodes.colnames
        raise SpecError(f"no column {area!r}; {hint(area, known)}", where=f"{where}: electrodes")
    if columns.by_electrode not in units.colnames:
        said = hint(columns.by_electrode, units.colnames)
        raise SpecError(f"no column {columns.by_electrode!r}; {said}", where=f"{where}: units")
    place = dict(zip(electrodes.id[:].tolist(), map(str, electrodes[area][:]), strict=True))
    wanted = np.asarray(units[columns.by_electrode][:]).tolist()
    if unknown := [k for k in wanted if k not in place]:
        raise SpecError(f"no electrode has the id {unknown[0]}", where=f"{where}: electrodes")
    return np.array([place[k] for k in wanted])


def _cut(units: Any, rows: NDArray[np.int64], begin: Array, length: float, where: str) -> Spikes:
    """Spikes of units in trials, ms after each begins."""
    time, unit, trial = [np.zeros(0)], [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    watched = "obs_intervals" in units.colnames
    for number, row in enumerate(rows.tolist()):
        if watched:
            _check_observed(
                np.asarray(units["obs_intervals"][row]) * 1000, begin, length, row, where
            )
        spikes = np.sort(np.asarray(units["spike_times"][row], dtype=np.float64)) * 1000.0
        low = np.searchsorted(spikes, begin, side="right")
        number_in = np.searchsorted(spikes, begin + length, side="right") - low
        which = np.repeat(np.arange(len(begin)), number_in)
        within = np.arange(number_in.sum()) - np.repeat(np.cumsum(number_in) - number_in, number_in)
        time.append(np.minimum(spikes[low[which] + within] - begin[which], length))
        unit.append(np.full(len(which), number))
        trial.append(which)
    return Spikes(np.concatenate(time), np.concatenate(unit), np.concatenate(trial))


def _check_observed(seen: Array, begin: Array, length: float, row: int, where: str) -> None:
    """Refuse a unit that was not observed in a trial, in which it would count as silent."""
    inside = (seen[:, 0] <= begin[:, None] + 1e-6) & (begin[:, None] + length <= seen[:, 1] + 1e-6)
    outside = int((~inside.any(axis=1)).sum())
    if outside:
        raise SpecError(
            f"the unit in row {row} was not observed in {outside} of {len(begin)} trials, in which"
            " it would count as silent; leave it out with [units.only]",
            where=f"{where}: units",
        )
