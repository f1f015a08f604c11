"""Digits named by a converted network.

scnnbio run digits_conversion --out runs/digits_conversion
python analysis/figures/digits_conversion.py runs/digits_conversion [FOLDER]

Writes digits_conversion.png, .pdf and .csv (the numbers behind the figure), and prints the caption.
"""

import sys

from scnnbio.figures import draw, save
from scnnbio.workflow import load_results


def main(run: str, folder: str = ".") -> None:
    """Draw the figure from a run's folder."""
    drawn = draw("digits_conversion", load_results(run))
    print(drawn.caption, *save(drawn.figure, folder, drawn.name), sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
