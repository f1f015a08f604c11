"""Trials of a Neo block: its segments, or the intervals of an epoch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scnnbio._apart import read_apart
from scnnbio.errors import DataError, SpecError
from scnnbio.recording.neo_blocks import ORIGIN
from scnnbio.units import plain, plain_array, without_unit

if TYPE_CHECKING:
    import neo

#: Columns of the trial table that are times.
_TIMES = ("duration", "start")

#: Decimals of a time in ms. A difference of two times is rounded: 2005.1 - 2000 is 5.1.
_DECIMALS = 9


@dataclass(frozen=True)
class Trial:
    """One trial: a segment or a part of it, and its row of the trial table."""

    segment: neo.Segment
    begin: float
    end: float
    row: dict[str, Any]
    where: str
    cut: bool = False

    def contains(self, time: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which times lie in it; all of them where the segment is not cut."""
        if not self.cut:
            return np.ones(len(time), dtype=bool)
        return np.asarray((time > self.begin) & (time <= self.end))

    def since_begin(self, time: NDArray[np.float64]) -> NDArray[np.float64]:
        """Times counted from its beginning."""
        return time if self.begin == 0 else np.asarray(np.round(time - self.begin, _DECIMALS))


def check_nwb(block: neo.Block) -> None:
    """Raise if the block came from an NWB file with a trial table, which ``neo.NWBIO`` drops."""
    path = Path(str(block.file_origin or ""))
    if path.suffix != ".nwb" or not os.path.isfile(path):
        return
    try:
        has_trials = read_apart(_has_trials, path)
    except DataError:  # the block is already read: its file need not be readable any more
        return
    if has_trials:
        raise SpecError(
            "has a table of trials, which neo.NWBIO does not read; give the segment a neo.Epoch"
            " of that name with their times and durations and call from_neo(block,"
            " trials='trials'), or leave_out=['trials']",
            where=str(path),
        )


def _has_trials(path: Path) -> bool:
    """Whether an NWB file has a table of trials; only for a process that reads apart."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return "intervals/trials" in file
    except (OSError, RuntimeError) as error:
        raise DataError(f"is not an NWB file: {error}", where=str(path)) from None


def check_supported(
    segment: neo.Segment, trials: str | None, leave_out: Sequence[str], where: str
) -> None:
    """Raise if a segment holds what a recording cannot, unless ``leave_out`` names it."""
    lost = [
        *(epoch for epoch in segment.epochs if _name(epoch) != trials),
        *segment.events,
        *segment.imagesequences,
    ]
    names = [_name(item) for item in lost if len(item) and _name(item) not in leave_out]
    if names:
        raise SpecError(
            f"a recording cannot hold {', '.join(map(repr, names))}; cut trials at an epoch with"
            " trials='its name', or name what you do not need in leave_out",
            where=where,
        )


def _name(item: Any) -> str:
    return str(item.name or type(item).__name__)


def whole_segment(segment: neo.Segment, origin: Any, leave_out: Sequence[str], where: str) -> Trial:
    """A whole segment as a trial."""
    data = [*segment.spiketrains, *sampled(segment)]
    row = {
        name: _cell(name, value, where)
        for name, value in segment.annotations.items()
        if name not in leave_out and value is not None
    }
    if not data and "duration" not in row:
        raise SpecError(
            "has neither spike trains nor signals nor a 'duration'; annotate it with its duration"
            " in ms",
            where=where,
        )
    begin = min((plain(item.t_start, "ms", where=where) for item in data), default=0.0)
    if origin is not None:
        begin = plain(origin, "ms", where=f"block.{ORIGIN}")
    if "duration" not in row:
        last = max(plain(item.t_stop, "ms", where=where) for item in data)
        row["duration"] = round(last - begin, _DECIMALS)
    return Trial(segment, begin, begin + row["duration"], row, where)


def _cell(name: str, value: Any, where: str) -> Any:
    """An annotation as the trial table holds it."""
    place = f"{where}.{name}"
    if name in _TIMES:
        return plain(value, "ms", where=place)
    value = without_unit(value, where=place)
    if isinstance(value, str):
        return str(value)
    if np.ndim(value) or np.asarray(value).dtype.kind not in "biuf":
        raise SpecError(
            f"is a {type(value).__name__}, which a trial table cannot hold; make it one number"
            " or text, or name it in leave_out",
            where=place,
        )
    return np.asarray(value).item()


def cut_at(whole: Trial, trials: str, leave_out: Sequence[str], where: str) -> list[Trial]:
    """Trials at the times of an epoch."""
    named = [epoch for epoch in whole.segment.epochs if _name(epoch) == trials]
    if len(named) != 1:
        known = ", ".join(repr(_name(epoch)) for epoch in whole.segment.epochs) or "none"
        raise SpecError(
            f"{len(named)} epochs are called {trials!r}, not one; epochs: {known}",
            where=f"{where}.trials",
        )
    epoch = named[0]
    begin = plain_array(epoch.times, "ms", where=f"{where}.{trials}")
    length = plain_array(epoch.durations, "ms", where=f"{where}.{trials}")
    shared = {name: value for name, value in whole.row.items() if name not in _TIMES}
    found = []
    for k, (start, duration) in enumerate(zip(begin.tolist(), length.tolist(), strict=True)):
        row = dict(shared)
        if len(epoch.labels):
            row["label"] = str(epoch.labels[k])
        for name, values in epoch.array_annotations.items():
            if name not in leave_out:
                row[name] = _cell(name, values[k], f"{where}.{trials}")
        row |= {"duration": duration, "start": start}
        if start < whole.begin - 1e-6 or start + duration > whole.end + 1e-6:
            raise SpecError(
                f"trial {k} lasts from {start:g} to {start + duration:g} ms, but the segment from"
                f" {whole.begin:g} to {whole.end:g} ms; correct the epoch",
                where=f"{where}.{trials}",
            )
        found.append(Trial(whole.segment, start, start + duration, row, where, cut=True))
    return found


def columns(trials: Sequence[Trial]) -> dict[str, Any]:
    """Columns of the trial table; values that a row lacks are NaN or ``""``."""
    if not trials:
        return {"duration": np.zeros(0)}
    rows = [trial.row for trial in trials]
    starts = [trial.begin for trial in trials]
    if len(set(starts)) > 1 and not any("start" in row for row in rows):
        rows = [{**row, "start": start} for row, start in zip(rows, starts, strict=True)]
    table: dict[str, Any] = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        text = any(isinstance(row.get(name), str) for row in rows)
        absent: Any = "" if text else np.nan
        table[name] = [row.get(name, absent) for row in rows]
    return table


def sampled(segment: neo.Segment) -> list[Any]:
    """Signals of a segment."""
    return [*segment.analogsignals, *segment.irregularlysampledsignals]
