"""Simple and complex cells: F1/F0, circular variance, and tuning to size.

scnnbio run v1_physiology --profile full --out runs/v1_physiology
python analysis/figures/populations.py runs/v1_physiology [FOLDER]

Writes populations.png, .pdf and .csv (the numbers behind the figure), and prints the caption.
"""

import sys

from scnnbio.figures import draw, save
from scnnbio.workflow import load_results


def main(run: str, folder: str = ".") -> None:
    """Draw the figure from a run's folder."""
    drawn = draw("populations", load_results(run))
    print(drawn.caption, *save(drawn.figure, folder, drawn.name), sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
