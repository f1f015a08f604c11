"""Runs of one experiment on several backends and time steps, judged pair by pair."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from scnnbio import backends
from scnnbio.analysis.agreement import Agreement, Settings, agreement, largest_signal_difference
from scnnbio.analysis.convergence import convergence
from scnnbio.analysis.paired import paired_rate
from scnnbio.backends.choices import Choice
from scnnbio.backends.promises import Promise, UnlessAtThreshold, weaker
from scnnbio.comparison.first_differences import first_differences, with_distances
from scnnbio.comparison.plan import (
    Comparison,
    PairResult,
    Place,
    Plan,
    Refusals,
    Sweep,
)
from scnnbio.comparison.verdicts import FirstDifference, PromiseVerdict, judge_numbers, judge_spikes
from scnnbio.errors import BackendMissing, SpecError, Unsupported, UnsupportedError
from scnnbio.experiment import Experiment, Report, Run, Study, documents
from scnnbio.experiment.documents import choose
from scnnbio.workflow.main import draw_one_trial


def plan_comparison(
    study: Study,
    labels: Sequence[str],
    steps: Sequence[float] = (),
    stage: str | None = None,
    *,
    skip: bool = False,
) -> Plan:
    """Plan the runs of a comparison.

    Parameters
    ----------
    study : Study
    labels : sequence of str
        Backends, the reference first; ``"nest:threads=2"`` gives an option.
    steps : sequence of float
        Time steps in ms, in place of the study's own. Input spikes are drawn on the coarsest grid,
        so that all runs get the same input.
    stage : str, optional
        Compare this stage only; all stages by default. Earlier stages that it takes weights from
        run once, on the reference.
    skip : bool
        Leave out backends that cannot run the study, and compare the others.

    Returns
    -------
    Plan

    Raises
    ------
    SpecError
        If there are fewer than two backends or time steps to compare, a name is unknown or
        repeated, or a time step does not fit the study.
    """
    choices = tuple(Choice(label) for label in labels)
    # By the names of time steps, which have six digits.
    if len(set(labels)) < len(labels) or len({f"{dt:g}" for dt in steps}) < len(steps):
        raise SpecError(
            "a backend or a time step is listed twice; list each once", where="--backends, --dt"
        )
    if len(choices) < 2 and len(steps) < 2:
        raise SpecError(
            f"{len(choices)} backend given; name two backends, or two time steps with --dt",
            where="--backends",
        )
    prerequisites: list[str] = []
    if stage is not None:
        stages = {s.name: s for s in study.stages}
        source = choose(stages, stage, "stage", "--stage").weights_from
        while source is not None:
            prerequisites.insert(0, source)
            source = stages[source].weights_from
    compared = tuple(s.name for s in study.stages) if stage is None else (stage,)
    whole = _recording_all(study)
    variants = {f"{dt:g} ms": _at(whole, dt, steps) for dt in sorted(steps)} or {"": whole}
    return Plan(choices, variants, compared, tuple(prerequisites), skip)


def _recording_all(study: Study) -> Study:
    """The study with the spikes of every population recorded.

    A first difference must have no earlier cause, which an unrecorded population could hide.
    """
    stages = []
    for stage in study.stages:
        if stage.experiment.training is not None:  # it records nothing
            stages.append(stage)
            continue
        names = tuple(p.name for p in stage.network.populations)
        record = dataclasses.replace(stage.experiment.record, spikes=names)
        experiment = dataclasses.replace(stage.experiment, record=record)
        stages.append(dataclasses.replace(stage, experiment=experiment))
    return dataclasses.replace(study, stages=tuple(stages))


def _at(study: Study, dt: float, steps: Sequence[float]) -> Study:
    """The study with another time step, and input drawn on the coarsest grid."""
    stages = []
    for stage in study.stages:
        grid = stage.experiment.input_dt or max(steps)
        try:
            experiment = dataclasses.replace(stage.experiment, dt=dt, input_dt=grid)
        except SpecError as error:
            where = documents.continued(f"--dt {dt:g}, stages.{stage.name}", error.where)
            raise SpecError(error.message, where=where) from None
        stages.append(dataclasses.replace(stage, experiment=experiment))
    return dataclasses.replace(study, stages=tuple(stages))


def refusals(plan: Plan) -> Refusals:
    """Find what cannot be run, without simulating.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    mapping of (str, str) to tuple of Unsupported
        Reasons by backend and time step; those that can run have no entry.

    Raises
    ------
    SpecError, DataError
        If the study is wrong, whatever the backend.
    """
    found: dict[Place, tuple[Unsupported, ...]] = {}
    for variant in plan.variants:
        for stage in plan.stages(variant, plan.prerequisites + plan.compared):
            draw_one_trial(stage.experiment)
        # The first backend that can run the prerequisites does so for all.
        names = plan.prerequisites + plan.compared
        for choice in plan.choices:
            experiments = [stage.experiment for stage in plan.stages(variant, names)]
            reasons = _reasons(choice, experiments)
            if reasons:
                found[choice.label, variant] = reasons
            else:
                names = plan.compared
    return found


def _reasons(choice: Choice, experiments: Sequence[Experiment]) -> tuple[Unsupported, ...]:
    try:
        target = choice.backend()
    except BackendMissing as error:
        return (Unsupported("installation", "is not complete", error.message),)
    silent = target.no_spikes()
    reasons = [] if silent is None else [silent]
    reasons += [reason for e in experiments for reason in target.unsupported(e)]
    if not reasons and target.missing():
        reasons = [Unsupported("installation", "is not complete", target.missing())]
    return tuple(dict.fromkeys(reasons))


def compare(study: Study, plan: Plan, report: Report | None = None) -> Comparison:
    """Run a plan, and measure the agreement of its runs.

    Parameters
    ----------
    study : Study
        As it was loaded.
    plan : Plan
    report : callable, optional

    Returns
    -------
    Comparison

    Raises
    ------
    UnsupportedError
        If a backend cannot run the study, or fewer than two backends or time steps remain.
    """
    refused = refusals(plan)
    left = [
        (choice.label, variant)
        for variant in plan.variants
        for choice in plan.choices
        if (choice.label, variant) not in refused
    ]
    if (refused and not plan.skip) or len(left) < 2:
        names = ", ".join(dict.fromkeys(label for label, _ in refused))
        raise UnsupportedError(names, [r for reasons in refused.values() for r in reasons])
    targets = {c.label: c.backend() for c in plan.choices if any(c.label == n for n, _ in left)}
    runs: dict[Place, dict[str, Run]] = {}
    for variant in plan.variants:
        _run_variant(plan, variant, left, targets, runs, report)
    pairs = tuple(_pairs(plan, runs, targets, report))
    sweeps = tuple(_sweeps(plan, runs, targets))
    return Comparison(study, plan, runs, refused, pairs, sweeps)


def _run_variant(
    plan: Plan,
    variant: str,
    left: Sequence[Place],
    targets: Mapping[str, backends.Backend],
    runs: dict[Place, dict[str, Run]],
    report: Report | None,
) -> None:
    """Run all backends at one time step, and add their runs to ``runs``."""
    learned: dict[str, Run] = {}
    for label in [label for label, where in left if where == variant]:
        known = None if targets[label].grid else _without_a_grid(label, plan, runs)
        done = dict(learned)
        for stage in plan.stages(
            variant, plan.compared if learned else plan.prerequisites + plan.compared
        ):
            tell = _prefixed(report, " ".join(filter(None, (label, variant, stage.name))))
            if known is None:
                done[stage.name] = targets[label].run(stage.ready(done), tell)
            else:
                done[stage.name] = known[stage.name]
        learned = {name: done[name] for name in plan.prerequisites}
        runs[label, variant] = done


def _without_a_grid(
    label: str, plan: Plan, runs: Mapping[Place, dict[str, Run]]
) -> dict[str, Run] | None:
    """An earlier run of a backend without a time step, whose result does not depend on it."""
    sampled = any(e.record.signals for e in next(iter(plan.variants.values())).experiments)
    if plan.prerequisites or sampled:
        return None
    return next((run for (name, _), run in runs.items() if name == label), None)


def _prefixed(report: Report | None, where: str) -> Report:
    def tell(phase: str, done: float, total: float) -> None:
        if report is not None:
            report(f"{where}: {phase}", done, total)

    return tell


def _pairs(
    plan: Plan,
    runs: Mapping[Place, Mapping[str, Run]],
    targets: Mapping[str, backends.Backend],
    report: Report | None,
) -> Iterator[PairResult]:
    """Compare every backend with the first, by time step and stage."""
    for variant in plan.variants:
        labels = [label for label, where in runs if where == variant]
        for other in labels[1:]:
            for stage in plan.compared:
                names = (labels[0], other)
                two = {label: runs[label, variant][stage] for label in names}
                yield judge_pair(two, {n: targets[n] for n in names}, stage, plan.settings, report)


def judge_pair(
    two: Mapping[str, Run],
    targets: Mapping[str, backends.Backend],
    stage: str,
    settings: Settings,
    report: Report | None = None,
) -> PairResult:
    """Judge whether two runs of one experiment agree as far as both backends promise.

    Parameters
    ----------
    two, targets : mapping of str to Run, and of str to Backend
        By label, the reference first.
    stage : str
        Name of the stage.
    settings : Settings
        Settings of the measures.
    report : callable, optional

    Returns
    -------
    PairResult
    """
    names = (next(iter(two)), list(two)[1])
    ours, theirs = two.values()
    # A run without a grid may have any dt; the promise concerns the other run's grid.
    experiment = max((run.experiment for run in two.values()), key=lambda e: e.dt)
    found = {
        name: agreement(ours.recording, theirs.recording, name, settings)
        for name in experiment.record.spikes
    }
    spikes = _promise("spikes", targets, experiment)
    network = experiment.network
    neurons = {n: one for n, one in found.items() if not network.population(n).is_source}
    first: tuple[FirstDifference, ...] = ()
    differs = not all(one.all_identical for one in neurons.values())
    if differs and isinstance(spikes, UnlessAtThreshold):
        first = first_differences(neurons, experiment, names)
        first = with_distances(first, two, targets, _prefixed(report, "first differences"))
    verdicts = [
        judge_spikes(
            spikes if name in neurons else _promise("input", targets, experiment),
            one,
            experiment.dt,
            first,
        )
        for name, one in found.items()
    ]
    verdicts += _numbers(ours, theirs, found, targets, differs)
    return PairResult(stage, experiment.dt, *names, found, tuple(verdicts), first)


def _promise(
    subject: str, targets: Mapping[str, backends.Backend], experiment: Experiment
) -> Promise | None:
    """The weaker of both backends' promises; None if one of them promises nothing."""
    one, other = targets.values()
    ours, theirs = one.promise(subject, experiment, other), other.promise(subject, experiment, one)
    return None if ours is None or theirs is None else weaker(ours, theirs)


def _numbers(
    ours: Run,
    theirs: Run,
    found: Mapping[str, Agreement],
    targets: Mapping[str, backends.Backend],
    differs: bool,
) -> Iterator[PromiseVerdict]:
    """Verdicts on learned weights and on sampled signals."""
    promise = _promise("weights", targets, ours.experiment)
    for name, values in ours.weights.items():
        if differs:
            why = "the spikes they were learned from differ"
            yield PromiseVerdict("weights", name, str(promise or ""), "not applicable", why)
        else:
            gap = float(np.abs(values - theirs.weights[name]).max())
            yield judge_numbers(promise, "weights", name, gap)
    promise = _promise("signals", targets, ours.experiment)
    for name, variables in ours.recording.signals.items():
        for variable in variables if name in found else ():
            gap = largest_signal_difference(
                ours.recording, theirs.recording, name, variable, found[name].alignment
            )
            yield judge_numbers(promise, "signals", f"{name}.{variable}", gap)


def _sweeps(
    plan: Plan,
    runs: Mapping[Place, Mapping[str, Run]],
    targets: Mapping[str, backends.Backend],
) -> Iterator[Sweep]:
    """Compare each backend's grids with a solution without a grid, or with its finest grid."""
    exact = next((place for place in runs if not targets[place[0]].grid), None)
    for label in dict.fromkeys(label for label, _ in runs):
        places = [place for place in runs if place[0] == label]
        if len(plan.variants) < 2 or not targets[label].grid:
            continue
        truth = exact or places[0]
        grids = [place for place in places if place != truth]
        for stage in plan.compared if grids else ():
            one = [runs[place][stage] for place in grids]
            name = targets[truth[0]].name if exact else f"{label} at {truth[1]}"
            against = (name, runs[truth][stage])
            yield from _stage_sweeps(stage, label, against, one, plan.settings.seed)


def _stage_sweeps(
    stage: str, label: str, against: tuple[str, Run], grids: Sequence[Run], seed: int
) -> Iterator[Sweep]:
    """One sweep per population, unless no spikes can be compared."""
    exact, truth = against
    recordings = {run.experiment.dt: run.recording for run in grids}
    for name in truth.experiment.record.spikes:
        if name == truth.experiment.source.name:
            continue
        try:
            found = convergence(truth.recording, recordings, name)
        except SpecError:
            continue
        rates = tuple(
            paired_rate((truth.recording, recordings[dt]), name, seed) for dt in found.dt.tolist()
        )
        yield Sweep(stage, label, exact, found, rates)
