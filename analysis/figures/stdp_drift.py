"""Drift of weights between correlated trains.

scnnbio run stdp_drift --out runs/stdp_drift
python analysis/figures/stdp_drift.py runs/stdp_drift [FOLDER]

Writes stdp_drift.png, .pdf and .csv (the numbers behind the figure), and prints the caption.
"""

import sys

from scnnbio.figures import draw, save
from scnnbio.workflow import load_results


def main(run: str, folder: str = ".") -> None:
    """Draw the figure from a run's folder."""
    drawn = draw("stdp_drift", load_results(run))
    print(drawn.caption, *save(drawn.figure, folder, drawn.name), sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
