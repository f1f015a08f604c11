"""Promises as values: which is weaker, when they are given, and the page that tells them."""

from __future__ import annotations

import itertools

import pytest

from docs.support_table import PAGE, page, probes
from scnnbio import backends
from scnnbio.backends.promises import (
    Exact,
    Promise,
    Shifted,
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
    Shifted("spikes", steps=1.0),
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


@pytest.mark.parametrize("bound", [0.0, -1.0, float("nan")])
def test_a_bound_is_positive(bound: float) -> None:
    with pytest.raises(SpecError, match=r"promise\.difference"):
        Within("signals", difference=bound)
    with pytest.raises(SpecError, match="'spike' is not one of input, spikes"):
        Exact("spike")


def test_a_promise_for_linear_neurons_needs_all_of_them_linear() -> None:
    found = probes()
    assert Exact("spikes", neurons="linear").covers(found["neuron LIF"])
    assert not Exact("spikes", neurons="linear").covers(found["neuron LIF_cond_exp"])
    assert Exact("spikes").covers(found["neuron LIF_cond_exp"])


def test_the_first_promise_that_covers_an_experiment_holds() -> None:
    brian2, found = backends.get("brian2"), probes()
    assert brian2.promise("spikes", found["neuron LIF"]) == brian2.promises[0]
    assert brian2.promise("spikes", found["neuron AdEx"]) == brian2.promises[1]
    assert brian2.promise("input", found["neuron AdEx"]) == Exact("input")
    assert backends.get("event-driven").promise("weights", found["neuron LIF"]) is None


def _available() -> list[str]:
    names = []
    for name in backends.names():
        try:
            backends.get(name)
        except BackendMissing:
            continue
        names.append(name)
    return names


@pytest.mark.parametrize("name", _available())
def test_every_backend_promises_something_of_spikes(name: str) -> None:
    assert "spikes" in {promise.subject for promise in backends.get(name).promises}
    # What a backend promises it promises of anything that it can run.
    for experiment in probes().values():
        if not backends.get(name).unsupported(experiment):
            assert backends.get(name).promise("spikes", experiment) is not None


def test_the_support_table_is_up_to_date() -> None:
    if len(_available()) < len(backends.names()):
        pytest.skip("a backend is not installed")
    told = PAGE.read_text(encoding="utf-8")
    assert told == page(), "run python docs/support_table.py"
