"""Homeostasis in a deep stack.

scnnbio run homeostasis_depth --out runs/homeostasis_depth
python analysis/figures/homeostasis_depth.py runs/homeostasis_depth [FOLDER]

Writes homeostasis_depth.png, .pdf and .csv (the numbers behind the figure), and prints the caption.
"""

import sys

from scnnbio.figures import draw, save
from scnnbio.workflow import load_results


def main(run: str, folder: str = ".") -> None:
    """Draw the figure from a run's folder."""
    drawn = draw("homeostasis_depth", load_results(run))
    print(drawn.caption, *save(drawn.figure, folder, drawn.name), sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
