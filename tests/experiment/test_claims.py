"""Claims of a document: what each is bound to, and what is refused."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from scnnbio.errors import SpecError
from scnnbio.experiment import ClaimBinding, load, study_from
from scnnbio.experiment.claims import claim_table, claims_from
from tests.experiment.small import study

FILE = Path(__file__).parents[2] / "experiments" / "v1_features.toml"
DOCUMENT = tomllib.loads(FILE.read_text(encoding="utf-8"))

WRONG = [
    ("isi_cv", "claims", "not a list"),
    ([3], "claims[0]", "not a table"),
    (["isi_cv"], "claims[0]", 'write { claim = "isi_cv", stage = "..."'),
    ([{"claim": "isi_cv"}], "claims[0]", "'stage' is missing"),
    ([{"claim": "a", "stage": "lern"}], "claims[0].stage", "did you mean 'learn'"),
    (
        [{"claim": "a", "stage": "learn", "population": "v2"}],
        "claims[0].population", "no population 'v2'",
    ),
    (
        [{"claim": "a", "stage": "learn", "projection": "lgn-v1"}],
        "claims[0].projection", "did you mean 'lgn_v1'",
    ),
    (
        [{"claim": "a", "stage": "learn", "used_for": "fit"}],
        "claims[0].used_for", '"test" or "choice"',
    ),
    (
        [{"claim": "a", "stage": "learn", "population": {"lgn": 0.5, "v1": 0.6}}],
        "claims[0].shares", "sum to 1",
    ),
    ([{"claim": "a", "stage": "learn"}] * 2, "claims[1]", "listed twice"),
    (
        [{"claim": "a", "stage": "learn", "population": ["v1", "v1"]}],
        "claims[0].population", "twice",
    ),
    ([{"claim": "a", "stage": "learn", "windw": [0, 1]}], "claims[0]", "did you mean 'window'"),
    ([{"claim": "a", "stage": "learn", "window": [5, 1]}], "claims[0].window", "1"),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "where", "words"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_told_with_its_path(rows: Any, where: str, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        study_from({**DOCUMENT, "claims": rows}, profile="tiny")
    assert caught.value.where == where
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("row", "bound"),
    [
        ({"population": "v1"}, {"population": ("v1",)}),
        ({"population": ["lgn", "v1"]}, {"population": ("lgn", "v1")}),
        (
            {"population": {"simple": 0.4, "complex": 0.6}},
            {"population": ("simple", "complex"), "shares": (0.4, 0.6)},
        ),
        (
            {"projection": "lgn_v1", "used_for": "choice"},
            {"projection": "lgn_v1", "used_for": "choice"},
        ),
        (
            {"population": "v1", "window": ["0.1 s", 500]},
            {"population": ("v1",), "window": (100.0, 500.0)},
        ),
    ],
)  # fmt: skip
def test_a_row_binds_a_claim_and_is_written_back(row: dict[str, Any], bound: Any) -> None:
    named = {"claim": "isi_cv", "stage": "gratings"}
    (made,) = claims_from([named | row])
    assert made == ClaimBinding(**named, **bound)
    assert claims_from([claim_table(made)]) == (made,)


def test_the_same_claim_may_be_about_several_things() -> None:
    rows = [
        {"claim": "oriented_fraction", "stage": stage, "projection": "lgn_v1"}
        for stage in ("learn", "control")
    ]
    made = study_from({**DOCUMENT, "claims": rows}, profile="tiny")
    assert [bound.about for bound in made.claims] == ["learn: lgn_v1", "control: lgn_v1"]


def test_claims_are_saved_with_their_study(tmp_path: Path) -> None:
    made = study()
    assert made.claims[1].shares == (0.25, 0.75)
    made.save(tmp_path / "own.toml")
    assert load(tmp_path / "own.toml").claims == made.claims
