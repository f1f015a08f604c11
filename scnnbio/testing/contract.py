"""The contract suite: every feature that a backend declares is tested, and every other refused.

It runs on any backend. In a test file of yours::

    from scnnbio.testing import contract

    @contract.parametrize
    def test_my_backend_keeps_the_contract(feature):
        contract.check(MyBackend(), feature)

The oracle is ``reference``, and a backend is held against it by what it promises. A backend that
promises nothing of spikes cannot pass.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio import backends
from scnnbio.analysis.agreement import Settings
from scnnbio.backends.promises import Promise, Statistical, Within
from scnnbio.comparison.plan import PairResult
from scnnbio.comparison.run import judge_pair
from scnnbio.experiment import Experiment, Feature, Record, Run
from scnnbio.network import Network
from scnnbio.testing.cases import case

#: Spikes from which on the mean rate of a case says something.
_LEAST = 40
#: Share of a signal's range by which one may differ on average where nothing is promised.
_FAR = 0.1
_ORACLE, _TESTED = "reference", "the backend"


def check(backend: backends.Backend, feature: Feature) -> None:
    """Raise unless a backend has a feature that it declares, or refuses one that it does not.

    Parameters
    ----------
    backend : Backend
    feature : Feature

    Raises
    ------
    AssertionError
        With all that is wrong.
    """
    problems = judge(backend, [feature])[feature]
    if problems:
        raise AssertionError(f"{backend.name}, {feature}: {'; '.join(problems)}")


def parametrize(test: Any) -> Any:
    """Make a test of pytest that takes a ``feature`` one test for each of them."""
    import pytest

    features = [pytest.param(feature, id=feature.name.lower()) for feature in Feature]
    return pytest.mark.parametrize("feature", features)(test)


def judge(
    backend: backends.Backend, features: Iterable[Feature] = tuple(Feature)
) -> dict[Feature, list[str]]:
    """What is wrong with a backend's declarations.

    Cases that have their trials in common run side by side in one experiment, each judged by
    itself, so that all of them together take a few runs.

    Parameters
    ----------
    backend : Backend
    features : iterable of Feature, optional
        All if not given.

    Returns
    -------
    dict of Feature to list of str
        What is wrong with each; empty where nothing is.
    """
    found: dict[Feature, list[str]] = {}
    declared: list[Feature] = []
    for feature in features:
        refusals = backend.unsupported(case(feature))
        if feature in backend.supports and not refusals:
            declared.append(feature)
        elif feature in backend.supports:
            told = ", ".join(map(str, refusals))
            found[feature] = [f"it is declared, and its case is refused: {told}"]
        else:
            found[feature] = _refused_well(feature, refusals)
    for experiment, prefixes in together({f: case(f) for f in declared}):
        oracle = backends.get(_ORACLE)
        runs = {_ORACLE: _of_the_oracle(experiment), _TESTED: backend.run(experiment)}
        targets = {_ORACLE: oracle, _TESTED: backend}
        pair = judge_pair(runs, targets, "contract", Settings())
        spikes = backend.promise("spikes", experiment, oracle)
        for feature, prefix in prefixes.items():
            found[feature] = [
                *_broken(pair, prefix, spikes),
                *_differing(runs[_ORACLE], runs[_TESTED], prefix, backend),
            ]
    return {feature: found[feature] for feature in features}


@functools.lru_cache(maxsize=8)
def _of_the_oracle(experiment: Experiment) -> Run:
    """The run that others are held against, made once for all backends that declare the same."""
    return backends.get(_ORACLE).run(experiment)


def _refused_well(feature: Feature, refusals: Sequence[Any]) -> list[str]:
    """What is wrong with the answer about a feature that is not declared."""
    if not refusals:
        return ["it is not declared, and its case is not refused"]
    return [f"no remedy: {one}" for one in refusals if not one.remedy]


def together(
    cases: Mapping[Feature, Experiment],
) -> Iterator[tuple[Experiment, dict[Feature, str]]]:
    """Cases side by side behind one source, as few experiments as there are kinds of trials.

    Parameters
    ----------
    cases : mapping of Feature to Experiment

    Yields
    ------
    experiment : Experiment
    prefixes : dict of Feature to str
        How the names of each case's populations and projections begin.
    """
    groups: dict[tuple[Any, ...], dict[Feature, Experiment]] = {}
    for feature, one in cases.items():
        (source,) = one.network.spike_sources
        shown = one.inputs[source.name]
        key = (shown, one.dt, one.seed, one.reset, one.record.snapshots)
        groups.setdefault(key, {})[feature] = one
    for group in groups.values():
        prefixes = {feature: f"case{k}_" for k, feature in enumerate(group)}
        first = next(iter(group.values()))
        (source,) = first.network.spike_sources
        populations, projections, signals = [source], [], []
        names, inputs = [source.name], {source.name: first.inputs[source.name]}
        for feature, one in group.items():
            own = [p for p in one.network.populations if p.name != source.name]
            named = {source.name: source.name} | {p.name: prefixes[feature] + p.name for p in own}
            populations += [dataclasses.replace(p, name=named[p.name]) for p in own]
            projections += [
                dataclasses.replace(
                    p, pre=named[p.pre], post=named[p.post], name=prefixes[feature] + p.name
                )
                for p in one.network.projections
            ]
            inputs |= {named[name]: given for name, given in one.inputs.items()}
            names += [named[name] for name in one.record.spikes if name != source.name]
            signals += [
                dataclasses.replace(s, population=named[s.population]) for s in one.record.signals
            ]
        network = Network(tuple(populations), tuple(projections))
        record = Record(tuple(names), tuple(signals), first.record.snapshots)
        joined = dataclasses.replace(
            first, network=network, record=record, stimulus=None, encoding=None, inputs=inputs
        )
        yield joined, prefixes


def _broken(pair: PairResult, prefix: str, spikes: Promise | None) -> Iterator[str]:
    """Promises that one case breaks, or that it cannot be held to."""
    for verdict in pair.verdicts:
        if not verdict.of.startswith(prefix) or verdict.verdict == "agrees":
            continue
        told = f"{verdict.subject} of {verdict.of}: {verdict.reason}"
        if verdict.subject == "spikes" and isinstance(spikes, Statistical):
            # A small case cannot show equivalence; its mean rate has to be as promised.
            one = pair.agreements[verdict.of]
            apart = abs(one.spikes[1] / max(one.spikes[0], 1) - 1.0)
            if one.spikes[0] >= _LEAST and apart <= spikes.rate:
                continue
            told = f"{told}; {one.spikes[1]} spikes in place of {one.spikes[0]}"
        elif verdict.subject != "spikes" and not verdict.promise:
            # Nothing is promised of these numbers; that they are there is held below.
            continue
        yield told


def _differing(oracle: Run, tested: Run, prefix: str, backend: backends.Backend) -> Iterator[str]:
    """Numbers that are absent from a run, or of another shape, or snapshots that differ."""
    promise = backend.promise("weights", tested.experiment)
    bound = promise.difference if isinstance(promise, Within) else 0.0
    kept = {
        "weights": (oracle.weights, tested.weights),
        "snapshots": (
            {name: one.values for name, one in oracle.recording.snapshots.items()},
            {name: one.values for name, one in tested.recording.snapshots.items()},
        ),
        "signals": (_signals(oracle), _signals(tested)),
    }
    for kind, (ours, theirs) in kept.items():
        for name in (name for name in ours if name.startswith(prefix)):
            if name not in theirs or np.shape(theirs[name]) != np.shape(ours[name]):
                yield f"{kind} of {name} are missing, or of another shape"
            elif not np.isfinite(theirs[name]).all():
                yield f"{kind} of {name} are not finite"
            elif kind == "snapshots" and np.abs(theirs[name] - ours[name]).max() > bound:
                yield f"snapshots of {name} differ"
            elif kind == "signals" and not _alike(theirs[name], ours[name]):
                yield f"signals of {name} are far off"


def _alike(theirs: NDArray[np.float64], ours: NDArray[np.float64]) -> bool:
    """Whether two signals are near one another on average, whatever is promised of them."""
    return bool(np.abs(theirs - ours).mean() <= _FAR * np.ptp(ours))


def _signals(run: Run) -> dict[str, Any]:
    return {
        f"{name}.{variable}": signal.values
        for name, variables in run.recording.signals.items()
        for variable, signal in variables.items()
    }
