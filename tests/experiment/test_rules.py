"""Learning rules and competition in documents: there and back, and wrong ones with their path."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

import pytest
import tomli_w

from scnnbio.errors import SpecError
from scnnbio.experiment.networks import network_from, network_table
from scnnbio.plasticity import (
    EachStep,
    Growth,
    LearningRule,
    Normalisation,
    SharedSTDP,
    Trace,
    TraceRule,
    TripletSTDP,
    WinnerTakeAll,
)

OWN_RULE: dict[str, Any] = {
    "kind": "traces",
    "traces": {
        "x": {"side": "pre", "tau": "20 ms"},
        "y": {"side": "post", "tau": "0.04 s", "pairing": "nearest"},
    },
    "on_pre": "-a*y*w",
    "on_post": "b*x*(w_max - w)",
    "parameters": {"a": 0.01, "b": 0.02},
    "w_max": 2.0,
    "normalisation": {"target": 3, "norm": "l2", "period": "20 ms"},
}
TABLE: dict[str, Any] = {
    "populations": [
        {"name": "lgn", "shape": [2, 5, 5], "neuron": "SpikeSource"},
        {
            "name": "v1",
            "shape": [1, 3, 3],
            "neuron": "LIF",
            "competition": {"radius": 2, "winners": 4, "silence": True},
        },
    ],
    "projections": [
        {
            "pre": "lgn",
            "post": "v1",
            "connector": {
                "kind": "convolution",
                "kernel": {"uniform": [0, 1], "shape": [1, 2, 3, 3]},
            },
        }
    ],
}


def table(rule: Any, **competition: Any) -> dict[str, Any]:
    made = copy.deepcopy(TABLE)
    made["projections"][0]["plasticity"] = rule
    made["populations"][1]["competition"].update(competition)
    return made


RULES: list[tuple[dict[str, Any], LearningRule]] = [
    # As documents were written before there were other rules.
    ({"a_plus": 0.02, "tau_plus": "10 ms"}, SharedSTDP(a_plus=0.02, tau_plus=10.0)),
    ({"kind": "pair", "pairing": "nearest"}, SharedSTDP(pairing="nearest")),
    (
        {"kind": "pair", "bounds": "power", "mu": 0.1, "normalisation": {"target": 4.0}},
        SharedSTDP(bounds="power", mu=0.1, normalisation=Normalisation(4.0)),
    ),
    (
        {"growth": {"every": 500, "limit": 37.5}},
        SharedSTDP(growth=Growth(500, 37.5)),
    ),
    ({"kind": "triplet"}, TripletSTDP()),
    ({"kind": "triplet", "tau_y": "0.114 s", "a2_plus": 0}, TripletSTDP(tau_y=114.0, a2_plus=0)),
    (
        OWN_RULE,
        TraceRule(
            traces={"x": Trace("pre", 20.0), "y": Trace("post", 40.0, "nearest")},
            on_pre="-a*y*w",
            on_post="b*x*(w_max - w)",
            parameters={"a": 0.01, "b": 0.02},
            w_max=2.0,
            normalisation=Normalisation(3.0, "l2", 20.0),
        ),
    ),
]


@pytest.mark.parametrize(("written", "rule"), RULES, ids=range(len(RULES)))
def test_a_rule_there_and_back(written: dict[str, Any], rule: LearningRule) -> None:
    made = network_from(table(written))
    assert made.projections[0].plasticity == rule
    assert made.populations[1].competition == WinnerTakeAll(2, 4, True)
    again = network_from(tomllib.loads(tomli_w.dumps(network_table(made))))
    assert again.projections[0].plasticity == rule
    assert again.populations[1].competition == WinnerTakeAll(2, 4, True)
    assert again.digest() == made.digest()


def test_a_rule_that_acts_in_each_step_there_and_back() -> None:
    written = {
        "kind": "traces",
        "traces": {"x": {"side": "pre", "tau": "20 ms"}},
        "parameters": {"eta": 0.01, "theta": -50},
        "each_step": {
            "change": "-eta*I_exc*e",
            "states": {"v": "mV", "I_exc": "nA"},
            "eligible": "x*clip(1 - abs(v - theta)/10, 0, 1)",
            "tau": "0.015 s",
        },
    }
    made = table(written)
    del made["populations"][1]["competition"]
    network = network_from(made)
    each = EachStep(
        "-eta*I_exc*e",
        {"v": "mV", "I_exc": "nA"},
        "x*clip(1 - abs(v - theta)/10, 0, 1)",
        15.0,
    )
    assert network.projections[0].plasticity == TraceRule(
        traces={"x": Trace("pre", 20.0)}, parameters={"eta": 0.01, "theta": -50.0}, each_step=each
    )
    again = network_from(tomllib.loads(tomli_w.dumps(network_table(network))))
    assert again.digest() == network.digest()
    made["projections"][0]["plasticity"]["each_step"]["states"] = ["v"]
    with pytest.raises(SpecError, match="not a table") as caught:
        network_from(made)
    assert caught.value.where == "network.projections[0].plasticity.each_step.states"


def test_every_part_of_a_rule_is_in_the_digest() -> None:
    digests = {network_from(table(written)).digest() for written, _ in RULES}
    digests |= {network_from(table(OWN_RULE, radius=1)).digest()}
    for path, value in (("on_post", "b*x"), ("parameters", {"a": 0.01, "b": 0.03})):
        digests |= {network_from(table({**OWN_RULE, path: value})).digest()}
    assert len(digests) == len(RULES) + 3


RULE = "network.projections[0].plasticity"
WRONG: list[tuple[Any, str, str]] = [
    (3, RULE, "not a table"),
    ({"kind": "pairs"}, f"{RULE}.kind", "did you mean 'pair'"),
    ({"kind": ["pair"]}, f"{RULE}.kind", "no kind"),
    ({"kind": "triplet", "a_plus": 1}, RULE, "unknown key 'a_plus'"),
    ({"kind": "triplet", "tau_y": "3 mV"}, f"{RULE}.tau_y", "a time is needed"),
    ({"normalisation": {}}, f"{RULE}.normalisation", "'target' is missing"),
    ({"normalisation": {"target": -1}}, f"{RULE}.normalisation.target", "not positive"),
    ({**OWN_RULE, "traces": 3}, f"{RULE}.traces", "not a table"),
    ({**OWN_RULE, "traces": {"x": 3}}, f"{RULE}.traces.x", "not a table"),
    ({**OWN_RULE, "traces": {"x": {"side": "pre", "tau": 0}}}, f"{RULE}.traces.x.tau", "positive"),
    ({**OWN_RULE, "parameters": 3}, f"{RULE}.parameters", "not a table"),
    ({**OWN_RULE, "parameters": {"a": "x"}}, f"{RULE}.parameters.a", "not a quantity"),
    ({**OWN_RULE, "on_pre": 3}, f"{RULE}.on_pre", "not text"),
    ({**OWN_RULE, "on_pre": "open('x')"}, f"{RULE}.on_pre", "only these functions"),
]


@pytest.mark.parametrize(("rule", "where", "words"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_in_a_rule_is_told_with_its_path(rule: Any, where: str, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        network_from(table(rule))
    assert caught.value.where == where
    assert words in str(caught.value)


def test_competition_needs_a_threshold_that_is_crossed() -> None:
    path = "network.populations[1].competition"
    with pytest.raises(SpecError) as caught:
        network_from(table({}, radius="x"))
    assert caught.value.where == f"{path}.radius"
    made = table({})
    made["populations"][1]["neuron"] = {
        "name": "Band",
        "equations": "dv/dt = -v/tau : volt",
        "threshold": "v > th and v < 2*th",
        "reset": "v = 0*th",
        "parameters": {"tau": {"default": 5, "unit": "ms"}, "th": {"default": 1, "unit": "mV"}},
        "receptors": {"excitatory": "v"},
    }
    with pytest.raises(SpecError, match="by how much it is crossed") as caught:
        network_from(made)
    assert caught.value.where == path
    made = table({})
    made["populations"][0]["competition"] = {}
    with pytest.raises(SpecError, match="cannot compete"):
        network_from(made)
