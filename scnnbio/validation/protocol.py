"""Which trials a claim needs, and which of a recording those are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scnnbio.errors import SpecError
from scnnbio.recording import Recording
from scnnbio.units import Milliseconds, plain
from scnnbio.values import Value


class Missing(SpecError):
    """A recording lacks what a claim is about: the claim's verdict is then "not applicable"."""


@dataclass(frozen=True)
class Protocol(Value):
    """What has to be shown to the neurons, by the columns of a trial table.

    Parameters
    ----------
    stimulus : str
        What the trials show, in words.
    columns : tuple of str
        Columns in which a trial holds a number if it belongs to the protocol.
    highest : str
        Column of which only trials at its largest value belong, where a recording has it.
    levels : int
        As many values of the first column have to be shown.
    repeats : int
        Trials that each condition needs.
    duration : float
        ms that have to be counted.
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
            If there are none.
        """
        if not self.columns:
            return recording
        table, shown = recording.trials, np.ones(recording.n_trials, dtype=bool)
        for name in self.columns:
            if name not in table or table[name].dtype.kind not in "fiu":
                raise Missing(
                    f"no trials of {self.stimulus}: no column {name!r} with numbers in the trial"
                    " table"
                )
            shown &= ~np.isnan(table[name].astype(np.float64))
        if not shown.any():
            raise Missing(f"no trials of {self.stimulus}")
        if self.highest in table:
            level = table[self.highest]
            shown &= level == np.nanmax(level[shown])
        return recording.take(np.flatnonzero(shown))


#: Any trials: the whole recording.
ANY = Protocol()
