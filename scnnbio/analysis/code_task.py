"""One task through several codes: accuracy over time, spikes, time to decision, loss by jitter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scnnbio.analysis.digits import quarters
from scnnbio.analysis.readout import Accuracy, ReadOut, Split, labels_of, read_out
from scnnbio.encoding import JitteredCode
from scnnbio.errors import SpecError
from scnnbio.experiment import Run
from scnnbio.inputs import FromImages

#: Of the last accuracy, within which a code has decided.
_POINT = 0.01
#: Times in a trial after which the classifier decides.
_TIMES = 12


@dataclass(frozen=True, eq=False)
class CodeTask:
    """What one code came to.

    Parameters
    ----------
    time : ndarray (times,)
        After so many milliseconds of a trial a classifier decides.
    accuracy : tuple of Accuracy
        At each time, on the test trials.
    source_spikes, layer_spikes : float
        Per test trial, in all of it.
    jittered : mapping of float to Accuracy
        By the standard deviation of the jitter (ms): the classifier of the whole trial, which saw
        no jitter, on the same test images.
    """

    time: NDArray[np.float64]
    accuracy: tuple[Accuracy, ...]
    source_spikes: float
    layer_spikes: float
    jittered: Mapping[float, Accuracy]

    @property
    def final(self) -> Accuracy:
        """Accuracy after the whole trial."""
        return self.accuracy[-1]

    def decided(self) -> float:
        """First time from which on the accuracy stays within one point of the last one (ms)."""
        values = np.array([one.value for one in self.accuracy])
        late = np.flatnonzero(values < values[-1] - _POINT)
        return float(self.time[late[-1] + 1 if len(late) else 0])


def code_task(
    clean: Run,
    jittered: Sequence[Run] = (),
    source: str = "retina",
    population: str = "v1",
) -> CodeTask:
    """Accuracy of a linear read-out of a layer through one code.

    For each time, a classifier learns from the spikes until then in the training trials; its cost
    is chosen on the validation trials.

    Parameters
    ----------
    clean : Run
        Of images with the columns ``label`` and ``part``.
    jittered : sequence of Run
        Runs of the images of the part ``"test"`` through a :class:`~scnnbio.encoding.JitteredCode`.
    source, population : str

    Returns
    -------
    CodeTask

    Raises
    ------
    SpecError
        If a run of jitter shows other images than the test trials.
    """
    recording = clean.recording
    labels, split = labels_of(recording), Split.by_column(recording)
    duration = float(recording.trials["duration"].max())
    times = duration * np.arange(1, _TIMES + 1) / _TIMES
    pools = [
        replace(quarters(population, recording.shapes[population]), windows=((0.0, float(t)),))
        for t in times
    ]
    read: list[ReadOut] = [read_out(pool.of(recording), labels, split) for pool in pools]
    test = split.test
    worse = {}
    for run in jittered:
        driven = run.experiment.inputs[source]
        code = driven.code if isinstance(driven, FromImages) else None
        shown = labels_of(run.recording)
        parts = set(run.recording.trials["part"].tolist())
        if not isinstance(code, JitteredCode) or parts != {"test"}:
            raise SpecError(
                "a run has no jitter, or shows images that the classifier has learned from; show"
                ' those of the part "test" through a jittered code',
                where="code_task.jittered",
            )
        named = read[-1].classifier.predict(pools[-1].of(run.recording))
        worse[code.sigma] = Accuracy(int((named == shown).sum()), len(shown))
    spikes = [
        float(np.isin(recording.spikes_of(name).trial, test).sum()) / len(test)
        for name in (source, population)
    ]
    return CodeTask(times, tuple(one.accuracy for one in read), spikes[0], spikes[1], worse)
