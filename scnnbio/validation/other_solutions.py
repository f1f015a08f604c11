"""A run compared with another solution of the same experiment, where no closed form exists."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from scnnbio import backends
from scnnbio.analysis.paired import paired_rate
from scnnbio.backends.promises import Statistical
from scnnbio.experiment import Experiment, Run
from scnnbio.validation.claim import About, Measure, Measured
from scnnbio.validation.comparisons import AllWithin
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.observation import Observation
from scnnbio.validation.protocol import Missing

#: The backend without a time step, and the slow one on the grid.
EXACT, GRID = "event-driven", "reference"


def solved(name: str, experiment: Experiment) -> Run:
    """Run an experiment on a backend; raises Missing where the backend does not support it."""
    backend = backends.get(name)
    problems = backend.unsupported(experiment)
    if problems:
        raise Missing(f"{name} cannot solve it: {problems[0]}")
    return backend.run(experiment)


def other_solution(run: Run) -> tuple[str, Run]:
    """The same experiment on ``reference``; for a run of ``reference``, without a time step."""
    name = EXACT if run.provenance["backend"] == GRID else GRID
    return name, solved(name, run.experiment)


class DifferingTrains(Measure):
    """1 for each neuron that fires and whose spikes differ from those of ``reference``, else 0."""

    name: ClassVar[str] = "differing_trains"
    about: ClassVar[About] = "populations"

    def of(self, evidence: Evidence) -> Measured:
        """Compare every neuron that fires."""
        run = evidence.run
        name, other = evidence.once(other_solution)
        promise = backends.get(run.provenance["backend"]).promise("spikes", run.experiment)
        if name != GRID or promise is None or isinstance(promise, Statistical):
            what = (
                "is the reference"
                if name != GRID
                else "promises similar spikes, not identical ones"
            )
            raise Missing(f"{run.provenance['backend']} {what}")
        parts, units, names = [], [], []
        for part in evidence.each:
            differs, fires = _differing(run, other, part.population)
            parts.append(differs[fires].astype(float))
            units.append(np.flatnonzero(fires))
            names += [part.population] * int(fires.sum())
        return Measured(
            np.concatenate(parts), neurons=np.concatenate(units), populations=tuple(names)
        )


def _differing(run: Run, other: Run, population: str) -> tuple[np.ndarray, np.ndarray]:
    """Which neurons have different spikes in two runs, and which fire in either."""
    ours, theirs = (r.recording.spikes_of(population) for r in (run, other))
    fires = np.zeros((2, run.recording.size(population)), dtype=bool)
    fires[0, ours.unit] = fires[1, theirs.unit] = True
    differs = np.zeros(fires.shape[1], dtype=bool)
    dt = run.experiment.dt
    sets = [
        set(zip(s.unit.tolist(), s.trial.tolist(), np.rint(s.time / dt).tolist(), strict=True))
        for s in (ours, theirs)
    ]
    differs[[unit for unit, _, _ in sets[0] ^ sets[1]]] = True
    return differs, np.asarray(fires.any(axis=0))


class RateDifference(Measure):
    """Relative difference of the mean rate from another solution's, one per population."""

    name: ClassVar[str] = "rate_difference"
    about: ClassVar[About] = "populations"

    def of(self, evidence: Evidence) -> Measured:
        """Compare the populations that fire."""
        run = evidence.run
        _, other = evidence.once(other_solution)
        pair, seed = (other.recording, run.recording), run.experiment.seed
        names = np.array([part.population for part in evidence.each])
        found = np.array([paired_rate(pair, str(name), seed).difference for name in names])
        silent = np.isnan(found)
        excluded = {"silent populations": int(silent.sum())}
        return Measured(found[~silent], excluded, populations=tuple(names[~silent].tolist()))


CLAIMS = (
    AllWithin(
        name="reference_spikes",
        observation=Observation(
            quantity="neurons that fire: 1 if a spike differs from the backend 'reference'",
            source="the backend 'reference', which states the conventions of all backends",
            species="the same network",
            interval=(0.0, 0.0),
            note="where a neuron is at its threshold, rounding can decide: 'scnnbio compare'"
            " distinguishes that from a fault",
        ),
        measure=DifferingTrains(),
    ),
    AllWithin(
        name="reference_rate",
        observation=Observation(
            quantity="relative difference of the mean rate from another solution's",
            source="the backend 'reference'; for its own runs, the solution without a time step",
            species="the same network",
            interval=(-0.05, 0.05),
        ),
        measure=RateDifference(),
        minimum=1,
    ),
)
