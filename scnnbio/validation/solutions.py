"""The same experiment solved in another way, for claims on runs that have no closed form."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from scnnbio import backends
from scnnbio.analysis.convergence import Convergence, convergence
from scnnbio.experiment import Experiment, Run
from scnnbio.validation.evidence import Missing

#: The solution without a time step, and the slow one on the grid.
EXACT, GRID = "event-driven", "reference"
#: Grids are refined so many times by two; a trial of more steps than this is not refined here.
_HALVINGS, _LARGEST = 2, 400


@dataclass(frozen=True, eq=False)
class Refined:
    """A run beside the solution without a time step, and grids that approach it.

    Parameters
    ----------
    exact : Run
        Without a time step.
    grids : mapping of float to Run
        By time step in ms: the run's own, and halves of it.
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


def refined(run: Run) -> Refined:
    """Solve the experiment of a run without a time step and on finer grids.

    The run itself is one of them: the solution if it has no grid, else the coarsest grid. All get
    the run's own input spikes.

    Raises
    ------
    Missing
        If a backend cannot run it, or its grid is too fine to be refined while you wait.
    """
    experiment, on_grid = run.experiment, _has_grid(run)
    if experiment.duration / experiment.dt > _LARGEST * experiment.n_trials:
        raise Missing(
            f"a grid of {experiment.dt:g} ms is too fine to be refined here; it takes"
            f" {_LARGEST} steps per trial at most"
        )
    drawn = experiment.input_dt or experiment.dt
    grids: dict[float, Run] = {experiment.dt: run} if on_grid else {}
    for k in range(_HALVINGS + 1):
        dt = experiment.dt / 2**k
        if dt not in grids:
            finer = dataclasses.replace(experiment, dt=dt, input_dt=drawn)
            grids[dt] = _solved(GRID, finer)
    return Refined(_solved(EXACT, experiment) if on_grid else run, grids)


def other_solution(run: Run) -> tuple[str, Run]:
    """The same experiment on ``reference``; that of ``reference`` itself without a time step."""
    name = EXACT if run.provenance["backend"] == GRID else GRID
    return name, _solved(name, run.experiment)


def _has_grid(run: Run) -> bool:
    """Whether the backend of a run has a time step; older results do not say it themselves."""
    said = run.provenance.get("grid")
    return backends.kind(run.provenance["backend"]).grid if said is None else bool(said)


def _solved(name: str, experiment: Experiment) -> Run:
    backend = backends.get(name)
    problems = backend.unsupported(experiment)
    if problems:
        raise Missing(f"{name} cannot solve it: {problems[0]}")
    return backend.run(experiment)
