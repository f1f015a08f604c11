"""Every experiment that is shipped has its figure and its checks, and they are made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scnnbio import workflow
from scnnbio.experiment import load
from scnnbio.figures import FIGURES, draw_all
from scnnbio.validation import CLAIMS, registry

FILES = sorted((Path(__file__).parents[1] / "experiments").glob("*.toml"))


def test_there_are_experiments() -> None:
    assert len(FILES) >= 9


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_has_a_claim_and_a_figure_of_its_stages(file: Path) -> None:
    study = load(file)
    stages = {stage.name for stage in study.stages}
    assert study.claims
    registry.check(study.claims)
    for bound in study.claims:
        claim = CLAIMS[bound.claim]
        assert claim.observation.source
        assert claim.observation.quantity
        json.dumps(claim.observation.describe(), allow_nan=False)
    shown = [
        spec.name
        for spec in FIGURES.values()
        if {need.partition(".")[0] for need in spec.needs} <= stages
    ]
    assert shown


@pytest.mark.slow
def test_every_claim_is_judged_somewhere() -> None:
    used = {bound.claim for file in FILES for bound in load(file).claims}
    # The published properties are judged in tests/validation/test_battery.py and test_published.py.
    published = {claim.name for module in registry.PUBLISHED for claim in module.CLAIMS}
    # "encoding" needs a recording: tests/validation/test_encoding_claim.py.
    assert used | published | {"encoding"} == set(CLAIMS)


#: Profile, settings, backend, and claims that so short a run leaves unjudged.
QUICK = {
    "euler_stability": ("", ["stages.constant_current.stimulus.duration=300 ms"], "reference", ()),
    "event_driven": ("", ["trials=3"], "reference", ()),
    "v1_grating": (
        "", ["stages.grating.stimulus.duration=100 ms"], "reference", ("reference_spikes",)
    ),
    "many_presentations": ("tiny", [], "reference", ()),
    "stdp_drift": ("tiny", [], "reference", ()),
    "sharing_snr": ("tiny", [], "brian2", ()),
    "events_features": ("tiny", [], "reference", ()),
    "motifs": ("tiny", [], "brian2", ()),
    "digits_stdp": ("tiny", [], "brian2", ("goupy2023_mnist",)),
    "digits_conversion": ("tiny", [], "torch", ()),
    "digits_surrogate": ("tiny", [], "torch", ("surrogate_mnist",)),
}  # fmt: skip
SLOW = {
    "adaptation": ("", [], "brian2", ()),
    "code_task": ("tiny", [], "brian2", ()),
}
#: A minute, in `make validate`.
LONG = {"synaptic_filters": ("tiny", [], "brian2", ())}
#: Closed forms of what a long run settles to; the others hold from the first step.
SLOWLY = ("equal_wins", "sharing_snr", "kernels_settled", "filter_gain", "filter_phase")
RUNS = [
    *(pytest.param(name, *row, id=name) for name, row in QUICK.items()),
    *(pytest.param(name, *row, id=name, marks=pytest.mark.slow) for name, row in SLOW.items()),
    *(pytest.param(name, *row, id=name, marks=pytest.mark.validate) for name, row in LONG.items()),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "profile", "settings", "backend", "unjudged"), RUNS)
def test_a_short_run_is_judged_and_drawn(
    name: str, profile: str, settings: list[str], backend: str, unjudged: tuple[str, ...]
) -> None:
    if backend == "torch":
        pytest.importorskip("torch")
    file = next(file for file in FILES if file.stem == name)
    study = load(file, profile=profile or None, settings=settings)
    results = workflow.judge(workflow.execute(study, backend))
    for score in results.scores:
        if score.claim in unjudged:
            assert score.verdict == "not applicable"
        else:
            assert score.verdict in ("agrees", "disagrees"), f"{score.claim}: {score.reason}"
        if score.source.startswith("closed form") and score.claim not in SLOWLY:
            assert score.verdict == "agrees", f"{score.claim}: {score.reason}"
    drawn, _ = draw_all(results)
    assert drawn
