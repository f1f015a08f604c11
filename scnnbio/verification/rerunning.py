"""Run trials of finished stages again, and compare the results to the last bit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from scnnbio import backends
from scnnbio.errors import BackendMissing, ScnnbioError
from scnnbio.experiment import Experiment, Report, Run
from scnnbio.experiment.portions import Portion, independent
from scnnbio.recording import Recording, Snapshots, concatenate
from scnnbio.validation import registry
from scnnbio.values import same
from scnnbio.workflow.results import Results


@dataclass(frozen=True)
class Rerun:
    """Trials of a stage that ran again.

    Parameters
    ----------
    stage : str
    backend : str
    trials : tuple of int
    n_trials : int
        Of the whole stage.
    differences : tuple of str
        Where the results are not the stored ones, one line each.
    left_out : str
        Why the stage did not run; empty if it did.
    """

    stage: str
    backend: str
    trials: tuple[int, ...]
    n_trials: int
    differences: tuple[str, ...] = ()
    left_out: str = ""


def rerun(
    results: Results, trials: int, seed: int, everything: bool, report: Report | None = None
) -> Iterator[Rerun]:
    """Run some trials of each stage again, on the backend and with the options of the run.

    Parameters
    ----------
    results : Results
    trials : int
        Number of trials of each stage.
    seed : int
        Chooses them where the trials of a stage are independent.
    everything : bool
        Run all trials, and judge the claims again.
    report : callable, optional

    Yields
    ------
    Rerun
    """
    for number, (name, run) in enumerate(results.runs.items()):
        rng = np.random.default_rng([seed, number])
        count = run.experiment.n_trials if everything else min(trials, run.experiment.n_trials)
        yield _rerun(name, run, chosen(run.experiment, count, rng), report)
    if everything:
        yield from _judged_again(results)


def chosen(experiment: Experiment, count: int, rng: np.random.Generator) -> tuple[int, ...]:
    """Trials that run again: any where they are independent, otherwise the first ones."""
    if not independent(experiment):
        return tuple(range(count))
    return tuple(sorted(rng.choice(experiment.n_trials, count, replace=False).tolist()))


def _rerun(name: str, run: Run, trials: tuple[int, ...], report: Report | None) -> Rerun:
    known, experiment = run.provenance, run.experiment
    label, whole = str(known["backend"]), len(trials) == run.experiment.n_trials

    def tell(phase: str, done: float, total: float) -> None:
        if report is not None:
            report(f"{phase} (again, {name})", done, total)

    try:
        backend = backends.get(label, dict(known.get("options", {})))
        if lacking := backend.missing():
            raise BackendMissing(lacking, where=f"backend {label!r}")
        parts = [backend.run(part, tell) for part in _parts(experiment, trials)]
    except ScnnbioError as error:
        return Rerun(name, label, trials, experiment.n_trials, left_out=str(error))
    found = list(_differences(run, parts, trials, whole))
    if found and (newer := _other_versions(known["versions"], parts[0].provenance["versions"])):
        found.append(f"versions differ from those of the run: {newer}")
    return Rerun(name, label, trials, experiment.n_trials, tuple(found))


def _parts(experiment: Experiment, trials: tuple[int, ...]) -> list[Experiment]:
    """Portions of consecutive trials."""
    if len(trials) == experiment.n_trials:
        return [experiment]
    places = np.split(np.array(trials), np.flatnonzero(np.diff(trials) > 1) + 1)
    return [Portion.of(experiment, int(place[0]), len(place)) for place in places]


def _differences(run: Run, parts: list[Run], trials: tuple[int, ...], whole: bool) -> Iterator[str]:
    """Where the stored results differ from those of the same trials."""
    stored = run.recording.take(trials)
    again = concatenate([part.recording for part in parts])
    yield from _of_recordings(stored, again)
    for name in again.snapshots:
        one, other = (side.snapshots.get(name) for side in (stored, again))
        # Fewer trials may have their snapshots at other trials.
        if one is None or other is None or not _equal_at_common_trials(one, other, whole):
            yield f"snapshots of {name!r}"
    if not whole:
        return
    for name in dict.fromkeys((*run.weights, *parts[0].weights)):
        learned, anew = (side.weights.get(name) for side in (run, parts[0]))
        if learned is None or anew is None or not np.array_equal(learned, anew):
            yield f"weights of {name!r}"
    if run.provenance["input_spikes"] != parts[0].provenance["input_spikes"]:
        yield "number of input spikes"


def _of_recordings(stored: Recording, again: Recording) -> Iterator[str]:
    for column, values in again.trials.items():
        if column not in stored.trials or not same(stored.trials[column], values, kinds=False):
            yield f"column {column!r} of the table of trials"
    for name in again.spikes.keys() | stored.spikes.keys():
        one, other = (side.spikes.get(name) for side in (stored, again))
        if not _equal(one, other, ("time", "unit", "trial")):
            yield f"spikes of {name!r}"
    for name, signals in again.signals.items():
        for variable, signal in signals.items():
            before = stored.signals.get(name, {}).get(variable)
            if not _equal(before, signal, ("values", "unit", "trial", "time")):
                yield f"samples of {variable!r} of {name!r}"


def _equal(one: Any, other: Any, columns: tuple[str, ...]) -> bool:
    """Whether two parts of recordings are there, and equal in these arrays."""
    if one is None or other is None:
        return False
    return all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True) for name in columns
    )


def _equal_at_common_trials(one: Snapshots, other: Snapshots, whole: bool) -> bool:
    """Whether snapshots are equal at the trials at which both were taken."""
    if whole and not np.array_equal(one.trial, other.trial):
        return False
    _, ours, theirs = np.intersect1d(one.trial, other.trial, return_indices=True)
    return np.array_equal(one.values[ours], other.values[theirs], equal_nan=True)


def _other_versions(then: Mapping[str, str], now: Mapping[str, str]) -> str:
    return ", ".join(
        f"{name} {then[name]}, now {now[name]}"
        for name in then
        if name in now and now[name] != then[name]
    )


def _judged_again(results: Results) -> Iterator[Rerun]:
    """Scores, judged anew; the measures of kernels are those stored with the run."""
    anew = registry.judge_all(results.study.claims, results.evidence)
    pairs = zip(results.scores, anew, strict=False)
    wrong = [f"score of {n.claim!r}" for o, n in pairs if not same(o.to_dict(), n.to_dict())]
    if len(anew) != len(results.scores):
        wrong.append(f"{len(results.scores)} scores for {len(anew)} claims")
    yield Rerun("scores", "no simulation", (), len(anew), tuple(wrong))
