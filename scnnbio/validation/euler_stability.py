"""Integrators under constant current: factor per step, and neurons that fire wrongly."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from scnnbio.analysis.euler import factors, membranes
from scnnbio.validation.claim import About, Measure, Measured
from scnnbio.validation.closed_forms import closed
from scnnbio.validation.comparisons import AllWithin
from scnnbio.validation.evidence import Evidence


class StepFactorError(Measure):
    """Factor by which a step multiplies a deviation, minus the closed form, one per channel."""

    name: ClassVar[str] = "step_factor_error"

    def of(self, evidence: Evidence) -> Measured:
        """Measure the channels that do not fire in the first step."""
        found = evidence.once(factors, evidence.population)
        error = found - evidence.once(membranes, evidence.population).predicted
        early = np.isnan(error)
        return Measured(error[~early], {"fires in the first step": int(early.sum())})


class WronglyFires(Measure):
    """1 for a channel that fires but should not, -1 for one that is silent but should fire, else 0.

    Driven below threshold, only forward Euler with dt > 2 tau should fire: there its deviations
    grow.
    """

    name: ClassVar[str] = "wrongly_fires"
    about: ClassVar[About] = "populations"

    def of(self, evidence: Evidence) -> Measured:
        """Check every channel."""
        parts, names = [], []
        for part in evidence.each:
            found = evidence.once(membranes, part.population)
            should = (found.ratio > 2.0) & (found.integrator == "forward-euler")
            parts.append((found.rate > 0).astype(float) - should)
            names += [part.population] * len(should)
        return Measured(np.concatenate(parts), populations=tuple(names))


class FiringRatio(Measure):
    """dt over tau of each channel that fires."""

    name: ClassVar[str] = "firing_dt_over_tau"

    def of(self, evidence: Evidence) -> Measured:
        """Find the channels that fire."""
        found = evidence.once(membranes, evidence.population)
        return Measured(found.ratio[found.rate > 0])


class GridSpikesError(Measure):
    """Number of spikes, minus that of the closed form with whole steps to threshold."""

    name: ClassVar[str] = "grid_spikes_error"
    unit: ClassVar[str] = "spikes"

    def of(self, evidence: Evidence) -> Measured:
        """Count every channel."""
        found = evidence.once(membranes, evidence.population)
        seconds = evidence.run.experiment.duration / 1e3
        return Measured((found.rate - found.grid_rate) * seconds)


CLAIMS = (
    AllWithin(
        name="euler_factor",
        observation=closed(
            "factor by which a step of forward Euler multiplies a deviation, minus 1 - dt/tau",
            "closed form: forward Euler of a linear equation",
            -1e-9,
            1e-9,
        ),
        measure=StepFactorError(),
    ),
    AllWithin(
        name="exact_factor",
        observation=closed(
            "factor by which the exact step multiplies a deviation, minus exp(-dt/tau)",
            "closed form: solution of a linear equation",
            -1e-9,
            1e-9,
        ),
        measure=StepFactorError(),
    ),
    AllWithin(
        name="euler_limit",
        observation=closed(
            "channels below threshold that fire though dt <= 2 tau or exact (1), or are silent"
            " though dt > 2 tau (-1)",
            "closed form: deviations grow where abs(1 - dt/tau) > 1",
            0.0,
            0.0,
        ),
        measure=WronglyFires(),
        beside=(FiringRatio(),),
    ),
    AllWithin(
        name="exact_rate",
        observation=closed(
            "spikes of the exact step, minus those of the closed form with whole steps",
            "closed form: tau log(v_inf / (v_inf - threshold)), rounded up to the grid",
            -1.0,
            1.0,
            "spikes",
        ),
        measure=GridSpikesError(),
    ),
)
