"""Claims on neurons and backends, on runs whose verdict is known before."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from scnnbio import workflow
from scnnbio.experiment import load
from scnnbio.recording import Recording, Spikes
from scnnbio.validation import (
    CLAIMS,
    AllWithin,
    Covered,
    Evidence,
    Measure,
    Measured,
    Observation,
)
from scnnbio.validation.euler_stability import StepFactorError
from tests.validation.v1_runs import EMPTY

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


@dataclasses.dataclass(frozen=True, eq=False)
class Given(Measure):
    """Values that are given."""

    values: tuple[float, ...]

    def of(self, evidence: Evidence) -> Measured:
        return Measured(np.asarray(self.values, dtype=float))


def judged(kind, values, **observation):  # type: ignore[no-untyped-def]
    seen = Observation(quantity="q", source="closed form", **observation)
    claim = kind(name="c", observation=seen, measure=Given(values))
    return claim.judge(SimpleNamespace(recording=EMPTY, weights={}))


def of_document(study, name, run):  # type: ignore[no-untyped-def]
    """The score of a claim on a run, bound as the document says."""
    (bound,) = [bound for bound in study.claims if bound.claim == name]
    return CLAIMS[name].judge(run, bound=bound)


@pytest.mark.parametrize(
    ("values", "interval", "verdict", "farthest"),
    [
        ([0.99, 1.0, 1.02], (0.95, 1.05), "agrees", 1.02),
        ([0.9, 1.0, 1.06], (0.95, 1.05), "disagrees", 0.9),
        ([0.0, 0.0], (0.0, 0.0), "agrees", 0.0),
        ([1.2], (1.0, np.inf), "agrees", 1.2),
        ([0.7, 1.01], (-np.inf, 1.0), "disagrees", 1.01),
        ([np.inf, 1.2], (1.0, np.inf), "agrees", 1.2),
        ([np.inf, 0.5], (1.0, np.inf), "disagrees", 0.5),
    ],
)
def test_all_within(values, interval, verdict, farthest):  # type: ignore[no-untyped-def]
    score = judged(AllWithin, values, interval=interval)
    assert (score.verdict, score.value) == (verdict, farthest)
    ends = score.to_dict()["observation"]["interval"]
    assert ends == [end if np.isfinite(end) else None for end in interval]


def test_an_expected_value_outside_an_interval_disagrees() -> None:
    rows = [[1.05, 0.99, 1.12], [0.85, 0.77, 0.94]]
    assert judged(Covered, rows, value=1.0).verdict == "disagrees"
    assert judged(Covered, rows, value=1.0).value == 0.5
    assert judged(Covered, rows[:1], value=1.0).verdict == "agrees"


def test_nothing_to_hold_is_insufficient() -> None:
    assert judged(AllWithin, [], interval=(0.0, 1.0)).verdict == "insufficient data"


def test_what_another_study_has_not_is_not_applicable_and_no_crash() -> None:
    """Every claim of other documents, on the run of a network that is about something else."""
    study = load(EXPERIMENTS / "event_driven.toml", settings=["trials=1"])
    evidence = Evidence(workflow.execute(study, "reference").runs["quiet"])
    for name in ("euler_stability", "adaptation", "synaptic_filters", "shunting", "v1_features"):
        for bound in load(EXPERIMENTS / f"{name}.toml").claims:
            claim = CLAIMS[bound.claim]
            score = claim.judge(evidence, bound=bound)
            # Its network has kernels, of which none can be fitted.
            about = claim.measure.about
            none = "insufficient data" if about == "projection" else "not applicable"
            assert score.verdict in {none, "not applicable"}, bound.claim
            assert score.reason


# ------------------------------------------------------------------------ wrong on purpose


@pytest.fixture(scope="module")
def euler():  # type: ignore[no-untyped-def]
    settings = ["stages.constant_current.stimulus.duration=300 ms"]
    study = load(EXPERIMENTS / "euler_stability.toml", settings=settings)
    return study, workflow.execute(study, "reference").runs["constant_current"]


@pytest.mark.slow
def test_forward_euler_taken_for_the_exact_step_disagrees(euler) -> None:  # type: ignore[no-untyped-def]
    study, run = euler
    exchanged = {"still_euler": "still_exact", "firing_euler": "firing_exact"}
    exchanged |= {b: a for a, b in exchanged.items()}
    recording = Recording(
        {exchanged[name]: spikes for name, spikes in run.recording.spikes.items()},
        run.recording.shapes,
        run.recording.trials,
        {exchanged.get(n, n): signals for n, signals in run.recording.signals.items()},
    )
    wrong = Evidence(dataclasses.replace(run, recording=recording))
    names = ("euler_factor", "exact_factor", "euler_limit", "exact_rate")
    assert {of_document(study, name, run).verdict for name in names} == {"agrees"}
    assert {of_document(study, name, wrong).verdict for name in names} == {"disagrees"}


@pytest.mark.slow
def test_a_spike_that_the_reference_has_not_is_seen() -> None:
    settings = ["stages.grating.stimulus.duration=50 ms"]
    study = load(EXPERIMENTS / "v1_grating.toml", settings=settings)
    run = workflow.execute(study, "reference").runs["grating"]
    # As if another backend had given it.
    same = dataclasses.replace(run, provenance={**run.provenance, "backend": "brian2"})
    assert of_document(study, "reference_spikes", same).verdict == "agrees"
    spikes = run.recording.spikes["v1"]
    more = Spikes(np.r_[spikes.time, 20.0], np.r_[spikes.unit, 7], np.r_[spikes.trial, 0])
    recording = Recording(
        {**run.recording.spikes, "v1": more}, run.recording.shapes, run.recording.trials
    )
    score = of_document(study, "reference_spikes", dataclasses.replace(same, recording=recording))
    assert (score.verdict, score.value) == ("disagrees", 1.0)


@pytest.mark.slow
def test_a_network_that_falls_silent_is_not_self_sustained() -> None:
    settings = ["stages.self_sustained.stimulus.duration=150 ms"]
    study = load(EXPERIMENTS / "cuba.toml", settings=settings)
    run = workflow.execute(study, "brian2").runs["self_sustained"]
    score = of_document(study, "self_sustained", run)
    assert (score.verdict, score.n) == ("agrees", 2)
    # The same run, silenced from 100 ms on: no spike is left in its last fifth.
    early = {
        name: Spikes(s.time[s.time < 100], s.unit[s.time < 100], s.trial[s.time < 100])
        for name, s in run.recording.spikes.items()
    }
    cut = Recording(early, run.recording.shapes, run.recording.trials)
    score = of_document(study, "self_sustained", dataclasses.replace(run, recording=cut))
    assert (score.verdict, score.value) == ("disagrees", 0.0)


def test_input_drawn_at_other_rates_is_seen() -> None:
    settings = ["stages.grating.stimulus.duration=200 ms"]
    study = load(EXPERIMENTS / "v1_grating.toml", settings=settings)
    experiment = study.stages[0].experiment
    step, unit = experiment.input_spikes(0)

    def verdict(kept: slice) -> str:
        spikes = Spikes(step[kept] * experiment.dt, unit[kept], np.zeros(len(step[kept])))
        recording = Recording(
            {"lgn": spikes}, {"lgn": experiment.source.shape}, {"duration": [200.0]}
        )
        run = SimpleNamespace(experiment=experiment, recording=recording, weights={})
        return of_document(study, "input_spikes", run).verdict

    assert verdict(slice(None)) == "agrees"
    assert verdict(slice(0, None, 2)) == "disagrees"  # every second one is lost


def test_learned_thresholds_are_the_sum_of_their_steps() -> None:
    study = load(EXPERIMENTS / "many_presentations.toml", profile="tiny")
    run = workflow.execute(study, "reference").runs["learn"]
    assert of_document(study, "threshold_sum", run).verdict == "agrees"
    moved = {**run.weights, "v1": run.weights["v1"] + 0.02}  # one spike of one neuron
    assert (
        of_document(study, "threshold_sum", dataclasses.replace(run, weights=moved)).verdict
        == "disagrees"
    )
    beyond = {**run.weights, "lgn_v1": run.weights["lgn_v1"] * 2}
    assert of_document(
        study, "kernel_bounds", dataclasses.replace(run, weights=beyond)
    ).verdict == ("disagrees")


def test_a_measure_of_the_run_is_made_once() -> None:
    calls: list[object] = []

    def make(run: object) -> int:
        calls.append(run)
        return 3

    evidence = Evidence(SimpleNamespace(recording=EMPTY, weights={}))
    assert [evidence.once(make), evidence.once(make)] == [3, 3]
    assert calls == [evidence.run]


def test_populations_are_names_that_a_claim_binds(euler) -> None:  # type: ignore[no-untyped-def]
    found = StepFactorError().of(Evidence(euler[1], "still_exact"))
    assert np.abs(found.values).max() < 1e-9
