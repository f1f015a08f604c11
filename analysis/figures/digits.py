"""Digits classified by a linear read-out.

scnnbio run digits_stdp --out runs/digits_stdp
python analysis/figures/digits.py runs/digits_stdp [FOLDER]

Writes digits.png, .pdf and .csv (the numbers behind the figure), and prints the caption.
"""

import sys

from scnnbio.figures import draw, save
from scnnbio.workflow import load_results


def main(run: str, folder: str = ".") -> None:
    """Draw the figure from a run's folder."""
    drawn = draw("digits", load_results(run))
    print(drawn.caption, *save(drawn.figure, folder, drawn.name), sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
