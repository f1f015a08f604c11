"""Sweeps of current clamp from files: NWB, npz and CSV."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio._apart import read_apart
from scnnbio.archives import arrays_of
from scnnbio.errors import DataError, SpecError, hint
from scnnbio.files import check_readable
from scnnbio.recording.nwb import NEEDS, opened
from scnnbio.recording.sweeps import Sweep
from scnnbio.units import UNITS, Window, dimension, plain_window, si_factor

Array = NDArray[np.float64]

#: Quantities of a table, by name, and their units in a sweep.
_QUANTITIES = {"current": "nA", "potential": "mV", "time": "ms", "period": "ms"}
_COLUMN = re.compile(rf"({'|'.join(_QUANTITIES)})_([A-Za-z]+)")
#: Irregular times differ from a grid by more than this part of a period.
_IRREGULAR = 0.01
#: Largest size of the arrays of an npz file.
_MOST_BYTES = 2**34


def read_sweeps(
    file: str | Path, only: Sequence[str] = (), window: Window | None = None
) -> tuple[Sweep, ...]:
    """Read sweeps of current clamp.

    Parameters
    ----------
    file : str or Path
        NWB, read by pynwb: every CurrentClampSeries with its CurrentClampStimulusSeries, which a
        row of the table of intracellular recordings joins, or else their sweep number.

        CSV: columns ``time_ms``, ``current_pA`` and ``potential_mV``, and ``sweep`` if there are
        several; the end of a name is the unit, of which others of the same kind may be given.

        npz: arrays ``current_pA`` and ``potential_mV``, each (samples,) or (sweeps, samples);
        ``time_ms`` (samples,) or one number ``period_ms``; ``sweep``, the names, if wanted.
    only : sequence of str
        Names of sweeps to read; all if empty. In an NWB file, the name of a CurrentClampSeries.
    window : (float, float), optional
        Begin and end (ms since the beginning of each sweep) of what is kept.

    Returns
    -------
    tuple of Sweep
        In the order of the file.

    Raises
    ------
    DataError
        If the file is missing or damaged, or pynwb is not installed.
    SpecError
        If a column or the unit of one is missing, the file has no current clamp, a sweep has no
        stimulus, samples are missing, lengths differ, or times are not on a regular grid.
    """
    path = Path(file)
    part = None if window is None else plain_window(window, where="window")
    readers: dict[str, Callable[[Path], tuple[Sweep, ...]]] = {
        ".nwb": lambda path: read_apart(_from_nwb, path, only, needs=NEEDS),
        ".npz": _from_npz,
        ".csv": _from_csv,
    }
    if path.suffix not in readers:
        raise SpecError(f"sweeps are read from {', '.join(readers)} files", where=str(path))
    check_readable(path)
    try:
        found = readers[path.suffix](path)
    except SpecError as error:
        inside = not error.where.startswith(str(path))
        where = f"{path}: {error.where}".rstrip(": ") if inside else error.where
        raise SpecError(error.message, where=where) from None
    known = [sweep.name for sweep in found]
    for name in only:
        if name not in known:
            raise SpecError(f"there is no sweep {name!r}; {hint(name, known)}", where=str(path))
    chosen = tuple(sweep for sweep in found if not only or sweep.name in only)
    return chosen if part is None else tuple(_cut(sweep, *part) for sweep in chosen)


def _cut(sweep: Sweep, begin: float, end: float) -> Sweep:
    first, last = round(begin / sweep.period), round(end / sweep.period)
    if not 0 <= first < last <= len(sweep.current):
        raise SpecError(
            f"{begin:g} to {end:g} ms is not within the {sweep.duration:g} ms of {sweep.name!r}",
            where="window",
        )
    part = slice(first, last)
    return Sweep(sweep.current[part], sweep.potential[part], sweep.period, sweep.name)


def _from_csv(path: Path) -> tuple[Sweep, ...]:
    import pandas as pd

    try:
        table = pd.read_csv(path)
    except (ValueError, OSError) as error:
        raise DataError(f"is not a CSV file: {error}", where=str(path)) from None
    columns = {str(name): table[name].to_numpy() for name in table}
    names = columns.pop("sweep", np.full(len(table), "sweep"))
    values = _quantities(columns)
    found = []
    for name in dict.fromkeys(names.tolist()):
        rows = names == name
        part = {quantity: column[rows] for quantity, column in values.items()}
        found.append(Sweep(part["current"], part["potential"], _period(part), str(name)))
    if not found:
        raise SpecError("has no rows")
    return tuple(found)


def _from_npz(path: Path) -> tuple[Sweep, ...]:
    try:
        arrays = arrays_of(path.read_bytes(), _MOST_BYTES)
    except (OSError, ValueError) as error:
        raise DataError(f"is not an npz file of arrays: {error}", where=str(path)) from None
    names = arrays.pop("sweep", None)
    values = _quantities(arrays)
    current, potential = (np.atleast_2d(values[name]) for name in ("current", "potential"))
    if len(current) != len(potential) or current.ndim != 2 or potential.ndim != 2:
        raise SpecError(
            f"the current has shape {current.shape} and the potential {potential.shape}; give"
            " (sweeps, samples) of both"
        )
    labels = [str(k) for k in range(len(current))] if names is None else names.astype(str).tolist()
    if len(labels) != len(current):
        raise SpecError(f"{len(labels)} names of {len(current)} sweeps", where="sweep")
    period = _period(values)
    return tuple(
        Sweep(i, v, period, label) for i, v, label in zip(current, potential, labels, strict=True)
    )


def _quantities(columns: Mapping[str, NDArray[Any]]) -> dict[str, Array]:
    """Current and potential, and time or period, in the units of a sweep."""
    found: dict[str, Array] = {}
    for name, column in columns.items():
        match = _COLUMN.fullmatch(name)
        if match is None:
            continue
        quantity, unit = match.groups()
        needed = _QUANTITIES[quantity]
        if unit not in UNITS or dimension(unit) != dimension(needed):
            known = [u for u in UNITS if dimension(u) == dimension(needed)]
            raise SpecError(f"{unit!r} is not one of {', '.join(known)}", where=name)
        if column.dtype.kind not in "biuf":
            raise SpecError(f"contains {column.dtype} instead of numbers", where=name)
        if quantity in found:
            raise SpecError(f"{quantity!r} is given twice", where=name)
        found[quantity] = column.astype(float) * (si_factor(unit) / si_factor(needed))
    for quantity in ("current", "potential"):
        if quantity not in found:
            raise SpecError(
                f"there is no {quantity!r} with a unit, such as '{quantity}_"
                f"{'pA' if quantity == 'current' else 'mV'}'; there are"
                f" {', '.join(columns) or 'none'}"
            )
    return found


def _period(values: Mapping[str, Array]) -> float:
    """Time between samples, from itself or from the times of the samples."""
    if "period" in values:
        if values["period"].size != 1:
            raise SpecError("is not one number", where="period")
        return float(values["period"].ravel()[0])
    if "time" not in values:
        raise SpecError("there are no times, 'time_ms', and no 'period_ms'")
    times = values["time"]
    if times.ndim != 1 or times.size < 2:
        raise SpecError(f"shape {times.shape} is not that of two or more times", where="time")
    if times.size != values["potential"].shape[-1]:
        raise SpecError(
            f"there are {times.size} times of {values['potential'].shape[-1]} samples",
            where="time",
        )
    each = float(times[-1] - times[0]) / (len(times) - 1)
    if not each > 0 or np.abs(np.diff(times) - each).max() > _IRREGULAR * each:
        raise SpecError(
            "times do not increase by equal steps; resample the sweeps on a regular grid",
            where="time",
        )
    return float(f"{each:.9g}")  # without the rounding errors of a difference


def _from_nwb(path: Path, only: Sequence[str]) -> tuple[Sweep, ...]:
    with opened(path) as content:
        series = dict(content.acquisition)
        clamped = {n: s for n, s in series.items() if _is(s, "CurrentClampSeries")}
        other = [n for n, s in series.items() if _is(s, "VoltageClampSeries")]
        for name in only:
            if name in other:
                raise SpecError("is voltage clamp; a neuron is fitted to current clamp", where=name)
        if not clamped:
            said = f"its {len(other)} series are voltage clamp" if other else "it has no clamp data"
            raise SpecError(f"has no CurrentClampSeries: {said}")
        stimuli = _stimuli(content)
        return tuple(
            _sweep(name, one, stimuli.get(name) or _by_number(content, one, name))
            for name, one in clamped.items()
            if not only or name in only
        )


def _is(series: Any, kind: str) -> bool:
    return any(cls.__name__ == kind for cls in type(series).__mro__)


def _stimuli(content: Any) -> dict[str, Any]:
    """Stimulus of each response, where the table of intracellular recordings names it."""
    table = content.intracellular_recordings
    if table is None:
        return {}
    stimuli, responses = (
        table.category_tables[kind][column]
        for kind, column in (("stimuli", "stimulus"), ("responses", "response"))
    )
    found = {}
    for k in range(len(table)):
        stimulus, response = stimuli[k].timeseries, responses[k].timeseries
        if stimulus is not None and response is not None:
            found[response.name] = stimulus
    return found


def _by_number(content: Any, response: Any, name: str) -> Any:
    number = response.sweep_number
    same = [
        one
        for one in content.stimulus.values()
        if _is(one, "CurrentClampStimulusSeries")
        and number is not None
        and one.sweep_number == number
    ]
    if len(same) != 1:
        why = "it has no sweep number" if number is None else f"{len(same)} have number {number}"
        raise SpecError(
            f"no table joins it to a CurrentClampStimulusSeries, and {why}; add a table of"
            " intracellular recordings to the file",
            where=name,
        )
    return same[0]


def _sweep(name: str, response: Any, stimulus: Any) -> Sweep:
    if not _is(stimulus, "CurrentClampStimulusSeries"):
        raise SpecError(f"its stimulus is a {type(stimulus).__name__}, not a current", where=name)
    potential = _samples(response, "volts", 1e3, name)
    current = _samples(stimulus, "amperes", 1e9, stimulus.name)
    periods = [_period_of(one) for one in (response, stimulus)]
    if abs(periods[0] - periods[1]) > 1e-6 * periods[0]:
        raise SpecError(
            f"the potential has a sample per {periods[0]:g} ms and the current one per"
            f" {periods[1]:g} ms; resample one of them",
            where=name,
        )
    return Sweep(current, potential, periods[0], name)


def _samples(series: Any, unit: str, times: float, name: str) -> Array:
    if str(series.unit).lower() not in (unit, unit.removesuffix("s")):
        raise SpecError(f"is in {series.unit!r}, not in {unit}", where=name)
    values = np.asarray(series.data[:], dtype=float)
    scaled: Array = (values * float(series.conversion) + float(series.offset)) * times
    return scaled


def _period_of(series: Any) -> float:
    if series.rate is not None:
        return float(f"{1000.0 / float(series.rate):.9g}")
    times = np.asarray(series.timestamps[:], dtype=float) * 1000.0
    return _period({"time": times, "potential": times})
