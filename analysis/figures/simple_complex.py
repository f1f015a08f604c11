"""Simple cells, and complex cells that pool them.

scnnbio run simple_complex --out runs/simple_complex
python analysis/figures/simple_complex.py runs/simple_complex [FOLDER]

Writes simple_complex.png, .pdf and .csv (the numbers behind the figure), and prints the caption.
"""

import sys

from scnnbio.figures import draw, save
from scnnbio.workflow import load_results


def main(run: str, folder: str = ".") -> None:
    """Draw the figure from a run's folder."""
    drawn = draw("simple_complex", load_results(run))
    print(drawn.caption, *save(drawn.figure, folder, drawn.name), sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
