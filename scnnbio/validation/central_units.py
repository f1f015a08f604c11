"""What of a recording the physiology measures are made of: the central units, gratings, blanks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scnnbio.recording import Recording, Spikes
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.protocol import ANY, Missing


@dataclass(frozen=True)
class _Central:
    def of(self, evidence: Evidence) -> Recording:
        name, units = evidence.population, evidence.units
        recording, spikes = evidence.recording, evidence.recording.spikes_of(evidence.population)
        place = np.full(recording.size(name), -1)
        place[units] = np.arange(len(units))
        kept = place[spikes.unit] >= 0
        own = Spikes(spikes.time[kept], place[spikes.unit[kept]], spikes.trial[kept])
        return Recording({name: own}, {name: (len(units), 1, 1)}, recording.trials)


@dataclass(frozen=True)
class _WithBlanks:
    def of(self, evidence: Evidence) -> Recording:
        whole = central_units(evidence.bind(protocol=ANY))
        shown = trials_of(evidence, whole)
        trials = whole.trials
        masked = trials.get("mask_contrast", np.zeros(whole.n_trials)) > 0
        blank = trials["contrast"] == 0
        if not (blank & ~masked).any():
            raise Missing(
                "no blanks, trials of contrast 0: whether a unit responds is judged against its"
                " spontaneous rate"
            )
        return whole.take(np.flatnonzero((shown | blank) & ~masked))


def central_units(evidence: Evidence) -> Recording:
    """The central unit of each map of the judged population, numbered from 0, in its trials.

    Parameters
    ----------
    evidence : Evidence
        Of one population; its protocol chooses the trials.

    Returns
    -------
    Recording
        Of that population alone; made once. ``evidence.units`` are the units' own numbers.
    """
    return evidence.measured(_Central())


def trials_of(evidence: Evidence, whole: Recording) -> NDArray[np.bool_]:
    """Which trials of a recording belong to the protocol of some evidence, shape (trials,).

    Raises
    ------
    Missing
        If there are none.
    """
    return evidence.protocol.chosen(whole)


def gratings_and_blanks(evidence: Evidence) -> Recording:
    """The same in trials of the protocol, at the highest contrast, and in blanks.

    Gratings with a mask are left out.

    Raises
    ------
    Missing
        If there are no such trials, or no blanks.
    """
    return evidence.measured(_WithBlanks())
