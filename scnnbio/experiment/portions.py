"""Portions of an experiment: consecutive trials that run by themselves, with equal results."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Self

from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.experiment.drive import Drive
from scnnbio.experiment.experiment import Experiment
from scnnbio.experiment.run import Run
from scnnbio.recording.joining import concatenate


@dataclass(frozen=True, eq=False)
class Portion(Experiment):
    """Consecutive trials of an experiment.

    It draws what the whole experiment draws in these trials, so that its results are the whole's,
    to the last bit, if the trials of the whole are :func:`independent`.

    Parameters
    ----------
    first : int
        Number of its first trial in the whole experiment.
    count : int
        Number of its trials.
    """

    first: int = 0
    count: int = 1

    @classmethod
    def of(cls, whole: Experiment, first: int, count: int) -> Self:
        """Trials ``first`` to ``first + count - 1`` of an experiment.

        Raises
        ------
        SpecError
            If the experiment has no such trials.
        """
        if not (first >= 0 and count >= 1 and first + count <= whole.n_trials):
            raise SpecError(
                f"trials {first} to {first + count - 1} are not among the {whole.n_trials} of stage"
                f" {whole.stage!r}",
                where="portion",
            )
        return cls(**_described(whole), first=first, count=count)

    @property
    def n_trials(self) -> int:
        """Number of trials of this portion."""
        return self.count

    def shown(self, trial: int) -> int:
        """Number of a trial among those of the inputs."""
        return trial + self.first

    @cached_property
    def lowered(self) -> Experiment:
        """The same trials of the whole experiment as simulators receive it."""
        below = self._whole.lowered
        return self if below is self._whole else Portion.of(below, self.first, self.count)

    @cached_property
    def drives(self) -> dict[str, Drive]:
        """Drive of each driven population, whose trial 0 is the first of this portion."""
        # Kept, since a drive keeps what it computed for the trial before.
        whole = super().drives
        return {name: dataclasses.replace(d, first=self.first) for name, d in whole.items()}

    def trial_table(self) -> dict[str, NDArray[Any]]:
        """The rows of this portion in the table of the whole."""
        shown = slice(self.first, self.first + self.count)
        return {name: rows[shown] for name, rows in self._whole.trial_table().items()}

    @cached_property
    def _whole(self) -> Experiment:
        return Experiment(**_described(self))


def _described(experiment: Experiment) -> dict[str, Any]:
    return {field.name: getattr(experiment, field.name) for field in fields(Experiment)}


def independent(experiment: Experiment) -> bool:
    """Whether no trial of an experiment affects another, so that each can run by itself.

    Nothing learns, every trial begins from rest, and signals are sampled at the same times of
    each trial.
    """
    if experiment.learns or not experiment.reset:
        return False
    periods = (
        experiment.steps(sampling.period or experiment.dt, "record.signals.period")
        for sampling in experiment.record.signals
    )
    return all(experiment.trial_steps % period == 0 for period in periods)


def portions(experiment: Experiment, most: int) -> tuple[Experiment, ...]:
    """Divide an experiment into portions of nearly equal numbers of trials.

    Parameters
    ----------
    experiment : Experiment
    most : int
        Largest number of portions.

    Returns
    -------
    tuple of Experiment
        The experiment itself if its trials are not :func:`independent`, or ``most`` is 1.
    """
    number = min(most, experiment.n_trials) if independent(experiment) else 1
    if number <= 1:
        return (experiment,)
    cuts = [experiment.n_trials * k // number for k in range(number + 1)]
    return tuple(Portion.of(experiment, a, b - a) for a, b in itertools.pairwise(cuts))


def joined(experiment: Experiment, runs: Sequence[Run]) -> Run:
    """The run of an experiment from the runs of its portions, in their order.

    Parameters
    ----------
    experiment : Experiment
    runs : sequence of Run
        Of the portions that :func:`portions` returned.

    Returns
    -------
    Run
        ``wall_seconds`` are those of the slowest portion by phase; ``portions`` in its provenance
        is their number.
    """
    if len(runs) == 1:
        return runs[0]
    rows = [run.provenance for run in runs]
    seconds = [row["wall_seconds"] for row in rows]
    together = {
        **rows[0],
        "experiment": experiment.digest(),
        "trials": experiment.n_trials,
        "wall_seconds": {
            phase: max(each.get(phase, 0.0) for each in seconds)
            for phase in dict.fromkeys(name for each in seconds for name in each)
        },
        "input_spikes": sum(row["input_spikes"] for row in rows),
        "output_spikes": _summed([row["output_spikes"] for row in rows]),
        "portions": len(runs),
    }
    recording = concatenate([run.recording for run in runs])
    return Run(experiment, recording, runs[0].weights, together)


def _summed(rows: Sequence[Mapping[str, int]]) -> dict[str, int]:
    return {name: sum(row[name] for row in rows) for name in rows[0]}
