"""Neo blocks from recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.recording.checks import Shape, chosen_indices
from scnnbio.recording.samples import Signal, Spikes

if TYPE_CHECKING:
    import neo

#: Annotation of a block: the time (ms) from which times within trials are counted.
ORIGIN = "trial_start"

#: Largest relative deviation of sampling times that still counts as regular sampling.
_EVEN = 1e-9

Units = Sequence[int] | Mapping[str, Sequence[int]] | None


class Recorded(Protocol):
    """The part of :class:`~scnnbio.recording.Recording` that a block is made from."""

    @property
    def spikes(self) -> Mapping[str, Spikes]:
        """Spikes by population."""

    @property
    def signals(self) -> Mapping[str, Mapping[str, Signal]]:
        """Signals by population and variable."""

    @property
    def shapes(self) -> Mapping[str, Shape]:
        """Shape of each population."""

    @property
    def trials(self) -> Mapping[str, NDArray[Any]]:
        """Columns of the trial table."""

    @property
    def n_trials(self) -> int:
        """Number of trials."""

    def size(self, population: str) -> int:
        """Number of units of a population."""


def to_block(
    recording: Recorded,
    populations: Sequence[str] | None,
    units: Units,
    trials: Sequence[int] | None,
) -> neo.Block:
    """See :meth:`scnnbio.recording.Recording.to_neo`."""
    import neo

    names = list(recording.shapes) if populations is None else list(populations)
    chosen = {name: _chosen_units(recording, name, units) for name in names}
    shapes = {name: list(recording.shapes[name]) for name in names}
    block = neo.Block(name="scnnbio", shapes=shapes, **{ORIGIN: 0.0})
    wanted = np.arange(recording.n_trials) if trials is None else trials
    for trial in chosen_indices(wanted, recording.n_trials, "trial", "to_neo.trials").tolist():
        row = {column: values[trial].item() for column, values in recording.trials.items()}
        segment = neo.Segment(name=f"trial {trial}", index=int(trial))
        segment.annotations.update(row)  # not keywords: a column may be called "name"
        for name in names:
            if name in recording.spikes:
                segment.spiketrains.extend(_trains(recording, name, trial, chosen[name]))
            for variable, signal in recording.signals.get(name, {}).items():
                analog = _analog(signal, name, variable, trial, chosen[name])
                if isinstance(analog, neo.AnalogSignal):
                    segment.analogsignals.append(analog)
                elif analog is not None:
                    segment.irregularlysampledsignals.append(analog)
        block.segments.append(segment)
    return block


def _chosen_units(recording: Recorded, name: str, units: Units) -> NDArray[np.int64]:
    size = recording.size(name)
    wanted = units.get(name) if isinstance(units, Mapping) else units
    if wanted is None:
        return np.arange(size)
    chosen = chosen_indices(wanted, size, "unit", f"to_neo.units of {name!r}")
    if len(np.unique(chosen)) < len(chosen):
        raise SpecError(f"a unit of {name!r} is listed twice; list it once", where="to_neo.units")
    return chosen


def _trains(
    recording: Recorded, name: str, trial: int, units: NDArray[np.int64]
) -> list[neo.SpikeTrain]:
    import neo
    import quantities as pq

    spikes = recording.spikes[name]
    duration = float(recording.trials["duration"][trial])
    first, last = np.searchsorted(spikes.trial, [trial, trial + 1])
    # A stable sort, so that the times of each unit stay in order.
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
) -> neo.AnalogSignal | neo.IrregularlySampledSignal | None:
    import neo
    import quantities as pq

    first, last = np.searchsorted(signal.trial, [trial, trial + 1])
    columns = np.flatnonzero(np.isin(signal.unit, units))
    if first == last or not columns.size:
        return None
    values, time = signal.values[first:last, columns], signal.time[first:last]
    about = {
        "units": "dimensionless" if signal.quantity == "1" else signal.quantity,
        "name": variable,
        "population": name,
        "period": signal.period,
        "array_annotations": {"unit": signal.unit[columns]},
    }
    even = time[0] + np.arange(len(time)) * signal.period
    if np.abs(time - even).max() > _EVEN * max(signal.period, time[-1]):
        return neo.IrregularlySampledSignal(time, values, time_units=pq.ms, **about)
    return neo.AnalogSignal(
        values, t_start=time[0] * pq.ms, sampling_period=signal.period * pq.ms, **about
    )
