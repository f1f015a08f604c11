"""Decoding of a readout: the class that the spikes of each trial indicate."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError, not_one_of
from scnnbio.recording import Recording

By = Literal["count", "first-spike"]


def decoded(recording: Recording, population: str, by: By = "count") -> NDArray[np.int64]:
    """Decode the class of each trial, where the channels of a population are the classes.

    Parameters
    ----------
    recording : Recording
    population : str
    by : {"count", "first-spike"}
        The channel whose neurons fire most; or whose neurons have the earliest mean first spike,
        where silent neurons count as firing at the end of the trial.

    Returns
    -------
    ndarray of int64 (trials,)
        The first of equal channels.

    Raises
    ------
    SpecError
        If there is no such population, or ``by`` is unknown.

    Examples
    --------
    >>> from scnnbio.recording import Spikes
    >>> spikes = Spikes([1.0, 2.0, 3.0, 1.0], [1, 0, 0, 1], [0, 0, 0, 1])
    >>> recording = Recording({"out": spikes}, {"out": (2, 1, 1)}, {"duration": [5.0, 5.0]})
    >>> decoded(recording, "out"), decoded(recording, "out", by="first-spike")
    (array([0, 1]), array([1, 1]))
    """
    if by not in get_args(By):
        raise SpecError(not_one_of(by, get_args(By)), where="by")
    spikes = recording.spikes_of(population)
    duration = np.asarray(recording.trials["duration"], dtype=np.float64)
    channels, *plane = recording.shapes[population]
    each = int(np.prod(plane))
    trials = len(duration)
    if by == "count":
        place = spikes.trial.astype(np.int64) * channels + spikes.unit // each
        counts = np.bincount(place, minlength=trials * channels)
        return counts.reshape(trials, channels).argmax(1)
    first = np.broadcast_to(duration[:, None], (trials, channels * each)).copy()
    np.minimum.at(first, (spikes.trial, spikes.unit), spikes.time)
    return first.reshape(trials, channels, each).mean(2).argmin(1)
