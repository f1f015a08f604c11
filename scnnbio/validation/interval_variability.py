"""Irregularity of spike trains: the coefficient of variation of inter-spike intervals."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from scnnbio.analysis import irregularity
from scnnbio.validation.claim import Measure, Measured
from scnnbio.validation.comparisons import Median
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.observation import Observation
from scnnbio.validation.orientation_tuning import GRATINGS

#: Intervals that a trial needs for its CV, as in the recordings, and how many such trials a cell
#: needs.
CV_INTERVALS, CV_TRIALS = 5, 10

ISI_CV = Observation(
    quantity="coefficient of variation of inter-spike intervals, mean over trials",
    source="Recordings of R. L. T. Goris, E. P. Simoncelli and J. A. Movshon (2015), Neuron 88,"
    " 819-831, doi:10.1016/j.neuron.2015.10.009, made public with L. Acerbi's infbench (units"
    " m620r35, m624l54, m625r58, m625r62, m627r58)",
    n=5,
    value=0.99,
    interval=(0.92, 1.07),
    stimulus="drifting gratings of full contrast in 16 directions, at the cell's spatial frequency",
    window="whole trials of 1 s",
    state="anaesthetised",
    pooling="CV of each trial with 5 intervals or more, dividing by their number; mean over the"
    " trials of all directions, 20 to 273 of them",
    note="range of four cells (0.92, 0.95, 0.99, 1.07); the fifth bursts and has 2.22. The same"
    " cells' CV with all intervals at the best direction taken together is another number: 0.88,"
    " 1.41, 1.28, 1.03 and 2.7. Short trials lower it on both sides: a Poisson process has about"
    " 0.8 in trials of 5 intervals, 0.95 in trials of 20",
)


class TrialIntervalCV(Measure):
    """CV of each cell's intervals in a trial, by Elephant, averaged over trials.

    Over all orientations, at the cell's best value of every other parameter, as in the recordings.
    Pooling all intervals at the best grating would be another measure, which includes changes of
    the rate from trial to trial.
    """

    name: ClassVar[str] = "isi_cv"
    windowed: ClassVar[bool] = True

    def of(self, evidence: Evidence) -> Measured:
        """Measure the cells that are not silent and have enough trials of enough intervals."""
        table, best = evidence.responses, evidence.responses.best()
        kept = np.flatnonzero(evidence.responsive)
        others = [column for name, column in table.conditions.items() if name != "orientation"]
        trials = []
        for cell in kept:
            same = np.ones(len(table.n_trials), dtype=bool)
            for column in others:
                same &= column == column[best[cell]]
            trials.append(np.flatnonzero(np.isin(table.condition, np.flatnonzero(same))))
        found = irregularity.trial_cv(
            evidence.recording,
            evidence.population,
            units=evidence.units[kept],
            trials=trials,
            window=evidence.window,
            min_intervals=CV_INTERVALS,
        )
        enough = found.n_trials >= CV_TRIALS
        few = {f"fewer than {CV_TRIALS} trials of {CV_INTERVALS} intervals": int((~enough).sum())}
        return Measured(found.cv[enough], evidence.silent | few, found.unit[enough])


CLAIMS = (Median(name="isi_cv", observation=ISI_CV, measure=TrialIntervalCV(), protocol=GRATINGS),)
