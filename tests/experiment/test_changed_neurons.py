"""Neurons of the library with something changed, as documents name them."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from scnnbio import backends
from scnnbio.errors import SpecError
from scnnbio.experiment.networks import network_from, network_table
from scnnbio.experiment.study import study_from
from scnnbio.neurons import LIBRARY, homeostatic

RULE = {"eta": "0.2 mV", "target": "10 Hz", "tau": "0.5 s"}


def table(neuron: Any) -> dict[str, Any]:
    return {
        "populations": [
            {"name": "lgn", "shape": [2, 3, 3], "neuron": "SpikeSource"},
            {"name": "v1", "shape": [1, 3, 3], "neuron": neuron},
        ],
        "projections": [
            {
                "pre": "lgn",
                "post": "v1",
                "weight": "3 nA",
                "connector": {"kind": "convolution", "kernel": [[[[1.0]], [[1.0]]]]},
            }
        ],
    }


def test_homeostasis_and_integrator_are_what_the_functions_make() -> None:
    described = {"model": "LIF", "homeostasis": RULE, "integrator": "forward-euler"}
    network = network_from(table(described))
    made = homeostatic(LIBRARY["LIF"], 0.2, 10.0, 500.0)
    assert network.population("v1").neuron == dataclasses.replace(made, integrator="forward-euler")
    again = network_from(network_table(network))
    assert again.digest() == network.digest()
    assert network.digest() != network_from(table({"model": "LIF", "homeostasis": RULE})).digest()
    assert network_from(table({"model": "LIF"})).digest() == network_from(table("LIF")).digest()


@pytest.mark.parametrize(
    ("neuron", "where"),
    [
        ({"model": "LIFE"}, "model"),
        ({"model": "LIF", "integrator": "rk4"}, "integrator"),
        ({"model": "LIF", "threshold": "v >= 0"}, ""),
        ({"model": "LIF", "homeostasis": {"eta": "0.2 mV", "tau": "1 s"}}, "homeostasis"),
        ({"model": "LIF", "homeostasis": {**RULE, "eta": "0.2 ms"}}, "homeostasis.eta"),
        ({"model": "LIF", "homeostasis": {**RULE, "target": 0.0}}, "homeostasis.target"),
        ({"model": "LIF", "homeostasis": {**RULE, "parameter": "cm"}}, "homeostasis.parameter"),
        ({"model": "LIF", "homeostasis": {**RULE, "parameter": 1}}, "homeostasis.parameter"),
    ],
)
def test_what_is_wrong_is_told_with_its_path(neuron: dict[str, Any], where: str) -> None:
    with pytest.raises(SpecError) as caught:
        network_from(table(neuron))
    assert caught.value.where == ".".join(filter(None, ["network.populations[1].neuron", where]))


def steady(neuron: Any) -> Any:
    """A layer before a steady field."""
    document = {
        "name": "steady",
        "dt": 1.0,
        "network": table(neuron),
        "stages": {
            "shown": {
                "stimulus": {"kind": "full-field", "luminance": [0.2, 1.0], "duration": 300.0},
                "encoding": {
                    "lgn": {"kind": "pixels"},
                    "code": {"kind": "poisson", "gain": 100.0},
                },
                "record": {
                    "spikes": ["v1"],
                    "signals": [{"population": "v1", "variables": ["v"]}],
                },
            }
        },
    }
    return study_from(document).stages[0].experiment


def test_forward_euler_is_one_text_for_every_backend() -> None:
    """The same spikes and potentials from two programs, other ones than by the exact step."""
    euler = steady({"model": "LIF", "integrator": "forward-euler"})
    runs = [backends.get(name).run(euler) for name in ("reference", "brian2")]
    signals = [run.recording.signals["v1"]["v"].values for run in runs]
    assert len(runs[0].recording.spikes["v1"]) > 20
    assert abs(signals[0] - signals[1]).max() < 1e-9
    assert runs[0].recording.counts("v1").tolist() == runs[1].recording.counts("v1").tolist()
    exact = backends.get("reference").run(steady("LIF"))
    assert abs(exact.recording.signals["v1"]["v"].values - signals[0]).max() > 0.1


def test_the_event_driven_backend_refuses_forward_euler_by_name() -> None:
    (problem,) = backends.get("event-driven").unsupported(
        steady({"model": "LIF", "integrator": "forward-euler"})
    )
    assert problem.element == "population 'v1'"
    assert "forward-euler" in problem.feature
    assert "integrator" in problem.remedy


def kernel_table(kernel: Any) -> dict[str, Any]:
    described = table("LIF")
    described["populations"][1]["shape"] = [3, 2, 3]
    described["projections"][0]["connector"]["kernel"] = kernel
    return described


def test_every_map_may_have_the_same_kernel() -> None:
    each = [[[1.0], [2.0]], [[0.0], [-1.0]]]
    network = network_from(kernel_table({"each": each, "maps": 3}))
    written_out = network_from(kernel_table([each, each, each]))
    assert network.digest() == written_out.digest()


@pytest.mark.parametrize(
    ("kernel", "where"),
    [
        ({"each": [[[1.0]]]}, "kernel"),
        ({"each": [[[1.0]]], "maps": 0}, "kernel.maps"),
        ({"each": [[[1.0]]], "maps": 10**9}, "kernel.maps"),
        ({"each": [[[1.0]]], "maps": 3, "seed": 1}, "kernel"),
    ],
)
def test_a_kernel_for_every_map_tells_what_is_wrong(kernel: dict[str, Any], where: str) -> None:
    with pytest.raises(SpecError) as caught:
        network_from(kernel_table(kernel))
    assert caught.value.where == f"network.projections[0].connector.{where}"
