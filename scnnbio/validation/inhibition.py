"""Effect of inhibition on the membrane, and on the curve of rate against current.

A document names the populations in the order of the claim: the control, then those that are
inhibited.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from scnnbio.analysis.inhibition import gain_changes, passive_line, shunt_conductance
from scnnbio.validation.claim import About, Measure, Measured
from scnnbio.validation.closed_forms import NEURON, closed
from scnnbio.validation.comparisons import AllWithin
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.observation import Observation
from scnnbio.validation.protocol import Missing, Protocol

STEPS = Protocol(stimulus="constant current with and without background", columns=("luminance",))

_CHANCE_2002 = (
    "F. S. Chance, L. F. Abbott and A. D. Reyes (2002), Gain modulation from background synaptic"
    " input, Neuron 35, 773-782"
)
_HOLT_1997 = (
    "G. R. Holt and C. Koch (1997), Shunting inhibition does not have a divisive effect on firing"
    " rates, Neural Comput. 9, 1001-1013"
)


def _named(evidence: Evidence, *roles: str) -> list[str]:
    """The populations that are judged, one per role; raises Missing unless there are as many."""
    if len(evidence.populations) != len(roles):
        raise Missing(f"the claim needs {len(roles)} populations: {', '.join(roles)}")
    return list(evidence.populations)


class ResistanceRatio(Measure):
    """Input resistance of membranes that cannot fire, over the inverse of their conductance."""

    name: ClassVar[str] = "resistance_ratio"
    about: ClassVar[About] = "populations"

    def of(self, evidence: Evidence) -> Measured:
        """Compare every population, with its recorded shunt where one was sampled."""
        ratios = []
        for part in evidence.each:
            name = part.population
            membrane = evidence.run.experiment.network.population(name)
            leak = membrane.common_value("cm") / membrane.common_value("tau_m")
            shunt = evidence.once(shunt_conductance, name)
            ratios.append(evidence.once(passive_line, name).slope.value * (leak + shunt))
        return Measured(np.array(ratios), populations=evidence.populations)


class SubtractionRatio(Measure):
    """Shift of the rate by subtractive inhibition, divided by the current at the membrane.

    The current is the difference of passive potentials divided by the resistance, without spikes.
    """

    name: ClassVar[str] = "subtraction_ratio"
    about: ClassVar[About] = "populations"

    def of(self, evidence: Evidence) -> Measured:
        """Compare shift and current, one value per background."""
        control, inhibited, *passive = _named(
            evidence, "control", "inhibited", "control that cannot fire", "inhibited likewise"
        )
        still, moved = (evidence.once(passive_line, name) for name in passive)
        current = (still.offset.value - moved.offset.value) / still.slope.value
        changes = evidence.once(gain_changes, control, inhibited)
        return Measured(np.array([change.shift.value for change in changes.values()]) / current)


@dataclass(frozen=True, eq=False, repr=False)
class RateGain(Measure):
    """Gain of the firing rate under inhibition, one per background.

    Parameters
    ----------
    end : {"value", "low", "high"}
        The estimate, or an end of its 95 % interval.
    """

    name: ClassVar[str] = "rate_gain"
    about: ClassVar[About] = "populations"
    end: Literal["value", "low", "high"] = "value"

    def of(self, evidence: Evidence) -> Measured:
        """Fit the curve of the inhibited population to that of the control."""
        changes = evidence.once(gain_changes, *_named(evidence, "control", "inhibited"))
        return Measured(np.array([getattr(c.gain, self.end) for c in changes.values()]))


CLAIMS = (
    AllWithin(
        name="shunt_resistance",
        observation=closed(
            "input resistance times the membrane's conductance",
            "closed form: 1 / (g_L + g_shunt)",
            0.95,
            1.05,
        ),
        measure=ResistanceRatio(),
        protocol=STEPS,
    ),
    AllWithin(
        name="subtractive_shift",
        observation=closed(
            "shift of the rate by subtractive inhibition, divided by the current at the membrane",
            "closed form: a constant current adds to the input",
            0.95,
            1.05,
        ),
        measure=SubtractionRatio(),
        protocol=STEPS,
    ),
    AllWithin(
        name="subtractive_gain",
        observation=closed(
            "gain of the rate under subtractive inhibition",
            "closed form: a constant current adds to the input",
            0.95,
            1.05,
        ),
        measure=RateGain(),
        protocol=STEPS,
    ),
    AllWithin(
        name="shunting_does_not_divide",
        observation=Observation(
            quantity="gain of the rate under shunting inhibition, upper end of its 95 % interval",
            source=_HOLT_1997,
            species=NEURON,
            interval=(1.0, np.inf),
            stimulus="constant current, with and without constant synaptic background",
            pooling="least squares over the rates up to 60 Hz; bootstrap over places",
        ),
        measure=RateGain(end="high"),
        protocol=STEPS,
    ),
    AllWithin(
        name="barrage_divides",
        observation=Observation(
            quantity="gain of the rate under a balanced barrage, upper end of its 95 % interval",
            source=_CHANCE_2002,
            species=NEURON,
            interval=(-np.inf, 1.0),
            stimulus="constant current, and a barrage of balanced excitation and inhibition",
            pooling="least squares over the rates up to 60 Hz; bootstrap over places",
        ),
        measure=RateGain(end="high"),
        protocol=STEPS,
    ),
)
