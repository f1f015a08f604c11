"""One claim of a run: model and published data side by side.

scnnbio run v1_features --out runs/v1_features
python analysis/figures/claim.py runs/v1_features CLAIM [FOLDER]

CLAIM is a name such as fano_factor. Writes claim_CLAIM.png, .pdf and .csv, and prints the caption.
"""

import sys

from scnnbio.figures import draw, save
from scnnbio.workflow import load_results


def main(run: str, claim: str, folder: str = ".") -> None:
    """Draw the figure of a claim from a run's folder."""
    drawn = draw(f"claim_{claim}", load_results(run))
    print(drawn.caption, *save(drawn.figure, folder, drawn.name), sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
