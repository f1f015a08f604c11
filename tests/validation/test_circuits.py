"""Experiments on circuits, as short as they run: every claim finds what it is about."""

from __future__ import annotations

import pytest

from scnnbio import workflow
from scnnbio.experiment import load
from scnnbio.validation.weight_sharing import ways

NAMES = [
    "cross_orientation",
    "sparse_codes",
    pytest.param("simple_complex", marks=pytest.mark.slow),
    pytest.param("surround", marks=pytest.mark.slow),
]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_claim_finds_its_trials(name: str) -> None:
    study = load(name, profile="tiny")
    results = workflow.judge(workflow.execute(study, "reference"))
    for score in results.scores:
        # So short a run leaves few values, but none of them is missing.
        assert score.verdict != "not applicable", f"{score.claim}: {score.reason}"


@pytest.mark.slow
def test_shared_kernels_are_one_kernel_and_others_are_not() -> None:
    results = workflow.judge(workflow.execute(load("weight_sharing", profile="tiny"), "reference"))
    found = ways(results.evidence["sharing"])
    # All 4 places share in "strict" and in no other way, since a region has one place.
    assert found["strict"].invariance == pytest.approx([1.0] * 4, abs=1e-9)
    assert abs(found["none"].invariance.mean()) < 0.5
    assert found["none"].kernels.shape == found["strict"].kernels.shape == (4, 4, 7, 7)
    assert found["strict"].trial[0] == 0.0  # before learning
    judged = {score.claim: score.verdict for score in results.scores}
    assert judged["shared_kernel_everywhere"] == "agrees"
