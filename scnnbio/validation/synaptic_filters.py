"""Synapse and membrane as one filter: gain and phase against the linearised neuron."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from scnnbio.analysis.frequency_response import FrequencyResponse, frequency_responses
from scnnbio.validation.claim import About, Measure, Measured
from scnnbio.validation.closed_forms import closed
from scnnbio.validation.comparisons import AllWithin
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.protocol import Missing, Protocol

FLICKER = Protocol(stimulus="a full field that flickers", columns=("temporal_frequency",))


def responses_of(evidence: Evidence) -> list[FrequencyResponse]:
    """Frequency responses of the populations that are judged; raises Missing if there are none."""
    wanted = [part.population for part in evidence.each]
    found = [f for f in evidence.once(frequency_responses) if f.population in wanted]
    if len(found) < len(wanted):
        raise Missing("a population receives no modulated input")
    return found


def _names(found: list[FrequencyResponse]) -> tuple[str, ...]:
    return tuple(f.population for f in found for _ in f.frequency)


class GainRatio(Measure):
    """Measured gain divided by the linearised neuron's, for every frequency and population."""

    name: ClassVar[str] = "gain_ratio"
    about: ClassVar[About] = "populations"

    def of(self, evidence: Evidence) -> Measured:
        """Compare the gains."""
        found = responses_of(evidence)
        return Measured(np.concatenate([f.ratio for f in found]), populations=_names(found))


class PhaseError(Measure):
    """Measured phase minus the linearised neuron's, beyond the phase of one time step.

    A grid resolves times to one step, which at 200 Hz and 0.1 ms is 7.2 deg: errors within that
    count as 0.
    """

    name: ClassVar[str] = "phase_error"
    unit: ClassVar[str] = "deg"
    about: ClassVar[About] = "populations"

    def of(self, evidence: Evidence) -> Measured:
        """Compare the phases."""
        found = responses_of(evidence)
        error = np.concatenate([f.phase_error for f in found])
        step = np.concatenate([0.36 * f.frequency for f in found]) * evidence.run.experiment.dt
        beyond = np.sign(error) * np.maximum(np.abs(error) - step, 0.0)
        return Measured(beyond, populations=_names(found))


CLAIMS = (
    AllWithin(
        name="filter_gain",
        observation=closed(
            "gain from input rate to potential, divided by that of the linearised neuron",
            "closed form: transfer function of synapse and membrane at the mean input",
            0.95,
            1.05,
        ),
        measure=GainRatio(),
        protocol=FLICKER,
    ),
    AllWithin(
        name="filter_phase",
        observation=closed(
            "phase from input rate to potential, minus that of the linearised neuron, beyond what"
            " one time step makes of it",
            "closed form: transfer function of synapse and membrane at the mean input",
            -3.0,
            3.0,
            "deg",
        ),
        measure=PhaseError(),
        protocol=FLICKER,
    ),
)
