"""Ranges of parameters: declared by models, and held where a population is made."""

from __future__ import annotations

import dataclasses
import math
import re

import numpy as np
import pytest

from scnnbio.backends import get
from scnnbio.connectors import ConvolutionConnector
from scnnbio.errors import SpecError
from scnnbio.experiment import Record
from scnnbio.experiment.networks import network_from, network_table, neuron_from
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIBRARY, NeuronModel, Parameter, homeostatic
from scnnbio.neurons.explain import explain
from scnnbio.plasticity import SharedThreshold
from scnnbio.population import Population, SpikeSource
from tests.backends.networks import experiment

SHAPE = (3, 2, 2)


def layer(neuron="LIF", **changes):
    model = LIBRARY[neuron] if isinstance(neuron, str) else neuron
    return Population("v1", SHAPE, model, **changes)


#: Whatever the equations of the library divide by: the issue's list, and the rest of its kind.
DIVIDED_BY = [
    (name, parameter)
    for name, model in LIBRARY.items()
    for parameter in sorted(model.parameters)
    if re.search(
        rf"/\(?{parameter}\b",
        " ".join([model.equations, model.threshold, model.reset]).replace(" ", ""),
    )
]


def test_the_library_divides_by_what_is_listed():
    assert ("AdEx", "delta_T") in DIVIDED_BY
    assert len([row for row in DIVIDED_BY if row[1] == "cm"]) == len(LIBRARY)
    assert {"tau_m", "tau_w", "tau_sfa", "t_unit", "asc_tau1", "th_voltage_tau"} <= {
        parameter for _, parameter in DIVIDED_BY
    }


@pytest.mark.parametrize(("name", "parameter"), DIVIDED_BY)
def test_what_is_divided_by_is_positive(name, parameter):
    for value in (0, -1.0):
        with pytest.raises(SpecError, match=rf"parameters\.{parameter}: {value:g}.* \(0, inf\)"):
            layer(name, parameters={parameter: value})
    assert layer(name, parameters={parameter: 1e-3})


@pytest.mark.parametrize("name", LIBRARY)
def test_times_and_capacitances_have_ranges(name):
    for parameter, declared in LIBRARY[name].parameters.items():
        if declared.unit in ("ms", "nF"):
            low, high = declared.bounds
            assert low == 0 and high == math.inf, parameter  # noqa: PT018


@pytest.mark.parametrize("value", [[10.0, 0.0, 10.0], np.array([10.0, -5.0, 10.0])])
def test_arrays_are_checked_channel_by_channel(value):
    with pytest.raises(
        SpecError, match=r"'v1'\.parameters\.tau_m\[1\].*outside its range \(0, inf\) ms"
    ):
        layer(parameters={"tau_m": value})


def test_quantities_are_checked_in_the_parameter_s_unit():
    with pytest.raises(SpecError, match=r"-20 ms is outside"):
        layer(parameters={"tau_m": "-0.02 s"})


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("(0, inf)", [1e-300, 1e300], [0.0, -1.0]),
        ("[0, inf)", [0.0, 5.0], [-1e-12]),
        ("[ -1.5 , 2e1 ]", [-1.5, 20.0, 0.0], [-1.6, 20.1]),
        ("(-inf, 1)", [-1e9, 0.999], [1.0]),
    ],
)
def test_intervals_with_and_without_their_ends(text, inside, outside):
    for value in inside:
        assert Parameter(value, "1", text).default == value
    for value in outside:
        with pytest.raises(SpecError, match=r"default: .* is outside"):
            Parameter(value, "1", text)


@pytest.mark.parametrize("text", ["", "> 0", "0, 1", "(1, 0)", "(a, b)", "(nan, 1)", "(0, 1", 3])
def test_what_is_no_interval_is_refused(text):
    with pytest.raises(SpecError, match=r"range: .* write '\(0, inf\)'"):
        Parameter(0.5, "1", text)


def test_equal_ranges_are_equal_however_they_are_written():
    assert Parameter(1.0, "ms", "( 0,inf )") == Parameter(1.0, "ms", "(0.0, inf)")
    assert Parameter(1.0, "ms") != Parameter(1.0, "ms", "(0, inf)")


OWN = NeuronModel(
    name="own",
    equations="dv/dt = (v_rest - v)/tau : volt",
    threshold="v >= v_thresh",
    reset="v = v_rest",
    parameters={
        "v_rest": Parameter(-65.0, "mV"),
        "v_thresh": Parameter(-50.0, "mV", "[-60, 0]"),
        "tau": Parameter(10.0, "ms", "(0, 100]"),
    },
    receptors={"membrane": "v"},
    initial={"v": "v_rest"},
)


def test_models_of_ones_own_declare_theirs():
    assert layer(OWN, parameters={"tau": 100.0})
    with pytest.raises(SpecError, match=r"101 ms is outside its range \(0, 100\] ms"):
        layer(OWN, parameters={"tau": 101.0})


def test_documents_declare_theirs():
    network = Network((Population("lgn", SHAPE, SpikeSource()), layer(OWN)), ())
    table = network_table(network)
    assert table["populations"][1]["neuron"]["parameters"]["tau"]["range"] == "(0, 100]"
    assert network_from(table).digest() == network.digest()
    assert neuron_from(table["populations"][1]["neuron"]) == OWN
    table["populations"][1]["parameters"] = {"tau": "0 ms"}
    with pytest.raises(SpecError, match=r"populations\[1\].*outside its range \(0, 100\]"):
        network_from(table)


def test_explain_shows_them():
    shown = {s.title: s.blocks for s in explain(OWN)}["parameters"]
    assert shown == (
        "tau       10 ms, in (0, 100]",
        "v_rest    -65 mV",
        "v_thresh  -50 mV, in [-60, 0]",
    )


def test_a_shared_threshold_stays_in_the_range():
    def bounded(text):
        parameters = {**OWN.parameters, "v_thresh": Parameter(-50.0, "mV", text)}
        return dataclasses.replace(OWN, parameters=parameters)

    rule = SharedThreshold(eta=0.1, target=5.0)
    floor = dataclasses.replace(rule, minimum=-58.0)
    with pytest.raises(SpecError, match=r"can move it out; set homeostasis\.minimum"):
        layer(bounded("[-60, inf)"), homeostasis=rule)
    with pytest.raises(SpecError, match=r"can move it out; name another parameter"):
        layer(OWN, homeostasis=floor)
    with pytest.raises(SpecError, match=r"homeostasis\.minimum: -70 mV is outside"):
        layer(bounded("[-60, inf)"), homeostasis=dataclasses.replace(rule, minimum=-70.0))
    made = layer(bounded("[-60, inf)"), homeostasis=floor)
    network = Network((made,), ())
    with pytest.raises(SpecError, match=r"v_thresh\[2\]: -61 mV is outside"):
        network.with_weights({"v1": [-50.0, -50.0, -61.0]})
    with pytest.raises(SpecError, match="can move it out"):
        homeostatic(OWN, eta=1.0, target=5.0, tau=100.0)


def test_homeostatic_neurons_have_ranges_too():
    model = homeostatic(LIBRARY["LIF"], eta=1.0, target=5.0, tau=100.0)
    with pytest.raises(SpecError, match=r"homeo_tau: 0 ms is outside"):
        layer(model, parameters={"homeo_tau": 0.0})


def test_a_conductance_does_not_begin_below_zero():
    model = dataclasses.replace(
        LIBRARY["LIF_cond_exp"],
        parameters={**LIBRARY["LIF_cond_exp"].parameters, "g_init": Parameter(0.01, "uS")},
        initial={"v": "v_rest", "g_exc": "g_init"},
    )
    assert layer(model)
    with pytest.raises(SpecError, match=r"parameters\.g_init: the conductance 'g_exc' begins at"):
        layer(model, parameters={"g_init": -0.01})


@pytest.mark.parametrize("backend", ["reference", "event-driven", "brian2", "brian2-standalone"])
def test_a_step_that_its_parameters_do_not_give_is_refused(backend):
    """A model that declares no range: an exact step of exp(-dt/0) has no value."""
    free = {name: Parameter(p.default, p.unit) for name, p in OWN.parameters.items()}
    model = dataclasses.replace(OWN, parameters=free)
    connector = ConvolutionConnector(np.ones((3, 2, 1, 1)), (2, 8, 8))
    network = Network(
        (
            Population("lgn", (2, 8, 8), SpikeSource()),
            Population("v1", connector.out_shape, model, {"tau": 0.0}),
        ),
        (Projection("lgn", "v1", connector, receptor="membrane"),),
    )
    with pytest.raises(SpecError, match=r"a time constant or a? ?capacitance"):
        get(backend).run(experiment(network, record=Record(spikes=("v1",))))
