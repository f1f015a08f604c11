"""The trials that a claim needs, and their selection from a recording."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.recording import Recording
from scnnbio.units import Milliseconds, plain
from scnnbio.values import Value


class Missing(SpecError):
    """A recording lacks what a claim is about: the claim's verdict is then "not applicable"."""


@dataclass(frozen=True)
class Protocol(Value):
    """The stimuli that neurons must have seen, by the columns of a trial table.

    Parameters
    ----------
    stimulus : str
        What the trials show, in words.
    columns : tuple of str
        A trial belongs to the protocol if it holds a number in each of these columns.
    highest : str
        Only trials at the largest value of this column belong, where a recording has it.
    levels : int
        Number of different values of the first column that are needed.
    repeats : int
        Trials that each condition needs.
    duration : float
        Length of the response that is needed (ms).
    """

    stimulus: str = ""
    columns: tuple[str, ...] = ()
    highest: str = ""
    levels: int = 1
    repeats: int = 1
    duration: Milliseconds = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", tuple(self.columns))
        duration = plain(self.duration, "ms", where="protocol.duration")
        object.__setattr__(self, "duration", duration)

    def trials(self, recording: Recording) -> Recording:
        """The trials of a recording that belong to the protocol.

        Raises
        ------
        Missing
            If there are none, or too few levels of the first column.
        """
        return recording.take(self.chosen(recording)) if self.columns else recording

    def chosen(self, recording: Recording) -> NDArray[np.bool_]:
        """Which trials of a recording belong to the protocol, shape (trials,).

        Raises
        ------
        Missing
            If there are none, or too few levels of the first column.
        """
        table, shown = recording.trials, np.ones(recording.n_trials, dtype=bool)
        for name in self.columns:
            if name not in table or table[name].dtype.kind not in "fiu":
                raise Missing(
                    f"no trials of {self.stimulus}: no column {name!r} of numbers in the trial"
                    " table"
                )
            shown &= ~np.isnan(table[name].astype(np.float64))
        if self.columns and not shown.any():
            raise Missing(f"no trials of {self.stimulus}")
        if self.highest in table:
            level = table[self.highest]
            shown &= level == np.nanmax(level[shown])
        if self.columns:
            first = self.columns[0]
            if (number := len(np.unique(table[first][shown]))) < self.levels:
                raise Missing(
                    f"{self.stimulus} at {number} values of {first!r} are fewer than the"
                    f" {self.levels} that the claim needs"
                )
        return shown


#: All trials of a recording.
ANY = Protocol()
