"""Recordings to and from Neo blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError

if TYPE_CHECKING:
    import neo

    from scnnbio.recording import Recording
    from scnnbio.recording.samples import Signal

#: Population of spike trains that do not say theirs.
_UNNAMED = "units"

Units = Sequence[int] | Mapping[str, Sequence[int]] | None


def to_block(
    recording: Recording,
    populations: Sequence[str] | None,
    units: Units,
    trials: Sequence[int] | None,
) -> neo.Block:
    """See :meth:`scnnbio.recording.Recording.to_neo`."""
    import neo

    names = list(recording.shapes) if populations is None else list(populations)
    chosen = {name: _chosen_units(recording, name, units) for name in names}
    block = neo.Block(name="scnnbio", shapes={name: list(recording.shapes[name]) for name in names})
    for trial in range(recording.n_trials) if trials is None else trials:
        row = {column: values[trial].item() for column, values in recording.trials.items()}
        segment = neo.Segment(name=f"trial {trial}", index=int(trial))
        segment.annotations.update(row)  # a column may be called "name", which is taken
        for name in names:
            if name in recording.spikes:
                segment.spiketrains.extend(_trains(recording, name, trial, chosen[name]))
            for variable, signal in recording.signals.get(name, {}).items():
                analog = _analog(signal, name, variable, trial, chosen[name])
                if analog is not None:
                    segment.analogsignals.append(analog)
        block.segments.append(segment)
    return block


def _chosen_units(recording: Recording, name: str, units: Units) -> NDArray[np.int64]:
    size = recording.size(name)
    wanted = units.get(name) if isinstance(units, Mapping) else units
    chosen = np.arange(size) if wanted is None else np.asarray(wanted, dtype=np.int64)
    if chosen.size and not (chosen.min() >= 0 and chosen.max() < size):
        raise SpecError(f"units of {name!r} are 0 to {size - 1}", where="to_neo.units")
    return chosen


def _trains(
    recording: Recording, name: str, trial: int, units: NDArray[np.int64]
) -> list[neo.SpikeTrain]:
    import neo
    import quantities as pq

    spikes = recording.spikes[name]
    duration = float(recording.trials["duration"][trial])
    first, last = np.searchsorted(spikes.trial, [trial, trial + 1])
    # Stable, so that the times of one unit stay in order.
    order = np.argsort(spikes.unit[first:last], kind="stable")
    unit = spikes.unit[first:last][order]
    # k * dt may exceed the duration by a rounding error, which Neo refuses.
    time = np.clip(spikes.time[first:last][order], 0.0, duration)
    begin, end = np.searchsorted(unit, units), np.searchsorted(unit, units, side="right")
    place = np.transpose(np.unravel_index(units, recording.shapes[name])).tolist()
    trains = []
    for i, (channel, row, column) in enumerate(place):
        train = neo.SpikeTrain(
            time[begin[i] : end[i]], t_start=0.0, t_stop=duration, units=pq.ms,
            population=name, unit=int(units[i]), channel=channel, row=row, column=column,
        )  # fmt: skip
        trains.append(train)
    return trains


def _analog(
    signal: Signal, name: str, variable: str, trial: int, units: NDArray[np.int64]
) -> neo.AnalogSignal | None:
    import neo
    import quantities as pq

    first, last = np.searchsorted(signal.trial, [trial, trial + 1])
    columns = np.flatnonzero(np.isin(signal.unit, units))
    if first == last or not columns.size:
        return None
    return neo.AnalogSignal(
        signal.values[first:last, columns],
        units=signal.quantity,
        t_start=signal.time[first] * pq.ms,
        sampling_period=signal.period * pq.ms,
        name=variable,
        population=name,
        array_annotations={"unit": signal.unit[columns]},
    )


def to_tree(block: neo.Block) -> dict[str, Any]:
    """Contents of a recording, as its constructors take them, of a Neo block."""
    shapes = {name: tuple(shape) for name, shape in block.annotations.get("shapes", {}).items()}
    spikes: dict[str, list[tuple[Any, ...]]] = {name: [] for name in shapes}
    signals: dict[str, dict[str, list[Any]]] = {}
    rows = []
    for trial, segment in enumerate(block.segments):
        rows.append(_row(segment))
        for index, train in enumerate(segment.spiketrains):
            name = train.annotations.get("population", _UNNAMED)
            unit = int(train.annotations.get("unit", index))
            time = (train.rescale("ms") - train.t_start.rescale("ms")).magnitude
            spikes.setdefault(name, []).append((time, unit, trial))
        for analog in segment.analogsignals:
            name = analog.annotations.get("population", _UNNAMED)
            variables = signals.setdefault(name, {})
            variables.setdefault(analog.name or "signal", []).append((analog, trial))
    return {
        "shapes": shapes,
        "trials": _columns(rows),
        "spikes": {name: _flat(trains) for name, trains in spikes.items()},
        "signals": {
            name: {variable: _samples(parts) for variable, parts in variables.items()}
            for name, variables in signals.items()
        },
        "snapshots": {},
    }


def _row(segment: neo.Segment) -> dict[str, Any]:
    row = {k: v for k, v in segment.annotations.items() if isinstance(v, str | int | float)}
    if "duration" not in row:
        if not segment.spiketrains:
            raise SpecError(
                "has neither spike trains nor a 'duration'; annotate it with its duration in ms",
                where=f"segment {segment.name!r}",
            )
        lasts = [float((t.t_stop - t.t_start).rescale("ms")) for t in segment.spiketrains]
        row["duration"] = max(lasts)
    return row


def _columns(rows: list[dict[str, Any]]) -> dict[str, NDArray[Any]]:
    columns = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        text = any(isinstance(row.get(name), str) for row in rows)
        absent: Any = "" if text else np.nan
        columns[name] = np.array([row.get(name, absent) for row in rows])
    return columns or {"duration": np.zeros(0)}


def _flat(trains: list[tuple[Any, ...]]) -> dict[str, NDArray[Any]]:
    lengths = [len(time) for time, _, _ in trains]
    return {
        "time": np.concatenate([np.zeros(0), *(time for time, _, _ in trains)]),
        "unit": np.repeat([unit for _, unit, _ in trains], lengths).astype(np.int32),
        "trial": np.repeat([trial for _, _, trial in trains], lengths).astype(np.int32),
    }


def _samples(parts: list[Any]) -> dict[str, Any]:
    first = parts[0][0]
    unit = first.array_annotations.get("unit", np.arange(first.shape[1]))
    return {
        "values": np.concatenate([analog.rescale(first.units).magnitude for analog, _ in parts]),
        "unit": np.asarray(unit, dtype=np.int32),
        "period": float(first.sampling_period.rescale("ms")),
        "quantity": first.units.dimensionality.string,
        "trial": np.repeat([trial for _, trial in parts], [len(a) for a, _ in parts]),
        "time": np.concatenate([a.times.rescale("ms").magnitude for a, _ in parts]),
    }
