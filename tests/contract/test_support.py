"""What backends declare is what they have: every feature is tested, or refused.

The cases, and how they are judged, are scnnbio.testing's; the oracle is the reference backend.
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import pytest

from scnnbio import backends
from scnnbio.backends.base import Backend, Stopwatch
from scnnbio.backends.event_driven import EventDrivenBackend
from scnnbio.backends.outcome import Outcome
from scnnbio.backends.promises import Exact, Promise
from scnnbio.backends.reference import ReferenceBackend
from scnnbio.backends.spinnaker import SpinnakerBackend
from scnnbio.connectors import ConvolutionConnector
from scnnbio.errors import Unsupported, UnsupportedError
from scnnbio.experiment import Experiment, Feature, Inputs, Report
from scnnbio.network import Network
from scnnbio.testing import contract
from scnnbio.testing.cases import case

SLOW = pytest.mark.slow


class Bare(Backend):
    """A backend that declares nothing, as each is in the beginning."""

    name: ClassVar[str] = "bare"
    summary: ClassVar[str] = "declares nothing"

    def _simulate(
        self, experiment: Experiment, inputs: Inputs, watch: Stopwatch, report: Report
    ) -> Outcome:
        raise AssertionError("it ran")


class Careless(Bare):
    """Answers for itself, and forgets the base class."""

    def unsupported(self, experiment: Experiment) -> list[Unsupported]:
        return []


class Small(ReferenceBackend):
    """A stranger's: convolutions of standard cells, and nothing else."""

    name: ClassVar[str] = "small"
    promises: ClassVar[tuple[Promise, ...]] = (Exact("spikes"),)
    supports: ClassVar[frozenset[Feature]] = frozenset(
        {
            *(Feature.INPUT_SPIKES, Feature.CONVOLUTION, Feature.STANDARD_CELL),
            *(Feature.SYNAPTIC_STATES, Feature.PADDING),
        }
    )


class Boastful(Small):
    """Declares lags, and delivers all of a kernel at once."""

    name: ClassVar[str] = "boastful"
    supports: ClassVar[frozenset[Feature]] = Small.supports | {Feature.LAGS}

    def _simulate(
        self, experiment: Experiment, inputs: Inputs, watch: Stopwatch, report: Report
    ) -> Outcome:
        (forward,) = experiment.network.projections
        connector = forward.connector
        if connector.lags is not None:
            connector = ConvolutionConnector(connector.kernel, connector.in_shape, lags=[0.0, 0.1])
        network = Network(
            experiment.network.populations, (dataclasses.replace(forward, connector=connector),)
        )
        changed = dataclasses.replace(experiment, network=network)
        return super()._simulate(changed, inputs, watch, report)


class Solved(EventDrivenBackend):
    """The solution without a time step, as if it had everything."""

    supports: ClassVar[frozenset[Feature]] = frozenset(Feature)


class Mapped(SpinnakerBackend):
    """The machine, as if it had everything."""

    supports: ClassVar[frozenset[Feature]] = frozenset(Feature)


@contract.parametrize
def test_what_declares_nothing_refuses_everything(feature: Feature) -> None:
    contract.check(Bare(), feature)
    needs = {r.feature for r in case(feature).requires()}
    told = " ".join(f"{p.element}: {p.feature}" for p in Bare().unsupported(case(feature)))
    assert all(str(need) in told for need in needs)
    with pytest.raises(UnsupportedError, match="not available on bare"):
        Bare().run(case(feature))


@contract.parametrize
def test_every_case_requires_its_feature_of_an_element_that_is_there(feature: Feature) -> None:
    experiment = case(feature)
    (element, *_) = [r.element for r in experiment.requires() if r.feature is feature]
    parts = (*experiment.network.populations, *experiment.network.projections)
    named = {f"{type(p).__name__.lower()} {p.name!r}" for p in parts}
    assert element in named | {"reset", "training", "record.snapshots", "record.signals of 'layer'"}


def test_a_backend_that_forgets_the_base_class_runs_nothing_that_it_does_not_declare() -> None:
    with pytest.raises(UnsupportedError, match="a source of spikes is not available on bare"):
        Careless().run(case(Feature.CONVOLUTION))
    with pytest.raises(AssertionError, match="not declared, but its case is not refused"):
        contract.check(Careless(), Feature.LAGS)


@contract.parametrize
def test_a_strangers_small_backend_keeps_the_contract(feature: Feature) -> None:
    contract.check(Small(), feature)


def test_a_declaration_that_is_not_kept_is_found() -> None:
    with pytest.raises(AssertionError, match=r"boastful, a kernel with lags: spikes of .* differ"):
        contract.check(Boastful(), Feature.LAGS)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("event-driven", marks=SLOW),
        pytest.param("brian2", marks=SLOW),
        # Forty layers take minutes to compile.
        pytest.param("brian2-standalone", marks=pytest.mark.validate),
        pytest.param("nest", marks=[SLOW, pytest.mark.nest]),
        pytest.param("spinnaker", marks=SLOW),
        pytest.param("torch", marks=SLOW),
    ],
)
def test_a_backend_has_what_it_declares_and_refuses_the_rest(name: str) -> None:
    if name in ("nest", "torch"):
        pytest.importorskip(name)
    found = contract.judge(backends.get(name))
    assert {feature: said for feature, said in found.items() if said} == {}


@pytest.mark.slow
def test_a_compiled_program_has_a_few_of_the_features_that_it_declares() -> None:
    """Those whose connections and rules no other test compiles; make validate tests all."""
    some = [Feature.OTHER_CONNECTIONS, Feature.OTHER_RULE, Feature.POWER_BOUNDS, Feature.SNAPSHOTS]
    some += [Feature.MSTDPET, Feature.EACH_STEP]
    found = contract.judge(backends.get("brian2-standalone"), some)
    assert found == {feature: [] for feature in some}


def test_the_oracle_declares_every_feature_but_those_that_no_backend_has() -> None:
    everywhere = frozenset().union(*(backends.kind(n).supports for n in _installed()))
    assert everywhere == frozenset(Feature)
    # Training leaves weights and no spikes; contract.judge lets the oracle run what was trained.
    assert backends.kind("reference").supports == everywhere - {Feature.GRADIENT}


def _installed() -> list[str]:
    return [name for name in backends.names() if name != "nest"]


#: It would be solved without its steps, which is another solution than the one asked for.
MEANINGLESS = {Feature.FORWARD_EULER}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backend", "feature"),
    [
        pytest.param(boaster(), feature, id=f"{boaster.name}-{feature.name.lower()}")
        for boaster in (Solved, Mapped)
        for feature in Feature
        if feature not in boaster.__base__.supports | MEANINGLESS
    ],
)
def test_what_is_not_declared_is_not_there(backend: Backend, feature: Feature) -> None:
    """If it declared the feature, the contract would find out."""
    with pytest.raises(Exception) as caught:  # noqa: PT011  (some fail inside)
        contract.check(backend, feature)
    assert not isinstance(caught.value, UnsupportedError)


def test_what_a_backend_says_of_itself() -> None:
    assert [n for n in _installed() if not backends.kind(n).grid] == ["event-driven"]
    assert not any(backends.kind(n).spreads for n in _installed())
    told = SpinnakerBackend(target="emulated").versions()
    assert "sPyNNaker" not in told
    assert {"python", "scnnbio", "numpy", "brian2"} <= set(told)
    assert {"sPyNNaker", "unicorn"} <= set(SpinnakerBackend(target="binaries").versions())
    with pytest.raises(UnsupportedError, match="several processes"):
        Bare().take_part("")
