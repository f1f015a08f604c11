"""Promises as values: which is weaker, when they are given, and the page that tells them."""

from __future__ import annotations

import itertools

import pytest

from docs.support_table import PAGE, page, probes
from scnnbio import backends
from scnnbio.backends.promises import (
    Exact,
    Promise,
    Statistical,
    UnlessAtThreshold,
    Within,
    weaker,
)
from scnnbio.errors import BackendMissing, SpecError

#: From the strongest to the weakest.
RANKED: tuple[Promise, ...] = (
    Exact("spikes"),
    UnlessAtThreshold("spikes", distance=1e-9),
    Statistical("spikes", rate=0.05, cv=0.1),
)


@pytest.mark.parametrize(("strong", "weak"), list(itertools.combinations(RANKED, 2)))
def test_the_weaker_of_two_kinds_holds(strong: Promise, weak: Promise) -> None:
    assert weaker(strong, weak) is weak
    assert weaker(weak, strong) is weak


def test_of_two_of_a_kind_each_bound_is_the_larger() -> None:
    found = weaker(
        Statistical("spikes", rate=0.05, cv=0.2), Statistical("spikes", rate=0.1, cv=0.1)
    )
    assert found == Statistical("spikes", rate=0.1, cv=0.2)


def test_a_promise_for_fine_grids_is_none_for_coarse_ones() -> None:
    promise = Statistical("spikes", rate=0.05, cv=0.1, longest_dt=0.1)
    found = probes()
    assert promise.covers(found["neuron LIF"])  # at 0.1 ms
    assert not promise.covers(found["dt = 1 ms"])


@pytest.mark.parametrize("bound", [0.0, -1.0, float("nan"), float("inf")])
def test_a_bound_is_positive(bound: float) -> None:
    with pytest.raises(SpecError, match=r"promise\.difference"):
        Within("signals", difference=bound)


def test_a_promise_is_given_of_what_it_can_be_held_against() -> None:
    with pytest.raises(SpecError, match="'spike' is not one of input, spikes, signals, weights"):
        Exact("spike")
    with pytest.raises(SpecError, match="'spikes' is not one of signals, weights"):
        Within("spikes", difference=1.0)


def test_the_first_promise_that_covers_an_experiment_holds() -> None:
    exact, found = backends.get("event-driven"), probes()
    assert exact.promise("spikes", found["neuron LIF"]) == exact.promises[0]
    assert exact.promise("spikes", found["dt = 1 ms"]) is None
    assert exact.promise("weights", found["neuron LIF"]) is None
    assert exact.promise("input", found["dt = 1 ms"]) == Exact("input")


def _available() -> list[str]:
    names = []
    for name in backends.names():
        try:
            backends.get(name)
        except BackendMissing:
            continue
        names.append(name)
    return names


@pytest.mark.slow
@pytest.mark.parametrize("name", _available())
def test_every_backend_promises_something_of_spikes(name: str) -> None:
    assert "spikes" in {promise.subject for promise in backends.get(name).promises}
    # Of anything that it can run on a fine grid.
    for experiment in probes().values():
        if experiment.dt <= 0.1 and not backends.get(name).unsupported(experiment):
            assert backends.get(name).promise("spikes", experiment) is not None


@pytest.mark.slow
def test_the_support_table_is_up_to_date() -> None:
    if len(_available()) < len(backends.names()):
        pytest.skip("a backend is not installed")
    told = PAGE.read_text(encoding="utf-8")
    assert told == page(), "run python docs/support_table.py"
