"""Diagnostics of learning in a run's progress and in its report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from scnnbio.analysis.learned import learned
from scnnbio.experiment import Run

if TYPE_CHECKING:
    from scnnbio.figures import Table

_COLUMNS = (
    *("stage", "projection", "at the lower bound", "at the upper bound", "mean change"),
    *("last rate of change", "silent maps", "runaway maps", "change of threshold (mV)"),
)
_CAPTION = (
    "State after learning: shares of weights within 5 % of a bound; mean absolute change of a"
    " weight; its rate of change at the end as a share of that at the beginning; maps without a"
    " spike in the last half of the trials, and with a neuron that fired in more than half of the"
    " possible steps; mean change of shared thresholds."
)


def states(runs: Mapping[str, Run]) -> list[str]:
    """What each stage learned, a line per projection."""
    return [f"{state} ({stage})" for stage, run in runs.items() for state in learned(run)]


def learning_tables(runs: Mapping[str, Run]) -> list[Table]:
    """The table of what each stage learned; none if none did."""
    from scnnbio.figures import Table  # only a report needs matplotlib

    rows = [
        (stage, s.projection, s.low, s.high, s.moved, s.settled, s.silent, s.runaway, s.threshold)
        for stage, run in runs.items()
        for s in learned(run)
    ]
    return [Table("Learning", _COLUMNS, rows, _CAPTION)] if rows else []
