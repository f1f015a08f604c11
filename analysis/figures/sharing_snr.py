"""Updates that places share.

scnnbio run sharing_snr --out runs/sharing_snr
python analysis/figures/sharing_snr.py runs/sharing_snr [FOLDER]

Writes sharing_snr.png, .pdf and .csv (the numbers behind the figure), and prints the caption.
"""

import sys

from scnnbio.figures import draw, save
from scnnbio.workflow import load_results


def main(run: str, folder: str = ".") -> None:
    """Draw the figure from a run's folder."""
    drawn = draw("sharing_snr", load_results(run))
    print(drawn.caption, *save(drawn.figure, folder, drawn.name), sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
