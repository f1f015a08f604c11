"""The contract suite: a backend must support every declared feature, and refuse every other.

It runs on any backend. In a test file of yours::

    from scnnbio.testing import contract

    @contract.parametrize
    def test_my_backend_keeps_the_contract(feature):
        contract.check(MyBackend(), feature)

The oracle is ``reference``, with which a backend must agree as it promises. A backend that promises
nothing about spikes cannot pass.
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
from scnnbio.analysis.decoding import decoded
from scnnbio.backends.promises import Promise, Statistical, Within
from scnnbio.comparison.plan import PairResult
from scnnbio.comparison.run import judge_pair
from scnnbio.experiment import Experiment, Feature, Record, Run
from scnnbio.network import Network
from scnnbio.testing.cases import case

#: Number of spikes from which on the mean rate of a case is compared.
_LEAST = 40
#: Mean difference of a signal, relative to its range, that is accepted without a promise.
_FAR = 0.1
_ORACLE, _TESTED = "reference", "the backend"


def check(backend: backends.Backend, feature: Feature) -> None:
    """Raise unless a backend supports a feature that it declares, or refuses one that it does not.

    Parameters
    ----------
    backend : Backend
    feature : Feature

    Raises
    ------
    AssertionError
        With all problems.
    """
    problems = judge(backend, [feature])[feature]
    if problems:
        raise AssertionError(f"{backend.name}, {feature}: {'; '.join(problems)}")


def parametrize(test: Any) -> Any:
    """Parametrise a pytest function with an argument ``feature`` over all features."""
    import pytest

    features = [pytest.param(feature, id=feature.name.lower()) for feature in Feature]
    return pytest.mark.parametrize("feature", features)(test)


def judge(
    backend: backends.Backend, features: Iterable[Feature] = tuple(Feature)
) -> dict[Feature, list[str]]:
    """Check a backend's declarations.

    Cases with equal trials run together in one experiment, each judged by itself, so that all of
    them take only a few runs.

    Parameters
    ----------
    backend : Backend
    features : iterable of Feature, optional
        All if not given.

    Returns
    -------
    dict of Feature to list of str
        Problems by feature; empty lists where there are none.
    """
    found: dict[Feature, list[str]] = {}
    declared: list[Feature] = []
    for feature in features:
        refusals = backend.unsupported(case(feature))
        if feature is Feature.GRADIENT and feature in backend.supports and not refusals:
            found[feature] = _trained(backend, case(feature))
        elif feature in backend.supports and not refusals:
            declared.append(feature)
        elif feature in backend.supports:
            reasons = ", ".join(map(str, refusals))
            found[feature] = [f"it is declared, but its case is refused: {reasons}"]
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
    """The reference run, computed once for all backends with equal declarations."""
    return backends.get(_ORACLE).run(experiment)


def _trained(backend: backends.Backend, experiment: Experiment) -> list[str]:
    """Problems with training by gradient, which the reference does not do."""
    weights = backend.run(experiment).weights
    missing = [p.name for p in experiment.network.projections if p.name not in weights]
    if missing:
        return [f"the run leaves no kernel of {name!r}" for name in missing]
    trained = dataclasses.replace(
        experiment, network=experiment.network.with_weights(weights), training=None,
        record=Record((experiment.training.readout,)) if experiment.training else Record(),
    )  # fmt: skip
    run = backends.get(_ORACLE).run(trained)
    found = decoded(run.recording, trained.record.spikes[0])
    wrong = int((found != run.recording.trials["label"]).sum())
    return [f"trained, the network takes {wrong} of 2 patterns for the other"] if wrong else []


def _refused_well(feature: Feature, refusals: Sequence[Any]) -> list[str]:
    """Problems with the refusal of an undeclared feature."""
    if not refusals:
        return ["it is not declared, but its case is not refused"]
    return [f"no remedy: {one}" for one in refusals if not one.remedy]


def together(
    cases: Mapping[Feature, Experiment],
) -> Iterator[tuple[Experiment, dict[Feature, str]]]:
    """Combine cases behind one source, one experiment per kind of trials.

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
                    p,
                    pre=named[p.pre],
                    post=named[p.post],
                    name=prefixes[feature] + p.name,
                    plasticity=_rewarded_by(p.plasticity, named),
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
    """Promises that one case breaks, or that cannot be tested."""
    for verdict in pair.verdicts:
        if not verdict.of.startswith(prefix) or verdict.verdict == "agrees":
            continue
        problem = f"{verdict.subject} of {verdict.of}: {verdict.reason}"
        if verdict.subject == "spikes" and isinstance(spikes, Statistical):
            # A small case cannot show equivalence; its mean rate has to be as promised.
            one = pair.agreements[verdict.of]
            apart = abs(one.spikes[1] / max(one.spikes[0], 1) - 1.0)
            if one.spikes[0] >= _LEAST and apart <= spikes.rate:
                continue
            problem = f"{problem}; {one.spikes[1]} spikes in place of {one.spikes[0]}"
        elif verdict.subject != "spikes" and not verdict.promise:
            # There is no promise for these numbers; their existence is checked below.
            continue
        yield problem


def _differing(oracle: Run, tested: Run, prefix: str, backend: backends.Backend) -> Iterator[str]:
    """Results that are missing from a run or have another shape, and snapshots that differ."""
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
    """Whether two signals are similar on average, which is required without any promise."""
    return bool(np.abs(theirs - ours).mean() <= _FAR * np.ptp(ours))


def _signals(run: Run) -> dict[str, Any]:
    return {
        f"{name}.{variable}": signal.values
        for name, variables in run.recording.signals.items()
        for variable, signal in variables.items()
    }


def _rewarded_by(rule: Any, named: dict[str, str]) -> Any:
    """A learning rule whose reward comes from the population of the new name."""
    reward = getattr(rule, "reward", None)
    if reward is None:
        return rule
    again = dataclasses.replace(reward, population=named[reward.population])
    return dataclasses.replace(rule, reward=again)
