"""Suppression by a mask at right angles.

scnnbio run cross_orientation --out runs/cross_orientation
python analysis/figures/cross_orientation.py runs/cross_orientation [FOLDER]

Writes cross_orientation.png, .pdf and .csv (the numbers behind the figure), and prints the caption.
"""

import sys

from scnnbio.figures import draw, save
from scnnbio.workflow import load_results


def main(run: str, folder: str = ".") -> None:
    """Draw the figure from a run's folder."""
    drawn = draw("cross_orientation", load_results(run))
    print(drawn.caption, *save(drawn.figure, folder, drawn.name), sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
