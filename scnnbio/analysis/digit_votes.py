"""Digits named by the neurons of a network that fire most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scnnbio.analysis.decoding import decoded
from scnnbio.analysis.readout import Accuracy
from scnnbio.errors import SpecError
from scnnbio.experiment import Run
from scnnbio.recording import Recording

_PART, _TEST = "part", "test"


def judging(recording: Recording) -> NDArray[np.bool_]:
    """Which trials judge: those of the part ``"test"``, or all if there is no column ``part``.

    Raises
    ------
    SpecError
        If no trial has that part.
    """
    part = recording.trials.get(_PART)
    judges = np.ones(recording.n_trials, bool) if part is None else np.asarray(part) == _TEST
    if not judges.any():
        raise SpecError(f"no trial has {_TEST!r} in the column {_PART!r}", where="trials")
    return judges


def correct(found: NDArray[np.int64], recording: Recording, column: str = "label") -> Accuracy:
    """Accuracy on the trials that judge.

    Parameters
    ----------
    found : ndarray of int (trials,)
        Class that a network gives to each trial.
    recording : Recording
    column : str
        Column of the trial table with the right classes.

    Returns
    -------
    Accuracy
    """
    judges = judging(recording)
    right = found[judges] == np.asarray(recording.trials[column])[judges]
    return Accuracy(int(right.sum()), int(judges.sum()))


def vote(run: Run, population: str, column: str = "label") -> Accuracy:
    """Accuracy of the channels of a population as votes for classes, on the trials that judge.

    Parameters
    ----------
    run : Run
    population : str
        Its channels are the classes; that whose neurons fire most is the answer.
    column : str
        Column of the trial table with the right classes.

    Returns
    -------
    Accuracy

    Raises
    ------
    SpecError
        If spikes of the population or trials that judge are missing.
    """
    return correct(decoded(run.recording, population), run.recording, column)


def spikes_per_neuron(recording: Recording) -> dict[str, float]:
    """Spikes per neuron and trial of each recorded population that fired."""
    return {
        name: len(spikes) / (int(np.prod(recording.shapes[name])) * recording.n_trials)
        for name, spikes in recording.spikes.items()
    }
