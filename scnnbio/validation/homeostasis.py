"""Homeostatic thresholds: the rate at which neurons settle, and how fast it returns."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from scnnbio.analysis.homeostasis import settled_rates, step_returns
from scnnbio.validation.claim import About, Measure, Measured
from scnnbio.validation.closed_forms import NEURON, closed
from scnnbio.validation.comparisons import AllWithin, Covered
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.observation import Observation
from scnnbio.validation.protocol import Missing, Protocol

STEPS = Protocol(stimulus="a full field whose luminance steps", columns=("luminance",), levels=2)


class SettledRatio(Measure):
    """Rate of each homeostatic layer at the end of trials over its target, at both levels."""

    name: ClassVar[str] = "settled_ratio"
    about: ClassVar[About] = "populations"

    def of(self, evidence: Evidence) -> Measured:
        """Measure the maps whose threshold adapts."""
        run, ratios, names = evidence.run, [], []
        for part in evidence.each:
            values = run.experiment.network.population(part.population).values()
            if "homeo_eta" not in values:
                raise Missing(f"{part.population!r} has no homeostatic threshold")
            maps = np.flatnonzero(values["homeo_eta"] > 0)
            settled = settled_rates(run, part.population, maps)
            ratios.append(settled / values["homeo_target"][maps[0]])
            names += [part.population] * len(settled)
        return Measured(np.concatenate(ratios), populations=tuple(names))


class ReturnRatio(Measure):
    """Rate of return with its interval, divided by minus the eigenvalue, one per kind of step.

    Needs two populations: the homeostatic layer, and one with the same input and fixed thresholds.
    """

    name: ClassVar[str] = "return_ratio"
    about: ClassVar[About] = "populations"
    columns: ClassVar[tuple[str, ...]] = ("return_ratio", "low", "high")

    def of(self, evidence: Evidence) -> Measured:
        """Fit the return after each kind of step."""
        if len(evidence.populations) != 2:
            raise Missing(
                "the claim needs two populations: the layer, and one with fixed thresholds"
            )
        found = evidence.once(step_returns, *evidence.populations).values()
        rows = [np.array([r.rate_of_return, *r.interval]) / -r.eigenvalue for r in found]
        return Measured(np.stack(rows))


CLAIMS = (
    AllWithin(
        name="settled_rates",
        observation=closed(
            "rate of homeostatic layers at the end of trials, over the target",
            "closed form: fixed point of the threshold's rule",
            0.9,
            1.1,
        ),
        measure=SettledRatio(),
        protocol=STEPS,
    ),
    Covered(
        name="return_rate",
        observation=Observation(
            quantity="rate of return of the first layer, divided by minus the loop's eigenvalue",
            source="closed form: the loop of threshold and rate, linearised at the target",
            species=NEURON,
            value=1.0,
            note="the fit begins within 30 % of the target, where the curve of rate over threshold"
            " has another slope than at the target",
        ),
        measure=ReturnRatio(),
        protocol=STEPS,
    ),
)
