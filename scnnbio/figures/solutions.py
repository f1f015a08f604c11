"""Figures that compare a run with another solution of the same experiment."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from scnnbio.analysis.agreement import Settings, agreement
from scnnbio.figures.agreement import Side, agreement_figure
from scnnbio.figures.convergence import convergence_figure
from scnnbio.figures.spec import FigureSpec, StudyResults
from scnnbio.validation import Missing
from scnnbio.validation.other_solutions import GRID, other_solution
from scnnbio.validation.time_grids import Refined, refined


def _convergence(results: StudyResults) -> tuple[Figure, str]:
    evidence = results.evidence["firing"]
    shown = evidence.once(refined)
    quiet = results.evidence.get("quiet")
    state = None if quiet is None else _largest_errors(quiet.once(refined))
    found = shown.convergence()
    summary = "; ".join(
        f"{c.population}: order {c.order:.2f}, {c.same_counts[0]:.0%} of the neurons with the same"
        f" count at {c.dt[0]:g} ms and {c.same_counts[-1]:.0%} at {c.dt[-1]:g} ms"
        for c in found
    )
    backend = evidence.run.provenance["backend"]
    caption = (
        "Time grids compared with the solution without a time step (event-driven), on the same"
        " input"
        f" spikes. The run on {backend} is one of them; {GRID} computed the others for this"
        " figure. Errors of the k-th spike where a neuron fires equally often in both, and"
        " fractions of"
        f" neurons that do. {summary}."
    )
    if state:
        caption += (
            f" Where nothing fires, the potential is off by at most {max(state.values()):.1e} mV."
        )
    return convergence_figure(found, state), caption


def _largest_errors(found: Refined) -> dict[float, float]:
    """Largest error of all sampled states, by time step."""
    errors = list(found.state_errors().values())
    if not errors:
        return {}
    largest = np.array(errors).max(axis=0)
    return dict(zip(found.grids, largest.tolist(), strict=True))


def _beside(results: StudyResults) -> tuple[Figure, str]:
    evidence = results.evidence["grating"]
    run, (name, other) = evidence.run, evidence.once(other_solution)
    network = run.experiment.network
    populations = [n for n in run.experiment.record.spikes if not network.population(n).is_source]
    if not populations:
        raise Missing("no spikes of neurons were recorded")
    backend, dt = run.provenance["backend"], run.experiment.dt
    rows = [
        Side(name, backend, dt, agreement(other.recording, run.recording, population, Settings()))
        for population in populations
    ]
    summary = "; ".join(
        f"{row.found.population}: {row.found.spikes[0]} and {row.found.spikes[1]} spikes,"
        f" {row.found.identical:.1%} of the neurons that fire with the same spikes"
        for row in rows
    )
    caption = (
        f"The run on {backend} (lower ticks) beside {name} (upper ticks) at {dt:g} ms: spikes of"
        " neurons that differ, if there are any, and of others; mean rates; and distances between"
        f" the k-th spikes. {summary}."
    )
    return agreement_figure(rows), caption


SPECS = (
    FigureSpec(
        "convergence",
        "Time grids compared with the solution without a time step",
        ("firing.spikes.v1", "firing.spikes.v2"),
        _convergence,
    ),
    FigureSpec(
        "beside_reference", "Comparison with another solution", ("grating.spikes.v1",), _beside
    ),
)
