"""Comparisons of backends, among them backends that are wrong on purpose."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from scnnbio import backends, comparison
from scnnbio.comparison.plan import Comparison, PairResult
from scnnbio.connectors import ConvolutionConnector, LateralInhibitionConnector
from scnnbio.encoding import LGN, Encoding, LatencyCode
from scnnbio.errors import DataError, SpecError, UnsupportedError
from scnnbio.experiment import Experiment, Record, Stage, Study, load
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIBRARY
from scnnbio.population import Population, SpikeSource
from scnnbio.recording import Recording
from scnnbio.stimuli import WhiteNoise
from tests.experiment.small import study


@pytest.fixture(autouse=True)
def _faulty(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("forgetful", "shy", "picky"):
        place = f"tests.workflow.faulty:{name.capitalize()}"
        monkeypatch.setitem(backends.BACKENDS.own, name, place)


def ties() -> Study:
    """Integrators without leak, whose inputs of half a millivolt meet the threshold exactly."""
    connector = ConvolutionConnector(np.full((2, 2, 3, 3), 0.5), (2, 6, 6))
    layer = Population(
        "v1",
        connector.out_shape,
        LIBRARY["IF"],
        # -65 + n / 2 has no rounding.
        parameters={"v_rest": -65.0, "v_reset": -65.0, "v_thresh": [-63.0, -62.75]},
    )
    network = Network(
        (Population("lgn", (2, 6, 6), SpikeSource()), layer),
        (
            Projection("lgn", "v1", connector, weight=1.0, receptor="membrane"),
            Projection(
                "v1", "v1", LateralInhibitionConnector(layer.shape), weight=-0.25,
                receptor="membrane",
            ),
        ),
    )  # fmt: skip
    experiment = Experiment(
        network,
        WhiteNoise(n_trials=3, duration=40.0, frame=40.0),
        Encoding(LGN(normalisation_sigma=0), LatencyCode(budget=20, window=30.0)),
        Record(spikes=("lgn", "v1")),
        dt=0.5,
    )
    return Study("ties", (Stage(experiment, network),))


def compare(
    made: Study, *labels: str, steps: tuple[float, ...] = (), **options: object
) -> Comparison:
    stage, skip = options.get("stage"), bool(options.get("skip"))
    plan = comparison.plan_comparison(made, labels, steps, stage, skip=skip)  # type: ignore[arg-type]
    return comparison.compare(made, plan)


def verdicts_of(pair: PairResult) -> dict[str, str]:
    return {found.of: found.verdict for found in pair.verdicts}


def verdicts(result: Comparison) -> dict[str, str]:
    return {f"{found.subject} {found.of}": found.verdict for found in result.verdicts}


@pytest.mark.slow
def test_a_study_that_learns_on_two_backends() -> None:
    result = compare(study(), "reference", "brian2")
    assert [pair.stage for pair in result.pairs] == ["learn", "test", "fresh"]
    learn = {f"{k.subject} {k.of}": k for k in result.pairs[0].verdicts}
    assert set(learn) == {
        *("input lgn", "spikes v1"),
        *("weights lgn_v1", "weights v1", "signals v1.v", "signals v1.g"),
    }
    assert all(found.verdict == "agrees" for found in learn.values())
    assert {k.of: k.subject for k in result.pairs[1].verdicts} == {"lgn": "input", "v1": "spikes"}
    found = result.pairs[1].agreements["v1"]
    assert found.all_identical
    assert found.spikes[0] > 20
    assert result.sweeps == ()


def test_a_lost_spike_breaks_an_exact_promise() -> None:
    found = verdicts(compare(ties(), "reference", "forgetful"))
    assert found == {"input lgn": "agrees", "spikes v1": "disagrees"}


def test_a_lost_spike_is_no_rounding() -> None:
    result = compare(ties(), "reference", "forgetful:promise=rounding")
    assert verdicts(result)["spikes v1"] == "disagrees"
    first = result.pairs[0].first_differences[0]
    # The spike is lost from the recording alone: the neuron fired, and stands at its reset, 2 or
    # 2.25 mV below threshold.
    assert (first.fired, first.silent) == ("reference", "forgetful:promise=rounding")
    assert first.distance in (2.0, 2.25)


def test_a_lost_spike_is_within_a_statistical_promise() -> None:
    result = compare(ties(), "reference", "forgetful:promise=statistical")
    assert verdicts(result)["spikes v1"] == "agrees"
    ours, theirs = result.pairs[0].agreements["v1"].spikes
    assert theirs == ours - -(-ours // 100)


def test_options_that_change_nothing_are_held_to_that() -> None:
    labels = ("forgetful:promise=statistical", "forgetful:promise=rounding")
    found = {
        found.of: (found.promise, found.verdict) for found in compare(ties(), *labels).verdicts
    }
    assert found == {"lgn": ("exact", "agrees"), "v1": ("exact", "agrees")}


@pytest.mark.parametrize("labels", [("reference", "shy"), ("shy", "reference")])
def test_who_meets_the_threshold_exactly_may_differ(labels: tuple[str, str]) -> None:
    result = compare(ties(), *labels)
    pair = result.pairs[0]
    assert not pair.agreements["v1"].all_identical
    assert verdicts(result)["spikes v1"] == "agrees"
    # In all three trials, and each time it is shy that did not fire.
    assert {first.trial for first in pair.first_differences} == {0, 1, 2}
    assert {(first.fired, first.silent) for first in pair.first_differences} == {
        ("reference", "shy")
    }
    assert all(
        first.distance is not None and first.distance <= 1e-12 for first in pair.first_differences
    )
    earliest = {first.trial: first.time for first in pair.first_differences}
    alignment = pair.agreements["v1"].alignment
    for trial, time in earliest.items():
        for unit in np.flatnonzero(~alignment.identical[trial]):
            train = trial * pair.agreements["v1"].units + int(unit)
            assert alignment.first_difference(train)[0] >= time


def near_ties() -> Study:
    """As ``ties``, with inputs that many sums bring to -63 mV, but to the last digit."""
    made = ties().stages[0].experiment
    kernel = np.random.default_rng(0).choice([0.1, 0.2, 0.3, 0.7], size=(2, 2, 3, 3))
    lgn, v1 = made.network.populations
    alike = dataclasses.replace(v1, parameters={**v1.parameters, "v_thresh": -63.0})
    connector = ConvolutionConnector(kernel, lgn.shape)
    feed = Projection("lgn", "v1", connector, weight=1.0, receptor="membrane")
    experiment = dataclasses.replace(
        made,
        network=Network((lgn, alike), (feed, made.network.projections[1])),
        # Many inputs at each of a few instants.
        encoding=Encoding(LGN(normalisation_sigma=0), LatencyCode(budget=24, window=2.0)),
        stimulus=WhiteNoise(n_trials=40, duration=10.0, frame=10.0),
    )
    return Study("near-ties", (Stage(experiment, experiment.network),))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["brian2", pytest.param("nest", marks=pytest.mark.nest)])
def test_simulators_differ_where_sums_are_rounded_at_the_threshold_and_nowhere_else(
    name: str,
) -> None:
    if name == "nest":
        pytest.importorskip("nest")
    pair = compare(near_ties(), "reference", name).pairs[0]
    found = pair.agreements["v1"]
    # Both fire, and differ: each adds up what arrives together in an order of its own.
    assert found.spikes[0] > 500
    assert not found.all_identical
    assert {found.verdict for found in pair.verdicts} == {"agrees"}
    distances = [first.distance for first in pair.first_differences]
    # A few times the rounding of 65 mV, which is 1.4e-14.
    assert all(d is not None and 0 < d < 1e-13 for d in distances)


def test_where_trials_run_on_only_the_first_difference_counts() -> None:
    made = ties()
    running = dataclasses.replace(made.stages[0].experiment, reset=False)
    other = Study("ties", (Stage(running, made.stages[0].network),))
    pair = compare(other, "reference", "shy").pairs[0]
    assert {first.trial for first in pair.first_differences} == {pair.first_differences[0].trial}
    assert (~pair.agreements["v1"].alignment.identical).any(axis=1).sum() > 1


@pytest.mark.slow
def test_steps_see_the_same_input_and_the_finest_is_the_truth() -> None:
    result = compare(ties(), "reference", "brian2", steps=(1.0, 0.25, 0.5))
    assert list(result.plan.variants) == ["0.25 ms", "0.5 ms", "1 ms"]
    recorded = {
        variant: runs["run"].recording.spikes["lgn"] for (label, variant), runs in
        result.runs.items() if label == "brian2"
    }  # fmt: skip
    for spikes in recorded.values():
        np.testing.assert_array_equal(spikes.time, recorded["1 ms"].time)
        np.testing.assert_array_equal(spikes.unit, recorded["1 ms"].unit)
    assert {pair.dt for pair in result.pairs} == {0.25, 0.5, 1.0}
    assert set(verdicts(result).values()) == {"agrees"}
    assert [(s.backend, s.exact) for s in result.sweeps] == [
        ("reference", "reference at 0.25 ms"), ("brian2", "brian2 at 0.25 ms"),
    ]  # fmt: skip
    np.testing.assert_array_equal(result.sweeps[0].convergence.dt, [1.0, 0.5])


def test_the_event_driven_solution_is_the_truth_where_it_is_there() -> None:
    result = compare(ties(), "reference", "event-driven", steps=(1.0, 0.5))
    assert [(s.backend, s.exact, s.convergence.dt.tolist()) for s in result.sweeps] == [
        ("reference", "event-driven", [1.0, 0.5])
    ]
    # It has no step, and is not solved twice.
    runs = [runs["run"] for (label, _), runs in result.runs.items() if label == "event-driven"]
    assert runs[0] is runs[1]
    # Its promise is about steps of 0.1 ms.
    assert verdicts(result)["spikes v1"] == "not applicable"
    # Without leak, a spike is fired the moment that its last input arrives, on a grid as without.
    assert result.pairs[0].agreements["v1"].all_identical


def test_one_backend_at_two_steps_is_a_comparison() -> None:
    result = compare(ties(), "reference", steps=(1.0, 0.5))
    assert (result.pairs, len(result.sweeps)) == ((), 1)


def test_layers_that_the_study_does_not_record_are_compared_too() -> None:
    made = ties()
    unseen = dataclasses.replace(made.stages[0].experiment, record=Record())
    result = compare(Study("ties", (Stage(unseen, made.stages[0].network),)), "reference", "shy")
    assert verdicts(result) == {"input lgn": "agrees", "spikes v1": "agrees"}
    assert result.pairs[0].first_differences


def test_one_stage_starts_from_what_the_reference_learned() -> None:
    result = compare(study(), "reference", "brian2", stage="test")
    assert result.plan.prerequisites == ("learn",)
    assert [pair.stage for pair in result.pairs] == ["test"]
    theirs = result.runs["brian2", ""]
    assert set(theirs) == {"learn", "test"}
    assert theirs["learn"] is result.runs["reference", ""]["learn"]
    assert [place for place, _ in result.distinct_runs()] == [
        *(("reference", "", "learn"), ("reference", "", "test"), ("brian2", "", "test")),
    ]


@pytest.mark.slow
def test_what_cannot_run_is_listed_and_skipped_on_demand() -> None:
    plan = comparison.plan_comparison(study(), ("picky", "reference", "brian2"))
    refused = comparison.refusals(plan)
    assert list(refused) == [("picky", "")]
    assert [r.feature for r in refused["picky", ""]] == ["learns", "is 0.25 ms"]
    with pytest.raises(UnsupportedError, match="not available on picky: network: learns"):
        comparison.compare(study(), plan)
    result = comparison.compare(study(), dataclasses.replace(plan, skip=True))
    # Whoever comes next is the reference.
    assert {(pair.reference, pair.other) for pair in result.pairs} == {("reference", "brian2")}
    with pytest.raises(UnsupportedError):
        compare(study(), "reference", "picky", skip=True)


@pytest.mark.parametrize("labels", [("virtual", "reference"), ("reference", "virtual")])
def test_what_only_maps_is_refused_before_anything_runs(labels: tuple[str, str]) -> None:
    names = [label.replace("virtual", "spinnaker:target=virtual") for label in labels]
    plan = comparison.plan_comparison(ties(), names)
    ((label, _),) = comparison.refusals(plan)
    assert label == "spinnaker:target=virtual"
    with pytest.raises(UnsupportedError, match="maps the network and does not simulate") as caught:
        comparison.compare(ties(), plan)
    assert "target=emulated" in str(caught.value)


def test_a_backend_may_take_some_of_the_steps() -> None:
    result = compare(ties(), "reference", "picky", steps=(0.5, 1.0), skip=True)
    assert [(pair.other, pair.dt) for pair in result.pairs] == [("picky", 0.5)]
    assert list(result.refused) == [("picky", "1 ms")]


WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "one backend": (
        lambda: compare(ties(), "reference"),
        "1 backend given; name two backends",
    ),
    "twice": (lambda: compare(ties(), "brian2", "brian2"), "is listed twice"),
    "alike": (lambda: compare(ties(), "brian2", steps=(0.1, 0.10000001)), "is listed twice"),
    "unknown": (
        lambda: compare(ties(), "brian2", "brain2"),
        "there is no backend 'brain2'; did you mean",
    ),
    "option": (lambda: compare(ties(), "brian2", "shy:x=1"), "there is no option 'x'"),
    "no option": (lambda: compare(ties(), "brian2", "shy:x"), "'x' is not a setting"),
    "stage": (
        lambda: compare(study(), "reference", "brian2", stage="tst"),
        "--stage: there is no stage 'tst'; did you mean 'test'",
    ),
    "step": (
        lambda: compare(ties(), "reference", "brian2", steps=(0.3, 0.6)),
        "--dt 0.3, stages.run.projection 'lgn_v1'.delay: 1.0 ms is not a whole number of steps",
    ),
    "steps of no common grid": (
        lambda: compare(ties(), "reference", "brian2", steps=(0.2, 0.5)),
        "--dt 0.2, stages.run.input_dt: 0.5 ms is not a whole number of steps of 0.2 ms",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_compared_is_said(name: str) -> None:
    call, part = WRONG[name]
    with pytest.raises(SpecError) as caught:
        call()
    assert part in str(caught.value)


@pytest.mark.slow
def test_the_folder_holds_what_was_measured(tmp_path: Path) -> None:
    made, place = ties(), tmp_path / "out"
    plan = comparison.plan_comparison(made, ("reference", "shy", "event-driven"), (1.0, 0.5))
    result = comparison.run_comparison(made, plan, place)
    table = json.loads((place / "compare.json").read_text())
    assert [(p["other"], p["dt"]) for p in table["pairs"]] == [
        ("shy", 0.5), ("event-driven", 0.5), ("shy", 1.0), ("event-driven", 1.0),
    ]  # fmt: skip
    assert table["pairs"][0]["populations"]["v1"] == result.pairs[0].agreements["v1"].to_dict()
    assert table["pairs"][0]["promises"][1]["verdict"] == "agrees"
    assert table["pairs"][0]["first_differences"][0]["silent"] == "shy"
    assert [s["backend"] for s in table["sweeps"]] == ["reference", "shy"]
    recording = Recording.load(place / "recordings" / "run_shy_0.5ms.h5")
    assert recording.equals(result.runs["shy", "0.5 ms"]["run"].recording)
    assert load(place / "experiment.toml").experiments[0].digest() == made.experiments[0].digest()
    names = {path.name for path in (place / "figures").iterdir()}
    endings = ("png", "pdf", "csv")
    assert names == {f"{name}.{end}" for name in ("agreement", "steps_run_v1") for end in endings}
    page = (place / "report.html").read_text()
    for part in ("Promises", "Where spikes begin to differ", "Victor-Purpura", "Time steps"):
        assert part in page
    assert "SPIKE distance is absent" in page
    assert 'id="claims"' not in page


@pytest.mark.slow
def test_a_folder_appears_whole_and_replaces_comparisons_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = ties()
    plan = comparison.plan_comparison(made, ("reference", "shy"))
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text("{}")
    with pytest.raises(DataError, match="is not the folder of a comparison"):
        comparison.run_comparison(made, plan, tmp_path / "run", replace=True)
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "compare.json").write_text("{}")

    def fail(*_: object, **__: object) -> None:
        raise DataError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("scnnbio.figures.render_report", fail)
        with pytest.raises(DataError, match="disk is full"):
            comparison.run_comparison(made, plan, tmp_path / "old", replace=True)
    assert [p.name for p in (tmp_path / "old").iterdir()] == ["compare.json"]
    # What a killed one left goes on the way.
    (tmp_path / ".old.x" / ".kept").mkdir(parents=True)
    (tmp_path / ".old.x" / ".kept" / "lock").touch()
    comparison.run_comparison(made, plan, tmp_path / "old", replace=True)
    assert (tmp_path / "old" / "report.html").exists()
    assert not (tmp_path / "old" / ".kept").exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["old", "run"]


def test_what_is_not_known_of_a_difference_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("scnnbio.comparison.first_differences._SAMPLES", 10)
        result = compare(ties(), "reference", "shy")
    assert verdicts(result)["spikes v1"] == "insufficient data"
    reasons = {first.reason for first in result.pairs[0].first_differences}
    assert reasons == {
        f"{len(result.pairs[0].first_differences)} first differences need too many samples"
    }


def test_the_last_step_of_a_trial_is_not_sampled() -> None:
    made = ties().stages[0].experiment
    # Inputs of 3.5 and 4 ms arrive at 4.5 ms and at 5 ms, where the trial ends.
    code = LatencyCode(budget=8, window=0.5, onset=3.5)
    short = dataclasses.replace(
        made,
        stimulus=WhiteNoise(n_trials=30, duration=5.0, frame=5.0),
        encoding=Encoding(LGN(normalisation_sigma=0), code),
    )
    pair = compare(Study("short", (Stage(short, short.network),)), "reference", "shy").pairs[0]
    late = [first for first in pair.first_differences if first.time == 5.0]
    assert late
    assert {first.reason for first in late} == {"the last step of a trial is not sampled"}
    assert verdicts_of(pair)["v1"] == "insufficient data"
