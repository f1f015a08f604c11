"""Page of every figure with the command that draws it.

python docs/gallery_page.py    # writes docs/gallery.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from docs.pictures import IMAGES, PICTURES
from scnnbio.figures import ANIMATIONS, FIGURES

PAGE = Path(__file__).parent / "gallery.md"
_HEAD = """# Gallery

This page is written by `python docs/gallery_page.py`.

## Figures of these pages

Each is drawn again by `make pictures ONLY=NAME`. Where it shows a run, the command of that run
stands below it: its report has the figure, and `scnnbio figures DIR NAME` draws it again.
"""
_REPORTS = """## Figures of reports

`scnnbio run` draws those whose stages the study has, and `scnnbio figures DIR NAME` draws one again
from a folder of results. A study has a figure if it was run with the parts that the figure shows.

| name | what it shows | needs |
|---|---|---|"""
_ANIMATED = """
## Animations

`scnnbio figures DIR NAME --animate` writes one as a GIF, with `--mp4` as an MP4
([how to](how_to/describe.md#animations)).

| name | needs that a stage recorded |
|---|---|"""
#: Of pictures that are no registered figure, or that show more than its title says.
_TITLES = {
    "v1_features": "Kernels from photographs, and their shapes beside those of cells",
    "euler_stability": "Forward Euler against the exact step",
    "homeostasis_depth": "Homeostasis through eight layers",
    "compare": "One network on three simulators",
    "compare_steps": "Errors by time step",
    "fitting": "A neuron fitted to current clamp",
    "learning_rules": "Windows and frequency dependence of learning rules",
    "digits_surrogate": "Training by surrogate gradients",
    "digits_conversion": "A converted network: accuracy, spikes and operations over time steps",
    "robustness": "Accuracy of three networks under five faults",
    "performance": "Speed beside other simulators",
}
#: What draws the figures that show no run of scnnbio.
_OTHERS = {"learning_rules": "make pictures ONLY=learning_rules", "performance": "make bench"}
_HANDS_ON = """
## Figures of hands-on pages

Each figure of a [hands-on page](hands_on/lif.md) stands below the code that draws it.
"""


def page() -> str:
    """The page in Markdown."""
    return "\n".join([_HEAD, *_pictures(), _REPORTS, *_figures(), *_animations(), _HANDS_ON])


def _animations() -> Iterator[str]:
    yield _ANIMATED
    yield from (f"| `{name}` | {spec.needs} |" for name, spec in ANIMATIONS.items())


def _pictures() -> Iterator[str]:
    for name, picture in PICTURES.items():
        if not (IMAGES / f"{name}.png").is_file():
            continue  # not drawn yet: another test asks for it
        title = _TITLES.get(name) or FIGURES.ours(picture.figure).title
        yield f"### {title}\n"
        yield f"![{title}](images/{name}.png)\n"
        drawn = _OTHERS.get(name, f"make pictures ONLY={name}")
        command = f"scnnbio {picture.command}" if picture.command else drawn
        yield f"```sh\n{command}\n```\n"


def _figures() -> Iterator[str]:
    for name in FIGURES.own:
        spec = FIGURES.ours(name)
        needs = ", ".join(f"`{part}`" for part in spec.needs)
        yield f"| `{name}` | {spec.title} | {needs} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
