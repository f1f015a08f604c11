"""Digits named by a network that learned by surrogate gradients.

scnnbio run digits_surrogate --out runs/digits_surrogate
python analysis/figures/digits_surrogate.py runs/digits_surrogate [FOLDER]

Writes digits_surrogate.png, .pdf and .csv (the numbers behind the figure), and prints the caption.
"""

import sys

from scnnbio.figures import draw, save
from scnnbio.workflow import load_results


def main(run: str, folder: str = ".") -> None:
    """Draw the figure from a run's folder."""
    drawn = draw("digits_surrogate", load_results(run))
    print(drawn.caption, *save(drawn.figure, folder, drawn.name), sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
