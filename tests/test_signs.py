"""Inhibition inhibits, and a conductance is not negative: refused where a network is made."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from scnnbio.connectors import ConvolutionConnector, LateralInhibitionConnector, PoolingConnector
from scnnbio.errors import SpecError
from scnnbio.experiment.networks import network_from, network_table
from scnnbio.experiment.weights import DocumentFolder, write_weights
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIBRARY, NeuronModel, Parameter
from scnnbio.neurons.polarity import polarity
from scnnbio.plasticity import SharedSTDP, Trace, TraceRule
from scnnbio.population import Population, SpikeSource

SHAPE = (2, 3, 3)
ONES = np.ones((2, 2, 1, 1))
SIGNED = np.where(np.eye(2)[:, :, None, None] > 0, 1.0, -1.0)


def network(neuron="LIF", receptor="excitatory", weight=1.0, lateral=False, **changes):
    model = LIBRARY[neuron] if isinstance(neuron, str) else neuron
    parameters = changes.pop("parameters", {})
    kernel = changes.pop("kernel", ONES)
    connector = changes.pop("connector", ConvolutionConnector(kernel, SHAPE))
    settings = {"weight": weight, "receptor": receptor, **changes}
    if lateral:
        settings["connector"] = LateralInhibitionConnector(SHAPE, "both", 1, 0.5)
    return Network(
        (
            Population("lgn", SHAPE, SpikeSource()),
            Population("v1", SHAPE, model, parameters),
        ),
        (Projection("v1" if lateral else "lgn", "v1", **{"connector": connector, **settings}),),
    )


#: What each receptor of the library does, by the papers that its models are from: currents and
#: jumps follow their sign, conductances their reversal potential.
CURRENTS = [
    *(("IF", r) for r in ("excitatory", "inhibitory", "membrane")),
    *(("LIF", r) for r in ("excitatory", "inhibitory", "membrane")),
    ("LIF_curr_delta", "membrane"),
    *(("LIF_curr_alpha", r) for r in ("excitatory", "inhibitory")),
    *(("LIF_shunting", r) for r in ("excitatory", "inhibitory")),
    *((f"GLIF{k}", r) for k in range(1, 6) for r in ("excitatory", "inhibitory")),
    *(("Izhikevich", r) for r in ("excitatory", "inhibitory", "membrane")),
]
EXCITING = [
    (n, "excitatory") for n in ("LIF_cond_exp", "LIF_cond_alpha", "LIF_cond_exp_sfa", "AdEx")
]
INHIBITING = [(n, "inhibitory") for n, _ in EXCITING] + [("LIF_shunting", "shunting")]


@pytest.mark.parametrize(("cases", "expected"), [(CURRENTS + EXCITING, 1.0), (INHIBITING, -1.0)])
def test_the_equations_tell_what_a_receptor_does(cases, expected):
    for name, receptor in cases:
        model = LIBRARY[name]
        defaults = {n: p.default for n, p in model.parameters.items()}
        assert polarity(model, receptor, defaults) == expected, (name, receptor)


@pytest.mark.parametrize(("neuron", "receptor"), CURRENTS + EXCITING)
def test_lateral_inhibition_that_would_excite_is_refused(neuron, receptor):
    with pytest.raises(SpecError, match=r"projection 'v1_v1'.* would excite; (give|use)"):
        network(neuron, receptor, 0.5, lateral=True)


@pytest.mark.parametrize(("neuron", "receptor"), CURRENTS)
def test_lateral_inhibition_of_currents_has_a_negative_weight(neuron, receptor):
    assert network(neuron, receptor, -0.5, lateral=True).projection("v1_v1").weight == -0.5


@pytest.mark.parametrize(("neuron", "receptor"), INHIBITING)
def test_lateral_inhibition_of_conductances_has_a_positive_weight(neuron, receptor):
    assert network(neuron, receptor, 0.5, lateral=True).projection("v1_v1").weight == 0.5


def test_the_remedy_names_a_receptor_that_inhibits():
    with pytest.raises(SpecError, match="use receptor 'inhibitory'"):
        network("LIF_cond_exp", "excitatory", 0.5, lateral=True)


@pytest.mark.parametrize("weight", [-0.02, -5])
@pytest.mark.parametrize(("neuron", "receptor"), EXCITING + INHIBITING)
def test_a_conductance_is_never_negative(neuron, receptor, weight):
    with pytest.raises(SpecError, match=r"conductance must not be negative.*made positive"):
        network(neuron, receptor, weight)


@pytest.mark.parametrize(
    "changes",
    [
        {"kernel": SIGNED},
        {"kernel": SIGNED, "weight": -1.0},
        {"kernel": -ONES},
        {"connector": PoolingConnector(SHAPE, 1, weight=-0.5)},
    ],
)
def test_the_sign_is_that_of_weight_times_kernel(changes):
    with pytest.raises(SpecError, match="must not be negative"):
        network("LIF_cond_exp", "excitatory", **changes)


def test_two_negatives_make_a_conductance():
    assert network("LIF_cond_exp", "excitatory", -0.02, kernel=-ONES)
    assert network("LIF_cond_exp", "excitatory", 0.0, kernel=SIGNED)


@pytest.mark.parametrize(
    "rule",
    [
        SharedSTDP(w_min=-1.0, w_max=1.0),
        TraceRule({"x": Trace("pre", 20.0)}, on_post="x", w_min=-0.5, w_max=2.0),
    ],
)
def test_a_rule_may_not_learn_negative_conductances(rule):
    assert network("LIF", "excitatory", plasticity=rule)
    with pytest.raises(SpecError, match=r"learn down to .* set the rule's w_min to 0"):
        network("LIF_cond_exp", "excitatory", plasticity=rule)
    assert network("LIF_cond_exp", plasticity=dataclasses.replace(rule, w_min=0.0))


def test_a_rule_may_not_turn_inhibition_round():
    rule = SharedSTDP(w_min=-1.0, w_max=1.0)
    with pytest.raises(SpecError, match="would excite; set the rule's w_min to 0"):
        network("LIF", "inhibitory", -0.5, lateral=True, plasticity=rule)
    kept = dataclasses.replace(rule, w_min=0.0)
    assert network("LIF", "inhibitory", -0.5, lateral=True, plasticity=kept)


@pytest.mark.parametrize("changes", [{"weight": 0.5}, {"weight": -0.5, "kernel": SIGNED}])
def test_a_receptor_named_inhibitory_inhibits(changes):
    for neuron in ("LIF", "LIF_curr_alpha", "LIF_shunting", "GLIF3", "Izhikevich"):
        with pytest.raises(SpecError, match=r"'inhibitory' of .* would excite; give the weight"):
            network(neuron, "inhibitory", **changes)
    assert network("LIF", "excitatory", **changes)  # currents of both signs add up


def test_reversal_potentials_decide_channel_by_channel():
    below = network("LIF_cond_exp", "inhibitory", parameters={"e_rev_I": [-70.0, -55.0]})
    assert below.projections  # -55 mV lies below the threshold of -50 mV: it shunts
    with pytest.raises(SpecError, match="set its reversal potential below the threshold"):
        network("LIF_cond_exp", "inhibitory", parameters={"e_rev_I": [-70.0, -40.0]})


def _own(receptor_line, current, receptors, threshold="v >= v_thresh"):
    return NeuronModel(
        name="own",
        equations=f"dv/dt = ({current} - v)/tau : volt\n{receptor_line}",
        threshold=threshold,
        reset="v = v_rest",
        parameters={
            "v_rest": Parameter(0.0, "mV"),
            "v_thresh": Parameter(10.0, "mV"),
            "e_rev": Parameter(60.0, "mV"),
            "tau": Parameter(10.0, "ms"),
            "r": Parameter(1.0, "MOhm"),
        },
        receptors=receptors,
        initial={"v": "v_rest"},
    )


def test_neurons_of_ones_own_are_read_too():
    outward = _own("dcur/dt = -cur/tau : amp", "v_rest - r*cur", {"inhibitory": "cur"})
    assert network(outward, "inhibitory", 0.5, lateral=True)
    with pytest.raises(SpecError, match="would excite"):
        network(outward, "inhibitory", -0.5, lateral=True)
    raising = _own("dh/dt = -h/tau : volt", "v_rest", {"brake": "h"}, "v >= v_thresh + h")
    assert network(raising, "brake", 0.5, lateral=True)
    with pytest.raises(SpecError, match="would excite"):
        network(raising, "brake", -0.5, lateral=True)


def test_a_gate_without_a_unit_is_a_conductance():
    gated = _own("ds/dt = -s/tau : 1", "v_rest + s*(e_rev - v)", {"gate": "s"})
    assert network(gated, "gate", 0.5)
    with pytest.raises(SpecError, match=r"must not be negative.* -0\.5"):
        network(gated, "gate", -0.5)


def test_what_cannot_be_told_is_refused_for_inhibition_only():
    twofold = _own(
        "dcur/dt = -cur/tau : amp", "v_rest + r*cur", {"i": "cur"}, "v >= v_thresh and cur > cur"
    )
    assert math.isnan(polarity(twofold, "i", {n: p.default for n, p in twofold.parameters.items()}))
    assert network(twofold, "i", 0.5)
    with pytest.raises(SpecError, match=r"do not show whether .* ConvolutionConnector"):
        network(twofold, "i", -0.5, lateral=True)


def test_weights_beyond_all_numbers_are_refused():
    with pytest.raises(SpecError, match="kernel overflows"):
        network("LIF", weight=1e308, kernel=1e10 * ONES)


def test_other_weights_are_checked_too(tmp_path):
    made = network("LIF_cond_exp", "excitatory")
    with pytest.raises(SpecError, match="must not be negative"):
        made.with_weights({"lgn_v1": SIGNED})
    write_weights(tmp_path / "w.npz", {"learn": {"lgn_v1": SIGNED}})
    table = {**network_table(made), "weights": {"file": "w.npz", "stage": "learn"}}
    with pytest.raises(SpecError, match=r"network\.weights\.file.*must not be negative"):
        network_from(table, folder=DocumentFolder(tmp_path))


def test_documents_are_checked_too():
    table = network_table(network("LIF", "inhibitory", -0.5, lateral=True))
    table["projections"][0]["weight"] = "0.5 nA"
    with pytest.raises(SpecError, match=r"network.*projection 'v1_v1'.*would excite"):
        network_from(table)
