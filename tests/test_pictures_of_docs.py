"""The images of README and docs are those that today's code and documents draw."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.report import performance_figure
from docs import pictures
from scnnbio.plasticity import RULES

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("name", sorted(path.stem for path in pictures.IMAGES.glob("*.png")))
def test_no_image_is_older_than_what_draws_it(name: str) -> None:
    assert name in pictures.PICTURES, f"docs/pictures.py does not say how {name} is made"
    drawn, today = pictures.kept(name), pictures.digest(name)
    assert drawn == today, f"older than what draws it: make pictures ONLY={name}"


def test_every_image_that_a_page_shows_is_there() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    shown = {
        Path(path).stem
        for page in pages
        for path in re.findall(r"!\[[^\]]*\]\(([^)]*\.png)\)", page.read_text(encoding="utf-8"))
    }
    assert shown == set(pictures.PICTURES)


def test_every_learning_rule_has_its_window_drawn() -> None:
    from docs.learning_figure import SHOWN

    assert {rule.kind for rule in SHOWN} == set(RULES)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """What says how the README's image looks, elsewhere."""
    for part in ("scnnbio/figures", "experiments", "models"):
        shutil.copytree(ROOT / part, tmp_path / part)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("scnnbio/figures/kernels.py", True),
        ("scnnbio/figures/style.py", True),  # by way of what the figure imports
        ("experiments/v1_features.toml", True),
        ("scnnbio/figures/euler.py", False),  # another figure
        ("experiments/adaptation.toml", False),
    ],
)
def test_a_change_of_what_draws_an_image_changes_its_digest(
    copied: Path, file: str, counts: bool
) -> None:
    before = pictures.digest("v1_features", copied)
    assert before == pictures.digest("v1_features")
    with (copied / file).open("a", encoding="utf-8") as text:
        text.write("# changed\n")
    assert (pictures.digest("v1_features", copied) != before) == counts


def test_an_image_keeps_its_digest_and_its_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "IMAGES", tmp_path)
    image = Image.effect_noise((20, 10), 50).convert("RGB")
    pictures.keep("adaptation", image)
    assert pictures.kept("adaptation", tmp_path) == pictures.digest("adaptation")
    with Image.open(tmp_path / "adaptation.png") as again:
        assert again.tobytes() == image.tobytes()
    image.save(tmp_path / "adaptation.png")
    assert pictures.kept("adaptation", tmp_path) is None


def test_the_demo_runs_what_draws_the_picture_of_the_readme() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (demo,) = re.findall(r"scnnbio (run \S+ --profile) \S+ --backend \S+ \$\(ARGS\)", makefile)
    profile, backend = (
        re.search(rf"{name}=\$\$\{{{name}:-([\w-]+)\}}; ?", makefile)
        for name in ("profile", "backend")
    )
    assert profile is not None
    assert backend is not None
    assert f"{demo} {profile[1]} --backend {backend[1]}" == pictures.DEMO


def test_verdicts_are_two_lines_with_both_numbers() -> None:
    def score(claim: str, verdict: str, measured: float, **seen: object) -> dict[str, object]:
        return {
            "claim": claim,
            "verdict": verdict,
            "value": measured,
            "prediction": {"median": measured},
            "observation": {"unit": "1", **seen},
        }

    told = pictures.verdicts(
        [
            score("ringach2002_nx_ny", "agrees", 0.203, counts=[1], chance_limit=0.219),
            score("evoked_rate", "disagrees", 13.4, unit="Hz", interval=[19.0, 55.0]),
            score("some_new_claim", "agrees", 0.368, value=0.605),
        ]
    )
    assert told == [
        "- Agrees: shapes of receptive fields (distance 0.20, chance allows 0.22); some new claim"
        " (0.37, published 0.605).",
        "- Disagrees: rate at the best grating (13 Hz, published 19 to 55 Hz).",
    ]


def test_the_readme_has_room_for_the_verdicts() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (between,) = re.findall(
        r"<!-- make pictures writes these lines -->\n(.*?)<!-- until here -->", text, re.DOTALL
    )
    assert [line.split(":")[0] for line in between.splitlines()] == [
        "- Agrees",
        "- Disagrees",
        "- Parameters were chosen by this, so its agreement shows nothing",
    ]


def test_the_benchmarks_figure_gives_the_time_step_a_unit() -> None:
    rows = json.loads((ROOT / "benchmarks/results.json").read_text(encoding="utf-8"))
    axes = performance_figure(rows).axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert len(names) == len({r["configuration"] for r in rows if r["part"] == "convolution"})
    assert all(re.search(r"dt (0\.1|1) ms, \d+ Hz$", name) for name in names)
