"""Claims on recordings without a model, on mixtures, and what is told of what they measured."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from scnnbio.errors import SpecError
from scnnbio.experiment import ClaimBinding
from scnnbio.recording import Recording
from scnnbio.validation import (
    CLAIMS,
    AllWithin,
    Claim,
    Evidence,
    FractionAtMost,
    Measure,
    Measured,
    Median,
    Observation,
    judge_all,
    table,
)
from scnnbio.validation.claim import About, mixed
from scnnbio.validation.intervals import Positive
from scnnbio.validation.protocol import Protocol
from scnnbio.validation.registry import PUBLISHED
from scnnbio.validation.table import COLUMNS, measure_rows, write_rows
from tests.validation.v1_runs import (
    kernels,
    poisson_run,
    published_nx_ny,
    recorded,
    von_mises,
)


def renamed(recording: Recording, **names: str) -> Recording:
    """The recording with other names of populations."""
    return Recording(
        {names[name]: spikes for name, spikes in recording.spikes.items()},
        {names[name]: shape for name, shape in recording.shapes.items()},
        recording.trials,
    )


@pytest.mark.slow
def test_a_recording_alone_is_judged_as_a_run_is(tmp_path: Path) -> None:
    run = poisson_run(40.0)
    renamed(run.recording, v1="units").save(tmp_path / "recording.h5")
    laboratory = Recording.load(tmp_path / "recording.h5")
    for name in ("evoked_rate", "isi_cv", "fano_factor", "ringach2002_circular_variance"):
        model = CLAIMS[name].judge(run, population="v1")
        score = CLAIMS[name].judge(laboratory, population="units")
        assert score.verdict in ("agrees", "disagrees")
        assert dataclasses.replace(score, population=("v1",)) == model


def test_what_a_recording_alone_cannot_tell_is_not_applicable() -> None:
    recording = poisson_run(40.0).recording
    told = CLAIMS["exact_rate"].judge(recording, population="v1")
    assert (told.verdict, told.reason) == (
        "not applicable", "this needs a run; a recording alone does not hold its network"
    )  # fmt: skip
    assert "no projection" in CLAIMS["oriented_fraction"].judge(recording).reason
    assert "bound to none" in CLAIMS["evoked_rate"].judge(recording).reason
    bare = Recording(recording.spikes, recording.shapes, {"duration": recording.trials["duration"]})
    score = CLAIMS["fano_factor"].judge(bare, population="v1")
    assert score.verdict == "not applicable"
    assert score.reason.startswith("no trials of drifting gratings")


@dataclasses.dataclass(frozen=True, eq=False)
class Given(Measure):
    """Values that a test gives."""

    given: tuple[float, ...] = ()
    name: ClassVar[str] = "given"
    about: ClassVar[About] = "network"

    def of(self, evidence: Evidence) -> Measured:
        return Measured(np.array(self.given))


@pytest.mark.parametrize("rule", [AllWithin, Median, Positive])
def test_values_that_are_undefined_meet_no_claim(rule: type[Claim]) -> None:
    """NaN lies beyond no bound: of all rules, AllWithin agreed with values of which one was NaN."""
    recording = poisson_run(40.0).recording
    seen = Observation(quantity="a number", source="this test", interval=(0.0, 2.0))
    for values, verdict in (((1.0, 1.5), "agrees"), ((1.0, np.nan), "not applicable")):
        measure = Given(values * 10)
        score = rule(name="one", observation=seen, measure=measure, minimum=1).judge(recording)
        assert score.verdict == verdict
    assert score.reason == "given is undefined (NaN) for 10 of 20 values"


def test_agreement_of_a_claim_that_parameters_were_chosen_by_is_none() -> None:
    run, bound = poisson_run(40.0), ClaimBinding("evoked_rate", "gratings", ("v1",))
    chosen = dataclasses.replace(bound, used_for="choice")
    scores = judge_all([bound, chosen], {"gratings": Evidence(run)})
    assert [score.verdict for score in scores] == ["agrees", "chosen for"]
    assert scores[0].value == scores[1].value
    # Disagreement stays what it is.
    fast = judge_all([chosen], {"gratings": Evidence(poisson_run(90.0))})
    assert (fast[0].verdict, fast[0].used_for) == ("disagrees", "choice")


def test_a_window_is_used_or_refused() -> None:
    run, bound = poisson_run(40.0), ClaimBinding("evoked_rate", "s", ("v1",), window=(0.0, 250.0))
    score = CLAIMS["evoked_rate"].judge(run, bound=bound)
    wanted = CLAIMS["evoked_rate"].judge(Evidence(run, ("v1",), window=(0.0, 250.0)))
    assert score.value == wanted.value != CLAIMS["evoked_rate"].judge(run, population="v1").value
    used = {name for name, claim in CLAIMS.items() if claim.measure.windowed}
    assert used == {
        "ringach2002_circular_variance", "ringach2002_half_bandwidth", "evoked_rate", "isi_cv",
        "fano_factor", "encoding", "direction_selective", "direction_control",
        "complex_unmodulated", "simple_modulated",
        *(c.name for module in PUBLISHED for c in module.CLAIMS if c.measure.windowed),
    }  # fmt: skip
    with pytest.raises(SpecError, match="takes no window") as caught:
        CLAIMS["self_sustained"].check(bound, "claims[2]")
    assert caught.value.where == "claims[2].window"


# ------------------------------------------------------------------------------- mixtures


class OneOfPopulation(Measure):
    """1 per unit of a population named ones, else 0."""

    name: ClassVar[str] = "is_one"

    def of(self, evidence: Evidence) -> Measured:
        size = evidence.recording.size(evidence.population)
        return Measured(np.full(size, float(evidence.population == "ones")), {"left": 1})


@pytest.mark.parametrize(
    ("sizes", "shares", "counts"),
    [
        # The largest sample of 40 % zeros and 60 % ones: the ones are all taken, or the zeros.
        ((100, 90), (0.4, 0.6), (60, 90)),
        ((20, 90), (0.4, 0.6), (20, 30)),
    ],
)
def test_a_mixture_has_the_shares_of_its_populations(sizes, shares, counts) -> None:  # type: ignore[no-untyped-def]
    shapes = dict(zip(("zeros", "ones"), sizes, strict=True))
    recording = Recording({}, shapes, {"duration": [10.0]})
    claim = FractionAtMost(
        name="c", observation=Observation("share of zeros", "design", value=0.4),
        measure=OneOfPopulation(), below=0.5,
    )  # fmt: skip
    bound = ClaimBinding("c", "s", ("zeros", "ones"), shares=shares)
    claim.check(bound, "claims[0]")
    score = claim.judge(recording, bound=bound)
    assert (score.n, score.value) == (sum(counts), counts[0] / sum(counts))
    assert score.excluded == {"left": 2, "more than their population's share": sum(sizes) - score.n}
    one = dataclasses.replace(bound, shares=())
    with pytest.raises(SpecError, match="is about one population, not 2"):
        claim.check(one, "claims[0]")


def test_neurons_of_a_mixture_are_drawn_without_repetition() -> None:
    parts = [Measured(np.arange(50.0)), Measured(100.0 + np.arange(10.0), neurons=np.arange(7, 17))]
    found = mixed(parts, (0.5, 0.5), ("a", "b"))
    assert found.populations == ("a",) * 10 + ("b",) * 10
    assert found.neurons is not None
    assert len(set(found.values.tolist())) == 20
    np.testing.assert_array_equal(found.neurons[:10], found.values[:10])
    np.testing.assert_array_equal(found.neurons[10:], np.arange(7, 17))


# ------------------------------------------------------------------------------- the table


def test_the_table_has_every_neuron_and_their_quartiles(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    run = recorded(von_mises(rng.uniform(0.5, 3.0, 30), rng.uniform(0, 180, 30)), repeats=2)
    n_x, n_y = published_nx_ny(rng, 25)
    fitted = kernels(n_x=n_x, n_y=n_y, r_squared=np.where(np.arange(25) < 5, 0.5, 0.9))
    claims = [
        ClaimBinding("evoked_rate", "gratings", ("v1",)),
        ClaimBinding("ringach2002_half_bandwidth", "gratings", ("v1",)),
        ClaimBinding("ringach2002_nx_ny", "learn", projection="lgn_v1"),
        # Cannot be measured, and has no row.
        ClaimBinding("fano_factor", "gratings", ("v2",)),
        ClaimBinding("noise_control", "control", projection="lgn_v1"),
    ]
    evidence = {"learn": fitted, "gratings": Evidence(run)}
    write_rows(tmp_path / "measures.csv", measure_rows(claims, evidence))
    with (tmp_path / "measures.csv").open(newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    assert tuple(reader.fieldnames or ()) == COLUMNS
    assert len(rows) == 1 + 30 * 9 + 2 * 31 + 2 * 21
    rates = run.recording.counts("v1") / run.recording.trials["duration"][:, None] * 1e3
    mean, *each = [row for row in rows if row["measure"] == "mean_rate"]
    np.testing.assert_allclose([float(row["value"]) for row in each], rates.mean(axis=0))
    assert [int(row["neuron"]) for row in each] == list(range(270))
    quartiles = np.quantile(rates.mean(axis=0), [0.25, 0.5, 0.75])
    told = [float(mean[key]) for key in ("interval_low", "value", "interval_high")]
    np.testing.assert_allclose(told, quartiles)
    assert (mean["unit"], mean["n"], mean["stage"]) == ("Hz", "270", "gratings")
    assert (mean["population"], mean["neuron"]) == ("v1", "")
    # The unit at the middle of each map of 3 x 3, at its best grating.
    best = [row for row in rows if row["measure"] == "evoked_rate" and row["neuron"]]
    assert [int(row["neuron"]) for row in best] == [9 * k + 4 for k in range(30)]
    shape = [row for row in rows if row["measure"] == "log10_n_x"]
    assert shape[0]["population"] == "lgn_v1"
    np.testing.assert_allclose([float(r["value"]) for r in shape[1:]], np.log10(n_x[5:]))
    assert [int(r["neuron"]) for r in shape[1:]] == list(range(5, 25))


def test_one_measure_has_rows_for_each_window_and_choice_of_trials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before, the table had those of the first claim alone."""
    run = recorded(von_mises(np.full(4, 1.0), np.zeros(4)))
    known = CLAIMS["evoked_rate"]
    chosen = Protocol("half of the gratings", ("half",))
    other = dataclasses.replace(known, name="other", protocol=chosen)
    monkeypatch.setattr(
        table, "claim_named", lambda name: other if name == "other" else CLAIMS[name]
    )
    half = np.where(np.arange(run.recording.n_trials) % 2, np.nan, 1.0)
    trials = {**run.recording.trials, "half": half}
    run.recording = dataclasses.replace(run.recording, trials=trials)
    claims = [
        ClaimBinding("evoked_rate", "gratings", ("v1",)),
        ClaimBinding("evoked_rate", "gratings", ("v1",), window=(0.0, 500.0)),
        ClaimBinding("other", "gratings", ("v1",)),
    ]
    rows = [
        row for row in measure_rows([*claims, claims[0]], {"gratings": Evidence(run)})
        if row["measure"] == "evoked_rate" and row["neuron"] == ""
    ]  # fmt: skip
    assert [(row["stimulus"], row["window"]) for row in rows] == [
        (known.protocol.stimulus, ""), (known.protocol.stimulus, "0 to 500 ms"),
        ("half of the gratings", ""),
    ]  # fmt: skip


def test_a_median_of_infinite_values_is_infinite_and_no_warning() -> None:
    # A flat curve has no bandwidth, and counts as infinitely broad: 20 cells of 30.
    kappa = np.where(np.arange(30) < 10, 6.0, 0.0)
    evidence = Evidence(recorded(von_mises(kappa, np.zeros(30))))
    claims = [ClaimBinding("ringach2002_half_bandwidth", "gratings", ("v1",))]
    rows = measure_rows(claims, {"gratings": evidence})
    (row,) = [r for r in rows if r["measure"] == "half_bandwidth" and r["neuron"] == ""]
    assert np.isfinite(row["interval_low"])
    assert row["value"] == row["interval_high"] == np.inf
