"""Convergence of grids to the event-driven solution, from the folders of finished runs.

python analysis/event_driven.py EXACT_FOLDER GRID_FOLDER... OUT.png

``experiments/event_driven.toml`` explains how to make the runs. Prints the values of the figure.
"""

from __future__ import annotations

import sys
from pathlib import Path

from scnnbio.analysis.convergence import convergence, state_errors
from scnnbio.figures.convergence import convergence_figure
from scnnbio.figures.style import save
from scnnbio.workflow import load_results


def main(exact_folder: Path, grid_folders: list[Path], out: Path) -> None:
    """Compare the runs, print the errors, draw the figure."""
    exact = load_results(exact_folder).runs
    grids = {}
    for folder in grid_folders:
        runs = load_results(folder).runs
        grids[runs["firing"].experiment.dt] = runs
    found = [
        convergence(
            exact["firing"].recording,
            {dt: runs["firing"].recording for dt, runs in grids.items()},
            population,
        )
        for population in ("v1", "v2")
    ]
    quiet = [runs["quiet"].recording for runs in grids.values()]
    errors = state_errors(exact["quiet"].recording, quiet, "v1", "v")
    state = dict(zip(grids, errors.tolist(), strict=True))
    for c in found:
        print(f"{c.population}: {c.spikes} spikes, order {c.order:.3f}")
        for row in zip(c.dt, c.median, c.upper, c.same_counts, strict=True):
            print("  dt {:g} ms: median {:.3g} ms, 95 % {:.3g} ms, same counts {:.4f}".format(*row))
    for dt, error in sorted(state.items(), reverse=True):
        print(f"v without spikes, dt {dt:g} ms: {error:.2g} mV")
    save(convergence_figure(found, state), out.parent, out.stem)


if __name__ == "__main__":
    first, *middle, last = map(Path, sys.argv[1:])
    main(first, middle, last)
