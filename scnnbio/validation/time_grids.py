"""Time grids compared with the solution without one: order of the error, and state errors."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from scnnbio import backends
from scnnbio.analysis.convergence import Convergence, convergence, state_errors
from scnnbio.experiment import Run
from scnnbio.validation.claim import About, Measure, Measured
from scnnbio.validation.closed_forms import closed
from scnnbio.validation.comparisons import AllWithin
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.other_solutions import EXACT, GRID, solved
from scnnbio.validation.protocol import Missing

#: How often the time step is halved, and the most steps per trial that are still refined.
_HALVINGS, _LARGEST = 2, 400


@dataclass(frozen=True, eq=False)
class Refined:
    """The solution without a time step, and runs on grids that approach it.

    Parameters
    ----------
    exact : Run
        Run without a time step.
    grids : mapping of float to Run
        By time step in ms: the run's own, and successive halves of it.
    """

    exact: Run
    grids: Mapping[float, Run]

    def convergence(self) -> list[Convergence]:
        """How the spikes of each recorded population of neurons approach the solution."""
        experiment = self.exact.experiment
        network = experiment.network
        names = [n for n in experiment.record.spikes if not network.population(n).is_source]
        recordings = {dt: run.recording for dt, run in self.grids.items()}
        return [convergence(self.exact.recording, recordings, name) for name in names]

    def state_errors(self) -> dict[tuple[str, str], np.ndarray]:
        """Largest error of each sampled state, one per grid, by population and variable."""
        exact = self.exact.recording
        grids = [run.recording for run in self.grids.values()]
        sampled = [(name, variable) for name, row in exact.signals.items() for variable in row]
        return {one: state_errors(exact, grids, *one) for one in sampled}


def refined(run: Run) -> Refined:
    """Solve the experiment of a run without a time step and on finer grids.

    The run itself is one of them: the solution if it has no grid, else the coarsest grid. All use
    the run's own input spikes.

    Raises
    ------
    Missing
        If a backend cannot run it, or its grid is too fine to be refined in reasonable time.
    """
    experiment, on_grid = run.experiment, _has_grid(run)
    if experiment.duration / experiment.dt > _LARGEST * experiment.n_trials:
        raise Missing(
            f"a grid of {experiment.dt:g} ms is too fine to be refined here;"
            f" at most {_LARGEST} steps per trial are"
        )
    drawn = experiment.input_dt or experiment.dt
    grids: dict[float, Run] = {experiment.dt: run} if on_grid else {}
    for k in range(_HALVINGS + 1):
        dt = experiment.dt / 2**k
        if dt not in grids:
            finer = dataclasses.replace(experiment, dt=dt, input_dt=drawn)
            grids[dt] = solved(GRID, finer)
    return Refined(solved(EXACT, experiment) if on_grid else run, grids)


def _has_grid(run: Run) -> bool:
    """Whether the backend of a run has a time step; older results do not record it."""
    said = run.provenance.get("grid")
    return backends.kind(run.provenance["backend"]).grid if said is None else bool(said)


class GridOrder(Measure):
    """Order at which spike times on grids approach the solution, one per population."""

    name: ClassVar[str] = "grid_order"
    about: ClassVar[About] = "populations"

    def of(self, evidence: Evidence) -> Measured:
        """Fit the order."""
        named = [part.population for part in evidence.each]
        found = [c for c in evidence.once(refined).convergence() if c.population in named]
        if not found:
            raise Missing(f"no spikes of {', '.join(named)} were recorded")
        names = tuple(c.population for c in found)
        return Measured(np.array([c.order for c in found]), populations=names)


class StateError(Measure):
    """Largest difference of a sampled state from the solution, one per grid and variable."""

    name: ClassVar[str] = "state_error"
    unit: ClassVar[str] = "mV"
    about: ClassVar[About] = "populations"

    def of(self, evidence: Evidence) -> Measured:
        """Compare every sampled variable."""
        named = [part.population for part in evidence.each]
        errors = evidence.once(refined).state_errors()
        found = {one: values for one, values in errors.items() if one[0] in named}
        if not found:
            raise Missing("the run sampled no state")
        names = tuple(name for (name, _), values in found.items() for _ in values)
        return Measured(np.concatenate(list(found.values())), populations=names)


CLAIMS = (
    AllWithin(
        name="grid_order",
        observation=closed(
            "order at which spike times approach the solution without a time step",
            "closed form: a grid stamps a crossing with the end of its step, so that the error is"
            " of first order",
            0.8,
            1.2,
        ),
        measure=GridOrder(),
    ),
    AllWithin(
        name="grid_state",
        observation=closed(
            "largest difference of a state from the solution without a time step",
            "closed form: exact propagators leave only rounding errors",
            0.0,
            1e-9,
            "mV",
        ),
        measure=StateError(),
    ),
)
