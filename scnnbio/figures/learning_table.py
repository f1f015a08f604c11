"""The table of what each stage of a study learned."""

from __future__ import annotations

from collections.abc import Mapping

from scnnbio.analysis.learned import learned
from scnnbio.experiment import Run
from scnnbio.figures.report import Table


def learning_tables(runs: Mapping[str, Run]) -> list[Table]:
    """The table of what each stage learned; none if none did.

    Parameters
    ----------
    runs : mapping of str to Run
        By stage.

    Returns
    -------
    list of Table
        One or none.
    """
    rows = [
        (stage, s.projection, s.low, s.high, s.moved, s.settled, s.silent, s.runaway, s.threshold)
        for stage, one in runs.items()
        for s in learned(one)
    ]
    columns = (
        *("stage", "projection", "at the lower bound", "at the upper bound", "mean change"),
        *("last rate of change", "silent maps", "runaway maps", "change of threshold (mV)"),
    )
    caption = (
        "State after learning: shares of weights within 5 % of a bound; mean absolute change of a"
        " weight; its rate of change at the end as a share of that at the beginning; maps without a"
        " spike in the last half of the trials, and with a neuron that fired in more than half of"
        " the possible steps; mean change of shared thresholds."
    )
    return [Table("Learning", columns, rows, caption)] if rows else []
