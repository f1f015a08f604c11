"""Codes of photographs with and without inhibition.

scnnbio run sparse_codes --out runs/sparse_codes
python analysis/figures/sparse_codes.py runs/sparse_codes [FOLDER]

Writes sparse_codes.png, .pdf and .csv (the numbers behind the figure), and prints the caption.
"""

import sys

from scnnbio.figures import draw, save
from scnnbio.workflow import load_results


def main(run: str, folder: str = ".") -> None:
    """Draw the figure from a run's folder."""
    drawn = draw("sparse_codes", load_results(run))
    print(drawn.caption, *save(drawn.figure, folder, drawn.name), sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
