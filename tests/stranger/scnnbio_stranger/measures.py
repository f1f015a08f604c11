"""A measure: how numbers are made of a run or a recording; one per neuron here."""

from typing import ClassVar

import numpy as np

from scnnbio.validation import Evidence, Measure, Measured


class ShortestInterval(Measure):
    """The shortest interval between spikes of each neuron, within trials (ms)."""

    name: ClassVar[str] = "shortest_interval"
    unit: ClassVar[str] = "ms"

    def of(self, evidence: Evidence) -> Measured:
        spikes = evidence.recording.spikes_of(evidence.population)
        order = np.lexsort((spikes.time, spikes.trial, spikes.unit))
        time, trial, unit = (column[order] for column in (spikes.time, spikes.trial, spikes.unit))
        same = (np.diff(trial) == 0) & (np.diff(unit) == 0)
        units, place = np.unique(unit[1:][same], return_inverse=True)
        shortest = np.full(len(units), np.inf)
        np.minimum.at(shortest, place, np.diff(time)[same])
        silent = evidence.recording.size(evidence.population) - len(units)
        return Measured(shortest, {"fewer than two spikes in a trial": silent}, units)
