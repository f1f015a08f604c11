"""Rates by condition: a recording's trials grouped by their stimulus parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError, hint
from scnnbio.recording import Recording
from scnnbio.units import Times, Window, plain_array, plain_window

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Responses:
    """Responses of a population's units to each condition.

    Parameters
    ----------
    population : str
    conditions : mapping from column to array of shape (conditions,)
        Stimulus parameters, in rising order of the first column, then of the next.
    condition : array of int, shape (trials,)
        Which condition each trial of the recording is; -1 for trials that lack a parameter.
    counts : array of int, shape (trials, units)
        Spikes in the window.
    window : (float, float)
        ms; spikes with t0 < t <= t1 count.
    """

    population: str
    conditions: Mapping[str, NDArray[Any]]
    condition: NDArray[np.int64]
    counts: NDArray[np.int64]
    window: tuple[float, float]

    @property
    def n_trials(self) -> NDArray[np.int64]:
        """Trials of each condition, shape (conditions,)."""
        number = len(next(iter(self.conditions.values())))
        return np.bincount(self.condition[self.condition >= 0], minlength=number)

    @property
    def rates(self) -> Array:
        """Mean rate in Hz, shape (conditions, units)."""
        total = np.zeros((len(self.n_trials), self.counts.shape[1]))
        kept = self.condition >= 0
        np.add.at(total, self.condition[kept], self.counts[kept])
        seconds = (self.window[1] - self.window[0]) / 1000.0
        return np.asarray(total / self.n_trials[:, None] / seconds)

    @property
    def standard_errors(self) -> Array:
        """Standard error of the mean rate in Hz, shape (conditions, units); NaN of one trial."""
        seconds = (self.window[1] - self.window[0]) / 1000.0
        found = np.full((len(self.n_trials), self.counts.shape[1]), np.nan)
        for condition, n in enumerate(self.n_trials):
            if n > 1:
                counts = self.counts[self.condition == condition]
                found[condition] = counts.std(axis=0, ddof=1) / np.sqrt(n) / seconds
        return found

    def best(self) -> NDArray[np.int64]:
        """Condition of each unit's largest mean rate, the first of equals, shape (units,)."""
        return np.asarray(self.rates.argmax(axis=0))

    def curve(self, along: str, **fixed: Any) -> tuple[Array, Array]:
        """Tuning along one column, each unit at its own best condition in the others.

        Parameters
        ----------
        along : str
            Column that varies, such as ``"orientation"``.
        **fixed
            Columns held at a value instead of at each unit's best.

        Returns
        -------
        values : array, shape (n,)
            Of the column, rising.
        rates : array, shape (units, n)
            Hz; NaN where a unit's best condition was not shown at that value.

        Raises
        ------
        SpecError
            If there is no such column.
        """
        self._check_columns((along, *fixed))
        table, best = self.rates, self.best()
        values, place = np.unique(self.conditions[along], return_inverse=True)
        same = np.ones((len(best), len(place)), dtype=bool)
        for name, column in self.conditions.items():
            if name != along:
                wanted = np.full(len(best), fixed[name]) if name in fixed else column[best]
                same &= column[None, :] == wanted[:, None]
        rates = np.full((len(best), len(values)), np.nan)
        unit, condition = np.nonzero(same)
        rates[unit, place[condition]] = table[condition, unit]
        return values, rates

    def _check_columns(self, names: Sequence[str]) -> None:
        for name in names:
            if name not in self.conditions:
                known = ", ".join(self.conditions)
                raise SpecError(f"trials are grouped by {known}, not {name!r}", where="Responses")


def responses(
    recording: Recording,
    population: str,
    by: Sequence[str] = ("orientation", "spatial_frequency"),
    window: Window | None = None,
) -> Responses:
    """Spike counts of a population by condition.

    Parameters
    ----------
    recording : Recording
    population : str
    by : sequence of str
        Columns of the trial table that make a condition. Trials where one is NaN, as those of
        another stage, are in none.
    window : (float, float), optional
        ms; spikes with t0 < t <= t1 count. The whole trial by default.

    Returns
    -------
    Responses

    Raises
    ------
    SpecError
        If a column is missing, no trial has a condition, or the trials last differently and no
        window is given.
    """
    for name in by:
        if name not in recording.trials:
            said = hint(name, recording.trials)
            raise SpecError(f"no column {name!r}; {said}", where="responses.by")
    columns = [recording.trials[name] for name in by]
    complete = np.ones(recording.n_trials, dtype=bool)
    codes = []
    for column in columns:
        if column.dtype.kind == "f":
            complete &= ~np.isnan(column)
        codes.append(np.unique(column, return_inverse=True)[1])
    if not by or not complete.any():
        raise SpecError(f"no trial has {' and '.join(by) or 'a condition'}", where="responses.by")
    if window is None:
        window = (0.0, _one_duration(recording.trials["duration"][complete]))
    begin, end = window_within(window, recording.trials["duration"][complete], "responses.window")
    rows = np.stack(codes, axis=1)[complete]
    _, first, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    condition = np.full(recording.n_trials, -1, dtype=np.int64)
    condition[complete] = inverse.ravel()
    return Responses(
        population=population,
        conditions={
            name: column[complete][first] for name, column in zip(by, columns, strict=True)
        },
        condition=condition,
        counts=recording.counts(population, (begin, end)),
        window=(begin, end),
    )


def window_within(window: Window, durations: Times, where: str) -> tuple[float, float]:
    """A window in ms that all trials hold: a rate over time that was not recorded is too low.

    Raises
    ------
    SpecError
        If it begins before a trial or ends after one.
    """
    begin, end = plain_window(window, where=where)
    longest = float(plain_array(durations, "ms", where=where).min(initial=np.inf))
    if begin < 0 or end > longest * (1 + 1e-9):
        raise SpecError(
            f"the window from {begin:g} to {end:g} ms reaches out of a trial from 0 to"
            f" {longest:g} ms; shorten it, or select longer trials",
            where=where,
        )
    return begin, end


def _one_duration(durations: Array) -> float:
    if not np.allclose(durations, durations[0]):
        raise SpecError(
            f"trials last {durations.min():g} to {durations.max():g} ms; give a window",
            where="responses.window",
        )
    return float(durations[0])
