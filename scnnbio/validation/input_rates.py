"""Input spikes compared with the rates from which they are drawn."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from scnnbio.encoding import PoissonCode
from scnnbio.experiment import Experiment
from scnnbio.inputs import FromFrames
from scnnbio.validation.claim import Measure, Measured
from scnnbio.validation.closed_forms import closed
from scnnbio.validation.comparisons import AllWithin
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.protocol import Missing

Array = NDArray[np.float64]


class InputSurprise(Measure):
    """Input spikes minus their expected number, in standard deviations: ON and OFF, by trial."""

    name: ClassVar[str] = "input_surprise"

    def of(self, evidence: Evidence) -> Measured:
        """Count the spikes of ON and OFF cells."""
        run, name = evidence.run, evidence.population
        experiment = run.experiment
        if name not in run.recording.spikes:
            raise Missing(f"the run recorded no spikes of {name!r}")
        counts = run.recording.counts(name)
        half = experiment.network.population(name).size // 2
        values = []
        for trial in range(run.recording.n_trials):
            probability, steps = _drawn_with(experiment, name, trial)
            expected = (probability * steps[:, None]).sum(axis=0)
            variance = (probability * (1 - probability) * steps[:, None]).sum(axis=0)
            for part in (slice(0, half), slice(half, None)):
                spread = np.sqrt(variance[part].sum())
                if spread > 0:
                    values.append((counts[trial, part].sum() - expected[part].sum()) / spread)
        return Measured(np.array(values))


def _drawn_with(experiment: Experiment, name: str, trial: int) -> tuple[Array, Array]:
    """Probability of a spike per step (frames, cells), and number of steps per frame (frames,)."""
    shown = experiment.inputs.get(name)
    if not isinstance(shown, FromFrames) or not isinstance(shown.encoding.code, PoissonCode):
        raise Missing("the input is not drawn from rates")
    if shown.encoding.gain_spread:
        raise Missing("each trial has a gain of its own (gain_spread), so its rates are not known")
    frames = shown.frames(trial, experiment.drawing(trial, name))
    drive = shown.encoding.lgn.drive(frames)
    rates = shown.encoding.code.rate(drive).reshape(len(frames), -1)
    dt = experiment.input_dt or experiment.dt
    number = round(experiment.trial_duration / dt)
    steps = np.bincount(np.arange(number) * len(frames) // number, minlength=len(frames))
    return -np.expm1(-rates * dt / 1e3), steps.astype(float)


CLAIMS = (
    AllWithin(
        name="input_spikes",
        observation=closed(
            "input spikes of ON and OFF cells minus their expected number, in standard deviations",
            "closed form: sums of independent draws with the encoding's rates",
            -4.0,
            4.0,
        ),
        measure=InputSurprise(),
    ),
)
