"""Information that codes carry through a layer, and its exact value."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from scnnbio.analysis.capacity import capacity
from scnnbio.validation.claim import About, Measure, Measured
from scnnbio.validation.closed_forms import closed
from scnnbio.validation.comparisons import AllWithin
from scnnbio.validation.evidence import Evidence


class CapacityDeviation(Measure):
    """Information minus its exact value, in standard errors, for each condition that has one."""

    name: ClassVar[str] = "capacity_deviation"
    about: ClassVar[About] = "network"

    def of(self, evidence: Evidence) -> Measured:
        """Compare each condition; those without a closed form are excluded."""
        found = evidence.once(capacity)
        known = [one for one in found if np.isfinite(one.exact)]
        return Measured(
            np.array([one.deviation for one in known]),
            {"no closed form": len(found) - len(known)},
            populations=tuple(one.condition.name for one in known),
        )


class CodeCapacity(Measure):
    """Information in bits, with its 95 % interval, for each condition."""

    name: ClassVar[str] = "capacity_bits"
    unit: ClassVar[str] = "1"
    about: ClassVar[About] = "network"
    columns: ClassVar[tuple[str, ...]] = ("capacity_bits", "low", "high")

    def of(self, evidence: Evidence) -> Measured:
        """Measure each condition."""
        found = evidence.once(capacity)
        rows = [
            (one.bits, one.bits - 1.96 * one.error, one.bits + 1.96 * one.error) for one in found
        ]
        return Measured(np.array(rows), populations=tuple(one.condition.name for one in found))


CLAIMS = (
    AllWithin(
        name="code_capacity",
        observation=closed(
            "mutual information of drive and decoded spikes, minus that of the exact distribution"
            " of the code on the grid, in standard errors",
            "closed form: order statistics of normal latencies, rounded counts, and the chain of a"
            " cell under Poisson input; the interval holds 30 independent deviations with a"
            " probability of 98.6 %",
            -3.5,
            3.5,
        ),
        measure=CapacityDeviation(),
        beside=(CodeCapacity(),),
    ),
)
