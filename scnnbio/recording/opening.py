"""Recordings in files of any kind, population by population."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from scnnbio.errors import SpecError
from scnnbio.recording.column_maps import ColumnMap
from scnnbio.recording.nwb import read_nwb
from scnnbio.recording.record import Recording
from scnnbio.recording.samples import Spikes


class Opened(NamedTuple):
    """The recording that holds each population, and what was left out of the file."""

    recordings: dict[str, Recording]
    notes: tuple[str, ...] = ()


def open_recordings(
    file: Path, columns: Path | None = None, *, by: Literal["area", "session"] = "area"
) -> Opened:
    """Read an NWB file, or one that ``Recording.save`` wrote.

    Parameters
    ----------
    file : Path
    columns : Path, optional
        The map of an NWB file's columns, which it needs.
    by : {"area", "session"}
        Of an NWB file: a population per area, or all units together.

    Returns
    -------
    Opened
        Of an NWB file, a recording's trial table says the area.

    Raises
    ------
    DataError
        If the file is missing or damaged.
    SpecError
        If an NWB file has no map, or another file has one.
    """
    if file.suffix != ".nwb":
        if file.suffix in (".h5", ".hdf5") or columns is None:
            recording = Recording.load(file)
            return Opened(dict.fromkeys(recording.spikes, recording))
        raise SpecError("a map of columns is for NWB files; leave it out", where=str(file))
    if columns is None:
        raise SpecError(
            "say what its columns mean with a map: --map columns.toml of 'scnnbio score', or"
            ' columns = "columns.toml" in a claim; layout = "allen" is a map',
            where=str(file),
        )
    found = read_nwb(file, ColumnMap.load(columns))
    recording, areas = found.recording, found.areas
    if by == "session":
        recording = together(recording, found.session)
        said = " and ".join(dict.fromkeys(areas.values()))
        areas = dict.fromkeys(recording.spikes, said) if said else {}
    each = {name: _in_area(recording, areas.get(name, "")) for name in recording.spikes}
    return Opened(each, found.notes)


def _in_area(recording: Recording, area: str) -> Recording:
    """The same, whose trial table says the area: claims on another are not applied."""
    if not area:
        return recording
    trials = {**recording.trials, "area": np.full(recording.n_trials, area)}
    return Recording(recording.spikes, recording.shapes, trials)


def together(recording: Recording, name: str) -> Recording:
    """All populations of a recording as one, in their order."""
    parts, first = [], 0
    for population, spikes in recording.spikes.items():
        parts.append((spikes.time, spikes.unit.astype(np.int64) + first, spikes.trial))
        first += recording.size(population)
    time, unit, trial = (np.concatenate(column) for column in zip(*parts, strict=True))
    name = name.replace("/", "-")
    return Recording({name: Spikes(time, unit, trial)}, {name: (first, 1, 1)}, recording.trials)
