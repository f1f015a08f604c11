"""Rates and spike-frequency adaptation under constant current."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from scnnbio.analysis.adaptation import ADAPTATION, SOURCE, Adaptation, adaptation
from scnnbio.neurons.rates import firing_rate
from scnnbio.validation.claim import About, Measure, Measured
from scnnbio.validation.closed_forms import closed
from scnnbio.validation.comparisons import AllWithin, Median
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.observation import Observation


class RateSpikesError(Measure):
    """Spikes at each current, minus those by the closed form of the firing rate."""

    name: ClassVar[str] = "rate_spikes_error"
    unit: ClassVar[str] = "spikes"
    about: ClassVar[About] = "populations"

    def of(self, evidence: Evidence) -> Measured:
        """Count every channel of every population."""
        parts, names, run = [], [], evidence.run
        for part in evidence.each:
            name = part.population
            layer, found = run.experiment.network.population(name), evidence.once(adaptation, name)
            values = {n: layer.common_value(n) for n in layer.model.parameters if n != "i_offset"}
            expected = firing_rate(layer.model, found.current, values, dt=run.experiment.dt)
            parts.append((found.rate - expected) * run.experiment.trial_duration / 1e3)
            names += [name] * len(found.rate)
        return Measured(np.concatenate(parts), populations=tuple(names))


class AdaptationIndex(Measure):
    """Adaptation index of each population, 50 pA above its rheobase."""

    name: ClassVar[str] = "adaptation_index"
    about: ClassVar[About] = "populations"

    def of(self, evidence: Evidence) -> Measured:
        """Measure the populations that have two intervals or more there."""
        found: list[Adaptation] = [evidence.once(adaptation, p.population) for p in evidence.each]
        index = np.array([one.index[one.hero] for one in found])
        few = np.isnan(index)
        names = tuple(one.population for one, left in zip(found, few, strict=True) if not left)
        excluded = {"fewer than two intervals": int(few.sum())}
        return Measured(index[~few], excluded, populations=names)


def _recorded(kind: str) -> Observation:
    """Adaptation index of recorded cells."""
    seen = ADAPTATION[kind]
    return Observation(
        quantity=f"adaptation index, {kind} cells",
        source=SOURCE,
        species="mouse V1",
        n=seen.n,
        value=seen.median,
        interval=(seen.low, seen.high),
        stimulus="a second of constant current, 50 pA above rheobase",
        window="the whole step",
        state="slice",
        pooling="mean of (later - earlier)/(later + earlier) over adjacent intervals; quartiles"
        " over cells",
        differs="is for neurons with the median parameters of such cells, which need not be median"
        " cells",
    )


CLAIMS = (
    AllWithin(
        name="glif_rate",
        observation=closed(
            "spikes of GLIF1 at each current, minus those of the closed form of its rate",
            "closed form: a leaky integrator with a refractory period, on the grid",
            -1.0,
            1.0,
            "spikes",
        ),
        measure=RateSpikesError(),
    ),
    AllWithin(
        name="no_adaptation",
        observation=closed(
            "adaptation index of GLIF1 and GLIF2, without after-spike currents",
            "closed form: every spike leaves the neuron in the same state",
            -1e-6,
            1e-6,
        ),
        measure=AdaptationIndex(),
    ),
    Median(
        name="adaptation_excitatory",
        observation=_recorded("excitatory"),
        measure=AdaptationIndex(),
        minimum=3,
    ),
    Median(
        name="adaptation_inhibitory",
        observation=_recorded("inhibitory"),
        measure=AdaptationIndex(),
        minimum=1,
    ),
)
