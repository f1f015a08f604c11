"""The images of these pages: how each is made, and whether one is older than its sources.

make pictures                                # all of them: ten minutes or more
make pictures ONLY="v1_features adaptation"  # some; v1_features is the README's, of a minute

An image stores, in its PNG, the digest of its sources: the modules of its figure, the style, the
documents that were run. tests/test_pictures_of_docs.py asks for images whose digest is today's.
The lines of the README on what agrees and what does not are written with its image.
"""

from __future__ import annotations

import ast
import hashlib
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from scnnbio.figures.style import style

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
RUNS = ROOT / "runs" / "pictures"
#: Key of the digest among the texts of a PNG.
KEY = "drawn by"

#: What `make demo` runs where there is a compiler; a test holds the Makefile against it.
DEMO = "run experiments/v1_features.toml --profile full --backend brian2-standalone"

_FIGURES = "scnnbio/figures"
_HEIGHT, _GAP = 720, 24
_FAST = "brian2-standalone"
_BETWEEN = re.compile(
    r"(<!-- make pictures writes these lines -->\n).*?(<!-- until here -->)", re.S
)
#: What claims are about, in the README's words.
_CLAIMS = {
    "ringach2002_nx_ny": "shapes of receptive fields",
    "oriented_fraction": "share of oriented kernels",
    "noise_control": "no orientation learned from white noise",
    "ringach2002_circular_variance": "circular variance of spikes",
    "ringach2002_half_bandwidth": "bandwidth of tuning",
    "evoked_rate": "rate at the best grating",
    "isi_cv": "irregularity of spikes (CV)",
    "fano_factor": "Fano factor",
}


@dataclass(frozen=True)
class Picture:
    """One image.

    Parameters
    ----------
    draw : callable
        Runs what it needs in the folder it is given, and returns the picture.
    sources : tuple of str
        Files that say how it looks, from the project's folder. Of a module of figures, those that
        it imports count too.
    command : str
        Arguments of the command whose run it shows; empty if it shows none.
    figure : str
        The registered figure that it is, whose title it has; empty if it is put together here.
    """

    draw: Callable[[Path], Image.Image]
    sources: tuple[str, ...]
    command: str = ""
    figure: str = ""


def _scnnbio(command: str, folder: Path) -> None:
    program = Path(sys.executable).parent / "scnnbio"
    words = [str(program), *command.split(), "--out", str(folder), "--force"]
    subprocess.run(words, check=True, cwd=ROOT)


def _experiment(
    name: str, module: str, backend: str, *, profile: str = "", figure: str = ""
) -> Picture:
    """A figure of an experiment's run; it has the experiment's name unless another is given."""
    chosen = f" --profile {profile}" if profile else ""
    command = f"run experiments/{name}.toml{chosen} --backend {backend}"
    figure = figure or name

    def draw(folder: Path) -> Image.Image:
        _scnnbio(command, folder)
        return Image.open(folder / "figures" / f"{figure}.png")

    sources = (f"{_FIGURES}/{module}.py", f"experiments/{name}.toml")
    return Picture(draw, sources, command, figure)


def _comparison(name: str, figure: str, options: str) -> Picture:
    """A figure of a comparison of the V1 layer on several backends."""
    command = f"compare v1_grating {options}"

    def draw(folder: Path) -> Image.Image:
        _scnnbio(command, folder)
        return Image.open(folder / "figures" / f"{name}.png")

    sources = (f"{_FIGURES}/{figure}.py", "experiments/v1_grating.toml")
    return Picture(draw, sources, command)


def _demo(folder: Path) -> Image.Image:
    """Kernels beside their shapes, from the command of `make demo`; and the README's lines."""
    _scnnbio(DEMO, folder)
    tell(folder)
    return side_by_side(folder)


def tell(folder: Path) -> None:
    """Write the README's lines from the scores of a run."""
    scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    lines = "\n".join(verdicts(scores))
    readme.write_text(_BETWEEN.sub(lambda m: f"{m[1]}{lines}\n{m[2]}", text), encoding="utf-8")


def side_by_side(folder: Path) -> Image.Image:
    """Two figures of a run beside each other, on white."""
    parts = []
    for name in ("kernels", "shapes"):
        with Image.open(folder / "figures" / f"{name}.png") as image:
            size = (round(image.width * _HEIGHT / image.height), _HEIGHT)
            parts.append(image.convert("RGB").resize(size, Image.Resampling.LANCZOS))
    width = sum(part.width for part in parts) + _GAP * (len(parts) + 1)
    page = Image.new("RGB", (width, _HEIGHT + 2 * _GAP), "white")
    left = _GAP
    for part in parts:
        page.paste(part, (left, _GAP))
        left += part.width + _GAP
    return page


def verdicts(scores: Iterable[Mapping[str, Any]]) -> list[str]:
    """What agrees with published data and what does not, a line each."""
    by_verdict: dict[str, list[str]] = {"agrees": [], "disagrees": []}
    for score in scores:
        words = _CLAIMS.get(score["claim"], score["claim"].replace("_", " "))
        by_verdict.setdefault(score["verdict"], []).append(f"{words} ({_numbers(score)})")
    said = {"chosen for": "Parameters were chosen by this, so its agreement shows nothing"}
    return [
        f"- {said.get(verdict, verdict.capitalize())}: {'; '.join(found)}."
        for verdict, found in by_verdict.items()
    ]


def _numbers(score: Mapping[str, Any]) -> str:
    """The model's number and the published one, or a distance and what chance allows."""
    seen, mine = score["observation"], score["prediction"]
    unit = {"1": "", "deg": "°"}.get(seen.get("unit", "1"), f" {seen.get('unit')}")
    if score["claim"] == "noise_control":
        return f"{score['value']:.2g} of kernels, {seen['value']:g} allowed"
    if "value" not in seen and "chance_limit" in seen:
        return f"distance {score['value']:.2f}, chance allows {seen['chance_limit']:.2f}"
    own = mine.get("fraction", mine.get("median", score["value"]))
    known = f"{seen['value']:.3g}" if "value" in seen else ""
    # A distribution was judged by its distance; its median is what a reader knows.
    if "interval" in seen and "counts" not in seen:
        known = " to ".join(f"{bound:g}" for bound in seen["interval"])
    return f"{own:.2g}{unit}, published {known}{unit}"


def _figure(draw: Callable[[], Figure]) -> Callable[[Path], Image.Image]:
    return lambda folder: rendered(draw())


def _learning() -> Figure:
    from docs.learning_figure import learning_figure

    return learning_figure()


def _fitting() -> Figure:
    from docs.fitting_figure import fitting_figure

    return fitting_figure()


def _conversion() -> Figure:
    import numpy as np

    from scnnbio.figures.conversion import conversion_figure

    kept = json.loads((ROOT / "analysis/digits_conversion.json").read_text(encoding="utf-8"))
    curve = kept["brian2-standalone"]
    return conversion_figure(
        *(np.array(curve[name]) for name in ("steps", "accuracy", "spikes", "operations")),
        module_accuracy=kept["module_accuracy"],
        multiplications=kept["multiplications"],
        tested=kept["tested"],
    )


def _robustness() -> Figure:
    from scnnbio.figures.robustness import robustness_figure

    kept = json.loads((ROOT / "analysis/robustness.json").read_text(encoding="utf-8"))
    return robustness_figure(kept)


def _performance() -> Figure:
    from benchmarks.report import performance_figure

    return performance_figure(json.loads((ROOT / "benchmarks/results.json").read_text()))


PICTURES = {
    "v1_features": Picture(
        _demo,
        (
            f"{_FIGURES}/kernels.py", f"{_FIGURES}/shapes.py", "experiments/v1_features.toml",
            "models/v1_features.py",
        ),
        DEMO,
    ),
    "euler_stability": _experiment("euler_stability", "euler", "reference"),
    "synaptic_filters": _experiment("synaptic_filters", "frequency_response", _FAST),
    "adaptation": _experiment("adaptation", "adaptation", "brian2"),
    "events_features": _experiment("events_features", "motion", _FAST),
    "shunting": _experiment("shunting", "gain", _FAST),
    "homeostasis_depth": _experiment("homeostasis_depth", "homeostasis", _FAST),
    "compare": _comparison(
        "agreement", "agreement", "--backends brian2-standalone,nest,spinnaker"
    ),
    "compare_steps": _comparison(
        "steps_grating_v1",
        "convergence",
        "--backends brian2-standalone,nest,event-driven --dt 0.1,0.2,0.5,1",
    ),
    "code_capacity": _experiment("code_capacity", "capacity", _FAST),
    "code_task": _experiment("code_task", "code_task", _FAST),
    "digits_surrogate": _experiment(
        "digits_surrogate", "trained", "trained=torch,brian2-standalone"
    ),
    "motifs": _experiment("motifs", "motifs", _FAST),
    "v1_physiology": _experiment(
        "v1_physiology", "populations", _FAST, profile="full", figure="populations"
    ),
    "simple_complex": _experiment("simple_complex", "pooling", _FAST),
    "cross_orientation": _experiment("cross_orientation", "masking", _FAST),
    "surround": _experiment("surround", "sizes", _FAST),
    "sparse_codes": _experiment("sparse_codes", "sparse_codes", _FAST),
    "weight_sharing": _experiment("weight_sharing", "weight_sharing", _FAST),
    "stdp_drift": _experiment("stdp_drift", "drift", _FAST),
    "sharing_snr": _experiment("sharing_snr", "drift", _FAST),
    "three_ways": _experiment("three_ways", "three_ways", _FAST),
    "learning_rules": Picture(_figure(_learning), ("docs/learning_figure.py",)),
    "fitting": Picture(_figure(_fitting), ("docs/fitting_figure.py", f"{_FIGURES}/fitting.py")),
    # The run takes ten minutes of training and twenty of test images; its numbers are kept.
    "digits_conversion": Picture(
        _figure(_conversion), (f"{_FIGURES}/conversion.py", "analysis/digits_conversion.json")
    ),
    # Three trained networks, whose runs take ten minutes; the numbers are kept.
    "robustness": Picture(
        _figure(_robustness), (f"{_FIGURES}/robustness.py", "analysis/robustness.json")
    ),
    "performance": Picture(
        _figure(_performance), ("benchmarks/report.py", "benchmarks/results.json")
    ),
}  # fmt: skip


def rendered(figure: Figure) -> Image.Image:
    """A figure as the pictures of reports are: 200 dots per inch."""
    content = io.BytesIO()
    with style():
        figure.savefig(content, format="png", dpi=200, metadata={"Software": None})
    return Image.open(content)


def keep(name: str, picture: Figure | Image.Image) -> Path:
    """Write an image of the documentation, with the digest of what draws it."""
    image = rendered(picture) if isinstance(picture, Figure) else picture
    info = PngInfo()
    info.add_text(KEY, digest(name))
    path = IMAGES / f"{name}.png"
    image.convert("RGB").save(path, optimize=True, pnginfo=info)
    return path


def digest(name: str, root: Path = ROOT) -> str:
    """Hex digest (SHA-256) of what draws an image: names and contents of its sources."""
    found = hashlib.sha256()
    for source in sorted(_closure(PICTURES[name].sources, root)):
        text = (root / source).read_text(encoding="utf-8")
        found.update(f"{source}\n{len(text)}\n{text}".encode())
    return found.hexdigest()


def kept(name: str, images: Path = IMAGES) -> str | None:
    """The digest that an image was drawn with, if it has one."""
    with Image.open(images / f"{name}.png") as image:
        found = image.info.get(KEY)
    return found if isinstance(found, str) else None


def _closure(sources: Iterable[str], root: Path) -> set[str]:
    """Sources, and the modules of figures that they import, and those import."""
    found: set[str] = set()
    left = list(sources)
    while left:
        source = left.pop()
        if source in found:
            continue
        found.add(source)
        if source.endswith(".py"):
            tree = ast.parse((root / source).read_text(encoding="utf-8"))
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom) and node.module is not None:
                    path = node.module.replace(".", "/") + ".py"
                    if path.startswith(_FIGURES) and (root / path).is_file():
                        left.append(path)
    return found


def main(names: Iterable[str]) -> None:
    """Draw the images of these names; all of them if there are none."""
    for name in list(names) or list(PICTURES):
        if name not in PICTURES:
            sys.exit(f"there is no picture {name!r}; choose one of {', '.join(PICTURES)}")
        print(f"drawing {name}", flush=True)
        print(f"wrote {keep(name, PICTURES[name].draw(RUNS / name))}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
