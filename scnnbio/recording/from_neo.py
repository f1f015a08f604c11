"""Recordings from Neo blocks. What a recording cannot hold raises an error that names it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.recording.neo_blocks import ORIGIN
from scnnbio.recording.neo_trials import (
    Trial,
    check_nwb,
    check_supported,
    columns,
    cut_at,
    sampled,
    whole_segment,
)
from scnnbio.units import plain, plain_array, whole_numbers

if TYPE_CHECKING:
    import neo

#: Populations of spike trains, and of signals, without an annotation ``population``.
_UNITS, _CHANNELS = "units", "channels"


def to_tree(block: neo.Block, trials: str | None, leave_out: Sequence[str]) -> dict[str, Any]:
    """Arguments of the constructors of a recording; see :meth:`Recording.from_neo`."""
    if isinstance(leave_out, str):
        leave_out = (leave_out,)
    if trials is None and "trials" not in leave_out:
        check_nwb(block)
    given = block.annotations.get("shapes", {})
    if not isinstance(given, Mapping):
        raise SpecError(f"{given!r} must map each population to its shape", where="block.shapes")
    shapes: dict[str, Any] = dict(given)
    found: list[Trial] = []
    for number, segment in enumerate(block.segments):
        where = f"segment {segment.name or number!r}"
        check_supported(segment, trials, leave_out, where)
        whole = whole_segment(segment, block.annotations.get(ORIGIN), leave_out, where)
        found += [whole] if trials is None else cut_at(whole, trials, leave_out, where)
    spikes = _spikes(found, shapes)
    signals = _signals(found, leave_out)
    for name, variables in signals.items():
        largest = max(int(signal["unit"].max(initial=-1)) for signal in variables.values())
        if name not in given:
            shapes[name] = (max(shapes.get(name, (0,))[0], largest + 1), 1, 1)
    return {
        "shapes": shapes,
        "trials": columns(found),
        "spikes": spikes,
        "signals": signals,
        "snapshots": {},
    }


# ------------------------------------------------------------------------------------ spikes


def _spikes(trials: Sequence[Trial], shapes: dict[str, Any]) -> dict[str, Any]:
    """Spikes by population; adds to ``shapes`` the populations that it lacks."""
    found: dict[str, list[tuple[NDArray[np.float64], int, int]]] = {}
    members: dict[str, set[int]] | None = None
    numbered: dict[int, dict[tuple[str, int], neo.SpikeTrain]] = {}
    for index, trial in enumerate(trials):
        key = id(trial.segment)
        if key not in numbered:
            numbered[key] = _numbered(trial.segment, trial.where)
            here = _members(numbered[key])
            members = here if members is None else members
            _check_members(here, members, trial.where)
        for (name, unit), train in numbered[key].items():
            time = plain_array(train, "ms", where=f"train of unit {unit}")
            time = trial.since_begin(time[trial.contains(time)])
            found.setdefault(name, []).append((time, unit, index))
    for name, units in (members or {}).items():
        if name not in shapes:
            _check_gaps(name, units)
            shapes[name] = (len(units), 1, 1)
    return {name: _flat(trains) for name, trains in found.items()}


def _numbered(segment: neo.Segment, where: str) -> dict[tuple[str, int], neo.SpikeTrain]:
    """Trains of a segment by population and unit."""
    found: dict[tuple[str, int], neo.SpikeTrain] = {}
    unnumbered: dict[str, int] = {}
    for train in segment.spiketrains:
        name = _population(train, _UNITS, where)
        unit = train.annotations.get("unit")
        if unit is None:
            unit = unnumbered.get(name, 0)
            unnumbered[name] = unit + 1
        else:
            index = whole_numbers(unit, where=f"{where}.unit")
            if index.ndim or index < 0:
                raise SpecError(f"unit {unit} must be a whole number from 0", where=f"{where}.unit")
            unit = int(index)
        if (name, unit) in found:
            raise SpecError(
                f"two spike trains are unit {unit} of population {name!r}"
                f"{_difference(train, found[name, unit])}; give each its own annotation 'unit' or"
                " 'population'",
                where=where,
            )
        found[name, unit] = train
    return found


def _population(item: Any, otherwise: str, where: str) -> str:
    name = item.annotations.get("population", otherwise)
    if not isinstance(name, str):
        raise SpecError(f"the annotation 'population' must be text, not {name!r}", where=where)
    return str(name)


def _difference(one: Any, other: Any) -> str:
    """Names of the annotations in which two trains differ, for an error message."""
    names = [
        name
        for name in sorted({*one.annotations, *other.annotations})
        if not np.array_equal(one.annotations.get(name), other.annotations.get(name))
    ]
    return f", and differ in {', '.join(names)}" if names else ""


def _members(trains: Iterable[tuple[str, int]]) -> dict[str, set[int]]:
    """Units of each population."""
    here: dict[str, set[int]] = {}
    for name, unit in trains:
        here.setdefault(name, set()).add(unit)
    return here


def _check_members(
    here: Mapping[str, set[int]], members: Mapping[str, set[int]], where: str
) -> None:
    """Raise unless all segments have the same units: absent ones would count as silent."""
    for name in sorted({*here, *members}):
        differ = here.get(name, set()) ^ members.get(name, set())
        if differ:
            raise SpecError(
                f"unit {min(differ)} of population {name!r} has a spike train in some segments and"
                " not in others, where it would count as silent; give it an empty train if it was"
                " silent, or make separate recordings if it was not recorded",
                where=where,
            )


def _check_gaps(name: str, units: Iterable[int]) -> None:
    gaps = set(range(max(units, default=-1) + 1)) - set(units)
    if gaps:
        raise SpecError(
            f"population {name!r} has units {min(units)} to {max(units)} but no unit {min(gaps)},"
            " which would count as silent; number the trains' annotation 'unit' from 0 without"
            " gaps, or give the block an annotation shapes = {population: number of units}",
            where="block",
        )


def _flat(trains: Sequence[tuple[NDArray[np.float64], int, int]]) -> dict[str, NDArray[Any]]:
    lengths = [len(time) for time, _, _ in trains]
    return {
        "time": np.concatenate([np.zeros(0), *(time for time, _, _ in trains)]),
        "unit": np.repeat(np.array([unit for _, unit, _ in trains], dtype=np.int32), lengths),
        "trial": np.repeat(np.array([trial for _, _, trial in trains], dtype=np.int32), lengths),
    }


# ----------------------------------------------------------------------------------- signals


@dataclass(frozen=True)
class _Samples:
    """Samples of one signal in one trial."""

    values: NDArray[np.float64]
    unit: NDArray[np.int64]
    period: float
    quantity: str
    time: NDArray[np.float64]


def _signals(
    trials: Sequence[Trial], leave_out: Sequence[str]
) -> dict[str, dict[str, dict[str, Any]]]:
    parts: dict[tuple[str, str], list[tuple[_Samples, int]]] = {}
    for index, trial in enumerate(trials):
        where = trial.where
        for signal in sampled(trial.segment):
            variable = str(signal.name or "signal")
            if variable in leave_out:
                continue
            default = _UNITS if "unit" in signal.array_annotations else _CHANNELS
            key = _population(signal, default, where), variable
            earlier = parts.setdefault(key, [])
            if earlier and earlier[-1][1] == index:
                raise SpecError(
                    f"two signals of population {key[0]!r} are called {variable!r}; give each its"
                    " own name",
                    where=where,
                )
            quantity = earlier[0][0].quantity if earlier else None
            samples = _samples(signal, trial, quantity, f"{where}.{variable}")
            if earlier:
                _check_alike(samples, earlier[0][0], f"{where}.{variable}")
            earlier.append((samples, index))
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for (name, variable), rows in parts.items():
        found.setdefault(name, {})[variable] = {
            "values": np.concatenate([samples.values for samples, _ in rows]),
            "unit": rows[0][0].unit,
            "period": rows[0][0].period,
            "quantity": rows[0][0].quantity,
            "trial": np.repeat([index for _, index in rows], [len(s.time) for s, _ in rows]),
            "time": np.concatenate([samples.time for samples, _ in rows]),
        }
    return found


def _samples(signal: Any, trial: Trial, quantity: str | None, where: str) -> _Samples:
    period = signal.annotations.get("period", getattr(signal, "sampling_period", None))
    if period is None:
        raise SpecError(
            "has irregular sampling times, but a recording needs a sampling period; resample it,"
            " annotate it with a 'period' in ms, or name it in leave_out",
            where=where,
        )
    period = plain(period, "ms", where=where)
    if hasattr(signal, "sampling_period"):
        steps = np.arange(len(signal), dtype=np.float64)
        time = plain(signal.t_start, "ms", where=where) + steps * period
    else:
        time = plain_array(signal.times, "ms", where=where)
    try:
        values = signal if quantity is None else signal.rescale(_for_neo(quantity))
    except ValueError:
        raise SpecError(
            f"is in {signal.dimensionality.string} here but in {quantity} in another segment;"
            " rescale it",
            where=where,
        ) from None
    text = signal.dimensionality.string
    inside = trial.contains(time)
    return _Samples(
        values=np.asarray(values.magnitude, dtype=np.float64)[inside],
        unit=whole_numbers(
            signal.array_annotations.get("unit", np.arange(signal.shape[1])), where=f"{where}.unit"
        ),
        period=period,
        quantity=quantity or ("1" if text == "dimensionless" else text),
        time=trial.since_begin(time[inside]),
    )


def _for_neo(quantity: str) -> str:
    return "dimensionless" if quantity == "1" else quantity


def _check_alike(one: _Samples, first: _Samples, where: str) -> None:
    """Raise unless signals of one name have the same units and period."""
    for field in dataclasses.fields(_Samples):
        if field.name not in ("unit", "period"):
            continue
        ours, theirs = getattr(one, field.name), getattr(first, field.name)
        if not (np.shape(ours) == np.shape(theirs) and np.allclose(ours, theirs, rtol=1e-9)):
            raise SpecError(
                f"has another {field.name} here than in the first segment; give these signals"
                " different names",
                where=where,
            )
