"""Levels that codes tell.

scnnbio run code_capacity --out runs/code_capacity
python analysis/figures/code_capacity.py runs/code_capacity [FOLDER]

Writes code_capacity.png, .pdf and .csv (the numbers behind the figure), and prints the caption.
"""

import sys

from scnnbio.figures import draw, save
from scnnbio.workflow import load_results


def main(run: str, folder: str = ".") -> None:
    """Draw the figure from a run's folder."""
    drawn = draw("code_capacity", load_results(run))
    print(drawn.caption, *save(drawn.figure, folder, drawn.name), sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
