"""One script per figure, which draws it from a saved run alone.

python docs/figure_scripts.py    # writes analysis/figures/*.py
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from scnnbio.figures import FIGURES

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "analysis" / "figures"
_SCRIPT = '''"""{title}.

scnnbio run {experiment} --out runs/{experiment}
python analysis/figures/{name}.py runs/{experiment} [FOLDER]

Writes {name}.png, .pdf and .csv (the numbers behind the figure), and prints the caption.
"""

import sys

from scnnbio.figures import draw, save
from scnnbio.workflow import load_results


def main(run: str, folder: str = ".") -> None:
    """Draw the figure from a run's folder."""
    drawn = draw("{name}", load_results(run))
    print(drawn.caption, *save(drawn.figure, folder, drawn.name), sep="\\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
'''
_CLAIM = '''"""One claim of a run: model and published data side by side.

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
    print(drawn.caption, *save(drawn.figure, folder, drawn.name), sep="\\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
'''


def scripts() -> dict[str, str]:
    """Text of each script by the name of its file."""
    stages = {
        file.stem: set(tomllib.loads(file.read_text(encoding="utf-8")).get("stages", ()))
        for file in sorted((ROOT / "experiments").glob("*.toml"))
    }
    made = {"claim.py": _CLAIM}
    for name in FIGURES.own:
        spec = FIGURES[name]
        needed = {need.partition(".")[0] for need in spec.needs}
        fits = [known for known, held in stages.items() if needed <= held]
        # Stages such as "learn" are in many documents: that of the main job is the one to run.
        first = (name, "v1_features", "v1_grating", *fits)
        experiment = next((known for known in first if known in fits), "")
        text = _SCRIPT.format(name=name, title=spec.title.rstrip("."), experiment=experiment)
        made[f"{name}.py"] = text
    return made


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for file, text in scripts().items():
        (FOLDER / file).write_text(text, encoding="utf-8")
