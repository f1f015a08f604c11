"""The experiment on simple and complex cells, run whole in its smallest profile."""

from __future__ import annotations

from pathlib import Path

import pytest

from scnnbio import workflow
from scnnbio.experiment import load
from scnnbio.figures import draw

FILE = Path(__file__).parents[1] / "experiments" / "v1_physiology.toml"


def test_claims_are_held_out_or_declared_as_choice() -> None:
    study = load(FILE)
    held_out = [bound for bound in study.claims if bound.used_for == "test"]
    assert len(study.claims) >= 25
    assert len(held_out) > len(study.claims) / 2
    assert {stage.name for stage in study.stages} == {bound.stage for bound in study.claims}


@pytest.mark.slow
def test_every_claim_can_be_judged_and_the_figure_is_drawn() -> None:
    # One SF, few orientations and repeats: too little to agree, enough for code to be there.
    results = workflow.judge(workflow.execute(load(FILE, profile="tiny"), "brian2-standalone"))
    lacking = {s.claim: s.reason for s in results.scores if s.verdict == "not applicable"}
    assert not lacking
    figure = draw("populations", results).figure
    # Published cells, and as many outlines as populations, in both histograms.
    for axes in figure.axes[:2]:
        assert len(axes.get_legend().get_texts()) == 3
    assert [text.get_text().split(" ")[0] for text in figure.axes[2].get_legend().get_texts()] == [
        "simple",
        "complex",
    ]
