"""Where two runs begin to differ, and how near its threshold the neuron was that differs first."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from scnnbio.analysis.agreement import Agreement
from scnnbio.backends import Backend, distance_to_threshold
from scnnbio.comparison.verdicts import FirstDifference
from scnnbio.errors import ScnnbioError
from scnnbio.experiment import Experiment, Record, Report, Run, Sampling

#: Most samples of the additional run that records the membranes: 160 MB.
_SAMPLES = 20_000_000


def first_differences(
    found: Mapping[str, Agreement], experiment: Experiment, names: tuple[str, str]
) -> tuple[FirstDifference, ...]:
    """Spikes that only one of two runs has, and that no earlier difference explains.

    Every connection has a delay of at least one step, so that the first differences of a trial are
    not caused by others. Where trials are not reset, only the first trial that differs counts.

    Parameters
    ----------
    found : mapping of str to Agreement
        By population of neurons (not of spike sources).
    experiment : Experiment
    names : (str, str)
        Names of the reference and of the other backend.

    Returns
    -------
    tuple of FirstDifference
        In order of trials; distances from threshold are not filled in yet.
    """
    rows: dict[int, list[FirstDifference]] = {}
    for name, one in found.items():
        for train in np.flatnonzero(~one.alignment.identical.ravel()).tolist():
            trial, unit = divmod(train, one.units)
            time, owner = one.alignment.first_difference(train)
            rows.setdefault(trial, []).append(
                FirstDifference(name, unit, trial, time, names[owner], names[1 - owner])
            )
    firsts: list[FirstDifference] = []
    for trial in sorted(rows):
        earliest = min(row.time for row in rows[trial])
        # Within half a step, since k * dt is rounded.
        firsts += [row for row in rows[trial] if row.time < earliest + experiment.dt / 2]
        if not experiment.reset or experiment.learns:
            break
    return tuple(firsts)


def with_distances(
    firsts: tuple[FirstDifference, ...],
    runs: Mapping[str, Run],
    targets: Mapping[str, Backend],
    report: Report | None = None,
) -> tuple[FirstDifference, ...]:
    """First differences, with the distance from threshold of each neuron that stayed silent.

    The backend on which the neuron stayed silent runs the experiment once more and samples it: at
    the time of the other's spike, this state is the one that was compared with the threshold.

    Parameters
    ----------
    firsts : tuple of FirstDifference
    runs, targets : mapping of str to Run, and of str to Backend
        By the backends' names in ``firsts``.
    report : callable, optional

    Returns
    -------
    tuple of FirstDifference
    """
    known: dict[FirstDifference, FirstDifference] = {}
    for silent in dict.fromkeys(row.silent for row in firsts):
        of_backend = [row for row in firsts if row.silent == silent]
        known |= _distances(of_backend, runs[silent].experiment, targets[silent], report)
    return tuple(known[row] for row in firsts)


def _distances(
    rows: list[FirstDifference], experiment: Experiment, target: Backend, report: Report | None
) -> dict[FirstDifference, FirstDifference]:
    units = {
        name: sorted({row.unit for row in rows if row.population == name})
        for name in dict.fromkeys(row.population for row in rows)
    }
    steps = experiment.trial_steps * experiment.n_trials
    populations = [experiment.network.population(name) for name in units]
    if any(population.homeostasis for population in populations):
        return _unknown(rows, "their threshold changes, and is not sampled")
    if any(population.competition for population in populations):
        return _unknown(rows, "neurons compete, so that the threshold alone does not decide")
    samples = steps * sum(len(units[p.name]) * len(p.model.states) for p in populations)
    if samples > _SAMPLES:
        return _unknown(rows, f"{len(rows)} first differences need too many samples")
    samplings = tuple(
        Sampling(p.name, tuple(s.name for s in p.model.states), units=tuple(units[p.name]))
        for p in populations
    )
    try:
        again = target.run(dataclasses.replace(experiment, record=Record((), samplings)), report)
        distances = {
            p.name: distance_to_threshold(
                p,
                {n: s.values for n, s in again.recording.signals[p.name].items()},
                np.array(units[p.name]),
            )
            for p in populations
        }
    except ScnnbioError as error:
        return _unknown(rows, f"their potentials cannot be sampled ({error.message})")
    signals = {p.name: next(iter(again.recording.signals[p.name].values())) for p in populations}
    found: dict[FirstDifference, FirstDifference] = {}
    for row in rows:
        signal = signals[row.population]
        here = (signal.trial == row.trial) & (np.abs(signal.time - row.time) < experiment.dt / 2)
        if not here.any():
            found |= _unknown([row], "the last step of a trial is not sampled")
            continue
        column = units[row.population].index(row.unit)
        gap = float(np.abs(distances[row.population][here, column]).max())
        found[row] = dataclasses.replace(row, distance=gap)
    return found


def _unknown(rows: list[FirstDifference], reason: str) -> dict[FirstDifference, FirstDifference]:
    return {row: dataclasses.replace(row, reason=reason) for row in rows}
