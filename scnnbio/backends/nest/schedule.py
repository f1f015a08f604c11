"""Steps of a run on NEST's clock."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scnnbio.experiment import Experiment

Steps = NDArray[np.int64]


@dataclass(frozen=True)
class Schedule:
    """Trials with a silent gap before each (only before the first one, without resets).

    In the gap neurons are inactive, so that a trial begins from the initial states without spikes
    in flight; it is as long as the longest delay. The first gap is also needed because no spike can
    be sent in NEST's first step.

    Parameters
    ----------
    trial : int
        Steps of one trial.
    n_trials : int
    delay : int
        Longest delay in steps.
    periods : tuple of int
        Steps between samples, one number per sampling.
    reset : bool
        Whether states are reset before every trial.

    Examples
    --------
    >>> schedule = Schedule(trial=10, n_trials=3, delay=2, periods=(), reset=True)
    >>> schedule.of_stamps(np.array([1, 10, 11, 30]))
    array([ 3, 12, 15, 36])
    >>> schedule.stamps(np.array([3, 12, 15, 36]))
    array([ 1, 10, 11, 30])
    """

    trial: int
    n_trials: int
    delay: int
    periods: tuple[int, ...]
    reset: bool

    @classmethod
    def of(cls, experiment: Experiment) -> Schedule:
        """Make the schedule of an experiment."""
        projections = experiment.network.projections
        delays = [experiment.delay_steps(p)[-1] for p in projections]
        delays += [experiment.reward_steps(p) for p in projections]
        periods = [
            experiment.steps(s.period or experiment.dt, "period") for s in experiment.record.signals
        ]
        return cls(
            experiment.trial_steps,
            experiment.n_trials,
            max(delays, default=1),
            tuple(periods),
            experiment.reset,
        )

    @cached_property
    def gap(self) -> int:
        """Steps of the gap; whole sampling periods if that adds at most a tenth of a trial."""
        common = math.lcm(*self.periods)
        rounded = -(-self.delay // common) * common
        return rounded if rounded - self.delay <= self.trial // 10 else self.delay

    @property
    def period(self) -> float:
        """Steps from the gap of one trial to that of the next."""
        return self.trial + self.gap if self.reset else math.inf

    @property
    def total(self) -> int:
        """Steps to simulate; in a last gap the last spikes reach the recorders."""
        gaps = self.n_trials if self.reset else 1
        return self.n_trials * self.trial + (gaps + 1) * self.gap

    def ends(self, parts: int) -> list[int]:
        """Steps at which to pause, for about that many parts of equal length."""
        length = max(1, -(-self.n_trials // parts)) * (self.trial + self.gap * self.reset)
        return [*range(self.gap + length, self.total, length), self.total]

    def interval(self, period: int) -> int:
        """Steps between NEST's samples, which include all samples needed."""
        return math.gcd(period, self.gap)

    def of_stamps(self, stamps: Steps) -> Steps:
        """NEST's steps for spike times in steps of the run (from 1)."""
        gaps = (stamps - 1) // self.trial + 1 if self.reset else 1
        return stamps + gaps * self.gap

    def stamps(self, steps: Steps) -> Steps:
        """Steps of the run for NEST's; outside trials, below 1 or above the last step."""
        trial, within = self._split(steps - 1)
        return np.where(within >= 0, trial * self.trial + within + 1, 0)

    def samples(self, steps: Steps) -> Steps:
        """Steps of samples in the run for NEST's; -1 for those outside trials."""
        trial, within = self._split(steps)
        inside = (within >= 0) & (trial * self.trial + within < self.n_trials * self.trial)
        return np.where(inside, trial * self.trial + within, -1)

    def _split(self, steps: Steps) -> tuple[Steps, Steps]:
        """Trial, and step within it: negative in the gap."""
        if not self.reset:
            return np.zeros_like(steps), steps - self.gap
        trial, within = np.divmod(steps, self.trial + self.gap)
        return trial, within - self.gap
