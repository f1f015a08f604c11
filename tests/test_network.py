"""Networks as plain values: every check, and what a digest tells apart."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from scnnbio.connectors import ConvolutionConnector, LateralInhibitionConnector
from scnnbio.errors import SpecError
from scnnbio.network import Network, Projection
from scnnbio.neurons import IF, LIF, NeuronModel, Parameter
from scnnbio.plasticity import Normalisation, SharedSTDP, SharedThreshold, WinnerTakeAll
from scnnbio.population import Population, SpikeSource

KERNEL = np.random.default_rng(0).uniform(0, 1, (3, 2, 2, 2))
CONVOLUTION = ConvolutionConnector(KERNEL, (2, 4, 4))
LATERAL = LateralInhibitionConnector((3, 3, 3))
RULE = SharedSTDP(a_plus=0.02)
HOMEOSTASIS = SharedThreshold(eta=0.1, target=2.0)


def source(**changes):
    return Population(**{"name": "lgn", "shape": (2, 4, 4), "neuron": SpikeSource(), **changes})


def layer(**changes):
    return Population(**{"name": "v1", "shape": (3, 3, 3), "neuron": LIF, **changes})


def feed(**changes):
    return Projection(**{"pre": "lgn", "post": "v1", "connector": CONVOLUTION, **changes})


def lateral(**changes):
    settings = {"pre": "v1", "post": "v1", "connector": LATERAL, "receptor": "membrane"}
    return Projection(**{**settings, "weight": -1.0, **changes})


def network(populations=None, projections=None):
    return Network(
        populations or (source(), layer(homeostasis=HOMEOSTASIS)),
        projections or (feed(plasticity=RULE), lateral()),
    )


def test_a_network_knows_its_parts():
    made = network()
    assert made.population("v1").size == 27
    assert made.projection("lgn_v1").kernel.shape == (3, 2, 2, 2)
    assert [p.name for p in made.incoming("v1")] == ["lgn_v1", "v1_v1"]
    assert [p.name for p in made.sources] == ["lgn"]
    assert made.learns
    assert not made.without_plasticity().learns
    for ask in (made.population, made.projection):
        with pytest.raises(SpecError, match="'x'; there are"):
            ask("x")


def test_units_are_stripped():
    population = layer(
        parameters={"tau_m": ["15 ms", 0.02e3, "0.03 s"], "cm": "250 pF"}, field_of_view="0.5 deg"
    )
    np.testing.assert_array_equal(population.parameters["tau_m"], [15.0, 20.0, 30.0])
    assert population.parameters["cm"] == 0.25
    assert population.field_of_view == 0.5
    made = network(projections=(feed(weight="250 pA", delay="0.5 ms"), lateral(weight="-1 mV")))
    # nA on a current, mV on the membrane; the order of a channel's values is that of channels.
    assert [p.weight for p in made.projections] == [0.25, -1.0]
    assert made.projections[0].delay == 0.5


def test_values_are_given_for_every_channel():
    values = layer(parameters={"tau_m": [15.0, 20.0, 30.0], "cm": 0.25}).values()
    assert set(values) == set(LIF.parameters)
    np.testing.assert_array_equal(values["tau_m"], [15.0, 20.0, 30.0])
    np.testing.assert_array_equal(values["cm"], [0.25] * 3)
    np.testing.assert_array_equal(values["v_rest"], [LIF.parameters["v_rest"].default] * 3)


def test_a_network_does_not_change_what_it_is_made_of():
    projection = feed(weight="1 nA")
    network(projections=(projection,))
    assert projection.weight == "1 nA"
    # In another network the same projection is refused where nA do not fit.
    with pytest.raises(SpecError, match="voltage is needed"):
        network(projections=(dataclasses.replace(projection, receptor="membrane"),))


POPULATIONS = [
    ({"name": "a b"}, "population.name"),
    ({"name": "a/b"}, "population.name"),
    ({"name": 3}, "population.name"),
    ({"shape": (3, 3)}, "population 'v1'"),
    ({"shape": (3, 3, 0)}, "population 'v1'"),
    ({"shape": (3, 3, 1.5)}, "population 'v1'"),
    ({"shape": 9}, "population 'v1'"),
    ({"shape": (2, 2**15, 2**15)}, "population 'v1'"),
    ({"shape": "3x3"}, "population 'v1'"),
    ({"neuron": "LIF"}, "population 'v1'.neuron"),
    ({"parameters": [1.0]}, "population 'v1'.parameters"),
    ({"parameters": {"tau": 1.0}}, "population 'v1'.parameters.tau"),
    ({"parameters": {"tau_m": "20 mV"}}, "population 'v1'.parameters.tau_m"),
    ({"parameters": {"tau_m": [1.0, 2.0]}}, "population 'v1'.parameters.tau_m"),
    ({"parameters": {"tau_m": np.ones((3, 3))}}, "population 'v1'.parameters.tau_m"),
    ({"parameters": {"tau_m": [1.0, 2.0, float("nan")]}}, "population 'v1'.parameters.tau_m"),
    ({"parameters": {"tau_m": None}}, "population 'v1'.parameters.tau_m"),
    ({"field_of_view": "2 ms"}, "population 'v1'.field_of_view"),
    ({"field_of_view": 0}, "population 'v1'.field_of_view"),
    (
        {"homeostasis": SharedThreshold(eta=1, target=1, parameter="v_th")},
        "population 'v1'.parameters.v_th",
    ),
    (
        {"homeostasis": SharedThreshold(eta=1, target=1, parameter="tau_m")},
        "population 'v1'.homeostasis.parameter",
    ),
    ({"homeostasis": SharedThreshold(eta=1, target=(1, 2))}, "homeostasis.target"),
    ({"competition": {"radius": 1}}, "population 'v1'.competition"),
    ({"neuron": SpikeSource(), "competition": WinnerTakeAll()}, "population 'v1'.competition"),
    ({"neuron": SpikeSource(), "homeostasis": HOMEOSTASIS}, "population 'v1'"),
    ({"neuron": SpikeSource(), "parameters": {"cm": 1.0}}, "population 'v1'.parameters.cm"),
]


@pytest.mark.parametrize(("change", "where"), POPULATIONS, ids=range(len(POPULATIONS)))
def test_population_refuses(change, where):
    with pytest.raises(SpecError) as caught:
        layer(**change)
    assert caught.value.where == where


PROJECTIONS = [
    ({"pre": "l.gn"}, "projection.pre"),
    ({"post": None}, "projection.post"),
    ({"name": "a b"}, "projection.name"),
    ({"connector": KERNEL}, "projection 'lgn_v1'.connector"),
    ({"connector": dataclasses.replace(CONVOLUTION, delay=2.0)}, "projection 'lgn_v1'.delay"),
    ({"delay": 0}, "projection 'lgn_v1'.delay"),
    ({"delay": -1.0}, "projection 'lgn_v1'.delay"),
    ({"delay": "1 mV"}, "projection 'lgn_v1'.delay"),
    ({"plasticity": HOMEOSTASIS}, "projection 'lgn_v1'.plasticity"),
]


@pytest.mark.parametrize(("change", "where"), PROJECTIONS, ids=range(len(PROJECTIONS)))
def test_projection_refuses(change, where):
    with pytest.raises(SpecError) as caught:
        feed(**change)
    assert caught.value.where == where


NETWORKS = [
    ((source(), source()), (), "used twice"),
    ((source(), layer(name="lgn")), (), "used twice"),
    ((source(), layer(name="lgn_v1")), (feed(post="lgn_v1", name="lgn_v1"),), "used twice"),
    ((source(), layer()), (feed(), feed()), "used twice"),
    ((source(), layer()), (feed(pre="x"),), "no population 'x'"),
    ((source(), layer()), (feed(post="x"),), "no population 'x'"),
    ((source(shape=(2, 5, 5)), layer()), (feed(),), r"needs \(2, 4, 4\)"),
    ((source(), layer(shape=(3, 4, 4))), (feed(),), r"needs \(3, 3, 3\)"),
    ((source(), layer(neuron=SpikeSource())), (feed(),), "takes no input"),
    ((source(), layer()), (feed(receptor="nmda"),), "no receptor 'nmda'"),
    ((source(), layer()), (feed(receptor=["membrane"]),), "no receptor"),
    ((source(), layer()), (feed(weight="1 mV"),), "current is needed"),
    ((source(), layer()), (feed(weight=float("nan")),), "not finite"),
    ((source(), layer()), (feed(plasticity=SharedSTDP(w_max=0.5)),), "outside the rule's bounds"),
    ((source(), layer()), (feed(plasticity=SharedSTDP(w_min=0.5)),), "outside the rule's bounds"),
    (
        (source(), layer()),
        (feed(plasticity=SharedSTDP(normalisation=Normalisation(99.0))),),
        r"lgn_v1'\.plasticity\.normalisation\.target: .* at most",
    ),
    ((source(), "v1"), (), "is not a Population"),
    ((source(), layer()), (CONVOLUTION,), "is not a Projection"),
]


@pytest.mark.parametrize(
    ("populations", "projections", "message"), NETWORKS, ids=range(len(NETWORKS))
)
def test_network_refuses(populations, projections, message):
    with pytest.raises(SpecError, match=message):
        Network(populations, projections)


def test_a_model_without_receptors_takes_no_input():
    deaf = NeuronModel(
        "Deaf",
        "dv/dt = -v/tau : volt",
        "v > th",
        "v = th",
        {"tau": Parameter(5, "ms"), "th": Parameter(1, "mV")},
        {},
    )
    with pytest.raises(SpecError, match="it has none"):
        network((source(), layer(neuron=deaf)), (feed(),))


def test_learned_weights_are_put_in_place():
    made = network()
    kernel, thresholds = np.full_like(KERNEL, 0.5), np.array([-52.0, -51.0, -50.0])
    after = made.with_weights({"lgn_v1": kernel, "v1": thresholds})
    np.testing.assert_array_equal(after.projection("lgn_v1").kernel, kernel)
    np.testing.assert_array_equal(after.population("v1").parameters["v_thresh"], thresholds)
    np.testing.assert_array_equal(made.projection("lgn_v1").kernel, KERNEL)
    assert after.learns
    assert made.with_weights({}).digest() == made.digest()


@pytest.mark.parametrize(
    "weights",
    [
        {"x": KERNEL},
        {"lgn": KERNEL},
        {"lgn_v1": KERNEL[:2]},
        {"lgn_v1": KERNEL * np.nan},
        {"lgn_v1": KERNEL + 1.0},
        {"v1": [1.0, 2.0]},
        {"v1": [1.0, 2.0, np.inf]},
    ],
)
def test_weights_that_do_not_fit_are_refused(weights):
    with pytest.raises(SpecError):
        network().with_weights(weights)


def test_without_plasticity_the_rest_stays():
    fixed = network().without_plasticity()
    assert fixed.population("v1").homeostasis is None
    assert fixed.projection("lgn_v1").plasticity is None
    np.testing.assert_array_equal(fixed.projection("lgn_v1").kernel, KERNEL)
    with pytest.raises(SpecError, match="'v1' has no weights"):
        fixed.with_weights({"v1": [1.0, 1.0, 1.0]})


def test_without_plasticity_only_what_silences_stays():
    for competition, left in (
        (WinnerTakeAll(radius=1), None),
        (WinnerTakeAll(radius=1, silence=True), WinnerTakeAll(radius=1, silence=True)),
    ):
        made = network((source(), layer(competition=competition)), (feed(),))
        assert made.without_plasticity().population("v1").competition == left


CHANGES = {
    "competition": lambda: network(
        (source(), layer(homeostasis=HOMEOSTASIS, competition=WinnerTakeAll()))
    ),
    "normalisation": lambda: network(
        projections=(
            feed(plasticity=SharedSTDP(a_plus=0.02, normalisation=Normalisation(2.0))),
            lateral(),
        )
    ),
    "shape": lambda: network((source(name="x"), layer()), (feed(pre="x", name="lgn_v1"),)),
    "neuron": lambda: network((source(), layer(neuron=IF, homeostasis=HOMEOSTASIS))),
    "parameter": lambda: network(
        (source(), layer(parameters={"cm": 0.5}, homeostasis=HOMEOSTASIS))
    ),
    "field": lambda: network((source(), layer(field_of_view=1.0, homeostasis=HOMEOSTASIS))),
    "homeostasis": lambda: network((source(), layer())),
    "eta": lambda: network(
        (source(), layer(homeostasis=dataclasses.replace(HOMEOSTASIS, eta=0.2)))
    ),
    "weight": lambda: network(projections=(feed(plasticity=RULE, weight=2.0), lateral())),
    "delay": lambda: network(projections=(feed(plasticity=RULE, delay=2.0), lateral())),
    "receptor": lambda: network(
        projections=(feed(plasticity=RULE, receptor="membrane"), lateral())
    ),
    "rule": lambda: network(projections=(feed(), lateral())),
    "rate": lambda: network(projections=(feed(plasticity=SharedSTDP(a_plus=0.03)), lateral())),
    "projection": lambda: network(projections=(feed(plasticity=RULE),)),
    "order": lambda: network(projections=(lateral(), feed(plasticity=RULE))),
    "kernel": lambda: network().with_weights({"lgn_v1": KERNEL * 0.5}),
    "threshold": lambda: network().with_weights({"v1": [-50.0, -50.0, -49.0]}),
    "scope": lambda: network(
        projections=(
            feed(plasticity=RULE),
            lateral(connector=LateralInhibitionConnector((3, 3, 3), "both", 1)),
        )
    ),
}


def test_the_digest_changes_with_all_that_changes_the_result():
    digests = {name: make().digest() for name, make in CHANGES.items()}
    assert len({network().digest(), *digests.values()}) == len(CHANGES) + 1


def test_the_digest_is_the_same_however_values_are_written():
    one = network((source(), layer(parameters={"tau_m": 15, "cm": 0.25})), (feed(weight=1),))
    other = network(
        (source(shape=[2, 4, 4]), layer(parameters={"cm": "250 pF", "tau_m": "0.015 s"})),
        (feed(weight="1 nA", delay="1 ms"),),
    )
    assert one.digest() == other.digest()
    assert len(one.digest()) == 64
