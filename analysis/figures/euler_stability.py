"""Forward Euler below and above its stability limit.

scnnbio run euler_stability --out runs/euler_stability
python analysis/figures/euler_stability.py runs/euler_stability [FOLDER]

Writes euler_stability.png, .pdf and .csv (the numbers behind the figure), and prints the caption.
"""

import sys

from scnnbio.figures import draw, save
from scnnbio.workflow import load_results


def main(run: str, folder: str = ".") -> None:
    """Draw the figure from a run's folder."""
    drawn = draw("euler_stability", load_results(run))
    print(drawn.caption, *save(drawn.figure, folder, drawn.name), sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
