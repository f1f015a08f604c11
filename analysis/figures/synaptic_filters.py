"""Frequency response of synapse and membrane.

scnnbio run synaptic_filters --out runs/synaptic_filters
python analysis/figures/synaptic_filters.py runs/synaptic_filters [FOLDER]

Writes synaptic_filters.png, .pdf and .csv (the numbers behind the figure), and prints the caption.
"""

import sys

from scnnbio.figures import draw, save
from scnnbio.workflow import load_results


def main(run: str, folder: str = ".") -> None:
    """Draw the figure from a run's folder."""
    drawn = draw("synaptic_filters", load_results(run))
    print(drawn.caption, *save(drawn.figure, folder, drawn.name), sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
