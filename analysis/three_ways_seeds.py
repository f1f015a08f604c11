"""Table of several runs of three_ways: distances from V1, over seeds.

python analysis/three_ways_seeds.py RUN RUN ...

Each run has kernels and spikes of a seed of its own. Of seed 2:

    python analysis/three_ways.py FOLDER/three_ways.npz --patches 8000 --epochs 6 --seed 2
    cp experiments/three_ways.toml FOLDER
    scnnbio run FOLDER/three_ways.toml --seed 2 --backend brian2-standalone --out RUN

Prints a Markdown table: for each claim and way the mean distance over the seeds with the lowest and
highest, and in how many seeds which way is nearest in 95 % of draws of its cells.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence

import numpy as np

from scnnbio.figures.three_ways import TITLES, WAYS, compared
from scnnbio.validation.nearness import Nearness
from scnnbio.workflow import load_results


def row(title: str, seeds: Sequence[Nearness]) -> list[str]:
    """One claim: distance of each way over the seeds, and who is nearest how often."""
    distances = np.array([one.distance for one in seeds])
    cells = [
        f"{mean:.2f} ({low:.2f} to {high:.2f})"
        for mean, low, high in zip(
            distances.mean(axis=0), distances.min(axis=0), distances.max(axis=0), strict=True
        )
    ]
    counted = Counter(one.nearest or "none" for one in seeds).most_common()
    return [title, *cells, ", ".join(f"{name} in {times}" for name, times in counted)]


def table(runs: Sequence[Sequence[Nearness]]) -> list[list[str]]:
    """Head and rows; a claim that a run cannot judge is left out of that run, and counted.

    Parameters
    ----------
    runs : sequence of sequence of Nearness
        Of each seed, as :func:`scnnbio.figures.three_ways.compared` gives them.
    """
    rows = [["", *WAYS, f"nearest, of {len(runs)} seeds"]]
    for claim, title in TITLES.items():
        seeds = [one for run in runs for one in run if one.claim == claim]
        if not seeds:
            rows.append([title, *("" for _ in WAYS), "judged in none"])
            continue
        rows.append(row(title, seeds))
        if len(seeds) < len(runs):
            rows[-1][-1] += f"; judged in {len(seeds)}"
    return rows


def main(*folders: str) -> None:
    """Print the table of the runs in some folders."""
    if not folders:
        raise SystemExit("name the folders of runs of three_ways")
    head, *rows = table([compared(load_results(folder))[0] for folder in folders])
    for line in (head, ["---"] * len(head), *rows):
        print("|", " | ".join(line), "|")


if __name__ == "__main__":
    main(*sys.argv[1:])
