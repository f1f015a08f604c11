"""Results of a simulation, and the recording made from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.experiment import Experiment
from scnnbio.experiment.lowering import sampled_ports
from scnnbio.recording import Recording, Signal, Snapshots, Spikes

#: Number of spikes that are sorted at a time.
_PIECE = 2**20


@dataclass(frozen=True, eq=False)
class Outcome:
    """Results of a simulation, in steps of the grid and in the public numbering of neurons.

    Parameters
    ----------
    spikes : mapping of str to (step, unit)
        By recorded population: spike times in steps since the run began, and neurons.
    signals : mapping of (population, variable) to ndarray (samples, units)
        Sampled at the beginning of every ``period``-th step.
    weights : mapping of str to ndarray
        As in :class:`~scnnbio.experiment.Run`.
    snapshots : mapping of str to ndarray (snapshots, ...)
        Kernels by projection and thresholds by population.
    output_spikes : mapping of str to int
        Spikes fired by each population that is not a source.
    pathways : mapping of str to str
        How each projection was simulated.
    times : mapping of str to ndarray (spikes,), optional
        By population, in the order of ``spikes``: exact times in ms since the trial began, from a
        backend without a grid. The step then gives only the trial.
    details : mapping of str to object, optional
        Further provenance of the backend.
    """

    spikes: Mapping[str, tuple[NDArray[np.int64], NDArray[np.int32]]]
    signals: Mapping[tuple[str, str], NDArray[np.float64]]
    weights: Mapping[str, NDArray[np.float64]]
    snapshots: Mapping[str, NDArray[np.float64]]
    output_spikes: Mapping[str, int]
    pathways: Mapping[str, str]
    times: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)


def pathways(experiment: Experiment, outcome: Outcome) -> dict[str, str]:
    """Pathway of each projection; those of values are computed before a backend runs."""
    network = experiment.network
    computed = [p.name for p in network.projections if network.population(p.pre).gives_values]
    described = {p.name for p in network.projections}
    found = {name: pathway for name, pathway in outcome.pathways.items() if name in described}
    return found | dict.fromkeys(computed, "computed")


def recording(experiment: Experiment, outcome: Outcome) -> Recording:
    """Make the recording of an experiment, with the data that it asks to record."""
    spikes = {
        name: _in_trials(experiment, *outcome.spikes[name], outcome.times.get(name))
        for name in experiment.record.spikes
    }
    trials = experiment.snapshot_trials()
    return Recording(
        spikes=spikes,
        shapes={p.name: p.shape for p in experiment.network.populations},
        trials=experiment.trial_table(),
        signals=_signals(experiment, outcome),
        snapshots={
            name: Snapshots(trial=np.array(trials), values=values)
            for name, values in outcome.snapshots.items()
        },
    )


def _in_trials(
    experiment: Experiment,
    step: NDArray[np.int64],
    unit: NDArray[np.int32],
    exact: NDArray[np.float64] | None,
) -> Spikes:
    """Spikes sorted by trial, time and unit; in pieces, to limit memory."""
    if (step[1:] < step[:-1]).any():
        order = np.argsort(step, kind="stable")
        step, unit, exact = step[order], unit[order], None if exact is None else exact[order]
    time = np.empty(len(step))
    units, trials = np.empty(len(step), np.int32), np.empty(len(step), np.int32)
    # Pieces end between steps; with exact times between trials, as times in a trial are unsorted.
    whole = 1 if exact is None else experiment.trial_steps
    begin = 0
    while begin < len(step):
        last = (step[min(begin + _PIECE, len(step)) - 1] - 1) // whole
        end = int(np.searchsorted(step, (last + 1) * whole, side="right"))
        piece = slice(begin, end)
        fired, own = step[piece], unit[piece]
        if exact is None:
            fired, own = _sorted(fired, own)
        trial = (fired - 1) // experiment.trial_steps
        if exact is None:
            within = (fired - trial * experiment.trial_steps) * experiment.dt
        else:
            within = exact[piece]
            order = np.lexsort((own, within, trial))
            within, own, trial = within[order], own[order], trial[order]
        time[piece], units[piece], trials[piece] = within, own, trial
        begin = end
    for array in (time, units, trials):
        array.setflags(write=False)  # so that the constructor need not copy it
    return Spikes(time, units, trials)


def _sorted(
    step: NDArray[np.int64], unit: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Spikes sorted by step and unit; steps do not fall."""
    first, size = step[0], int(unit.max()) + 1
    if int(step[-1] - first) >= np.iinfo(np.int64).max // size - 1:
        order = np.lexsort((unit, step))
        return step[order], unit[order]
    # A sort of whole numbers takes less than half the time of one by two keys.
    within, own = np.divmod(np.sort((step - first) * size + unit), size)
    return within + first, own.astype(np.int32)


def _signals(experiment: Experiment, outcome: Outcome) -> dict[str, dict[str, Any]]:
    signals: dict[str, dict[str, Any]] = {}
    per_trial = experiment.trial_steps
    driven, below = sampled_ports(experiment), experiment.lowered.network
    for sampling in experiment.record.signals:
        population = experiment.network.population(sampling.population)
        every = experiment.steps(sampling.period or experiment.dt, "record.signals.period")
        units = range(population.size) if sampling.units is None else sampling.units
        for variable in sampling.variables:
            key = population.name, variable
            values = driven[key] if key in driven else outcome.signals[key]
            values.setflags(write=False)  # so that the constructor need not copy it
            step = np.arange(len(values)) * every
            signals.setdefault(population.name, {})[variable] = Signal(
                values=values,
                unit=np.asarray(units, dtype=np.int32),
                period=every * experiment.dt,
                quantity=below.population(population.name).model.unit_of(variable),
                trial=(step // per_trial).astype(np.int32),
                time=np.asarray((step % per_trial) * experiment.dt, dtype=np.float64),
            )
    return signals
