"""Connectors inside PyNN scripts: edge for edge, weight for weight, on each simulator.

pyNN.mock takes PyNN's portable path; pyNN.brian2 and pyNN.nest take the edges in bulk, and the
portable path besides, which must store the same.
"""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from scnnbio.connectors import (
    ConvolutionConnector,
    LateralInhibitionConnector,
    PoolingConnector,
    wiring,
)
from scnnbio.errors import SpecError
from scnnbio.geometry import convolution_edges_oracle
from tests.connectors.scripts import SIMULATORS, cells, kernel, signed_kernel, sources, start


def stored(projection):
    """(pre, post, weight, delay) of each connection, sorted."""
    rows = projection.get(["weight", "delay"], format="list")
    return np.array(sorted(tuple(float(value) for value in row) for row in rows)).reshape(-1, 4)


def expected(connector, delay, sign=1.0):
    edges = convolution_edges_oracle(
        connector.in_shape,
        connector.kernel.shape,
        connector.stride,
        connector.padding,
        connector.groups,
    )
    present, kernel = connector.present.ravel(), connector.kernel.ravel()
    lags = connector.lags or (0.0,)
    rows = sorted(
        (pre, post, sign * kernel[t], delay + lags[t % len(lags)])
        for pre, post, t in edges
        if present[t]
    )
    return np.array(rows).reshape(-1, 4)


def assert_same_connections(projection, rows):
    found = stored(projection)
    np.testing.assert_array_equal(found[:, :2], rows[:, :2])
    # NEST holds pA and gives nA back: equal to rounding.
    np.testing.assert_allclose(found[:, 2:], rows[:, 2:], rtol=1e-12, atol=1e-15)


@pytest.mark.slow
@pytest.mark.parametrize(
    "connector",
    [
        ConvolutionConnector(kernel(3, 2, 3, 2), (2, 5, 4)),
        ConvolutionConnector(kernel(2, 2, 3, 3), (2, 4, 4), padding="same"),
        ConvolutionConnector(kernel(2, 1, 2, 3), (1, 5, 6), stride=(2, 3), padding=(1, 2)),
        ConvolutionConnector(kernel(1, 2, 4, 4), (2, 4, 4)),
        ConvolutionConnector(kernel(3, 2, 3), (2, 8), stride=2, padding=1),
        ConvolutionConnector(kernel(2, 2, 2, 3, 3), (2, 4, 4), lags=[0.0, 0.5, 2.0]),
        ConvolutionConnector(kernel(4, 1, 2, 3), (2, 4, 4), stride=(2, 1), groups=2),
        PoolingConnector((2, 5, 4), 2, padding=1, mode="average"),
        PoolingConnector((2, 5, 4), (3, 2), 1, mode="sum", weight=0.5),
    ],
    ids=["valid", "same", "strided", "one-place", "line", "lags", "groups", "average", "sum"],
)
def test_convolution_is_stored_edge_for_edge(sim, connector):
    pre, post = sources(sim, connector.in_shape), cells(sim, connector.out_shape)
    projection = sim.Projection(pre, post, connector, sim.StaticSynapse(delay=1.0))
    assert_same_connections(projection, expected(connector, 1.0))
    assert len(projection) == len(connector.edges())


def test_a_single_connection(sim):
    connector = ConvolutionConnector([[[[0.5]]]], (1, 1, 1))
    pre, post = sources(sim, (1, 1, 1)), cells(sim, (1, 1, 1))
    projection = sim.Projection(pre, post, connector, sim.StaticSynapse(delay=1.0))
    # As arrays: pyNN.brian2 cannot list a projection of one connection.
    for name, value in (("weight", 0.5), ("delay", 1.0)):
        np.testing.assert_allclose(projection.get(name, format="array"), [[value]])


@pytest.mark.parametrize(("scope", "radius"), [("maps", 0), ("neighbourhood", 1), ("both", 1)])
@pytest.mark.parametrize(("kind", "sign"), [("IF_curr_exp", -1.0), ("IF_cond_exp", 1.0)])
def test_lateral_inhibition_has_the_sign_of_its_receptor(sim, scope, radius, kind, sign):
    connector = LateralInhibitionConnector((2, 3, 3), scope, radius, strength=0.5)
    layer = cells(sim, connector.shape, kind)
    projection = sim.Projection(
        layer, layer, connector, sim.StaticSynapse(delay=2.0), receptor_type="inhibitory"
    )
    assert_same_connections(projection, expected(connector, 2.0, sign))


def test_the_two_signs_on_two_receptors(sim):
    whole = ConvolutionConnector(signed_kernel(2, 1, 3, 3), (1, 4, 4))
    pre, synapse = sources(sim, whole.in_shape), sim.StaticSynapse(delay=1.0)
    positive, negative = whole.split_by_sign()
    currents, conductances = (
        cells(sim, whole.out_shape, kind) for kind in ("IF_curr_exp", "IF_cond_exp")
    )
    for post, part, receptor in [
        (currents, positive, "excitatory"),
        (currents, negative, "inhibitory"),
        (conductances, positive, "excitatory"),
        (conductances, negative.with_kernel(-negative.kernel), "inhibitory"),
    ]:
        projection = sim.Projection(pre, post, part, synapse, receptor_type=receptor)
        assert_same_connections(projection, expected(part, 1.0))


def test_kernel_replaces_the_weight_of_the_synapse(sim):
    connector = ConvolutionConnector(kernel(1, 1, 2, 2), (1, 3, 3))
    pre, post = sources(sim, connector.in_shape), cells(sim, connector.out_shape)
    projection = sim.Projection(pre, post, connector, sim.StaticSynapse(weight=7.0, delay=1.0))
    assert_same_connections(projection, expected(connector, 1.0))


def test_delay_of_the_connector_overrides(sim):
    connector = ConvolutionConnector(kernel(1, 1, 2, 2), (1, 3, 3), delay="3 ms")
    pre, post = sources(sim, connector.in_shape), cells(sim, connector.out_shape)
    projection = sim.Projection(pre, post, connector, sim.StaticSynapse(delay=1.0))
    assert_same_connections(projection, expected(connector, 3.0))


def test_delays_one_an_edge_or_random(mock):
    connector = ConvolutionConnector(kernel(2, 1, 2, 2), (1, 3, 3))
    pre, post = sources(mock, connector.in_shape), cells(mock, connector.out_shape)
    delays = np.linspace(1.0, 2.0, len(connector.edges()))
    projection = mock.Projection(pre, post, connector, mock.StaticSynapse(delay=delays))
    np.testing.assert_allclose(stored(projection)[:, 3], delays)
    random = mock.RandomDistribution("uniform", (1.0, 2.0), rng=mock.NumpyRNG(seed=1))
    projection = mock.Projection(pre, post, connector, mock.StaticSynapse(delay=random))
    drawn = stored(projection)[:, 3]
    assert len(set(drawn)) == len(drawn)
    assert ((drawn >= 1.0) & (drawn <= 2.0)).all()


@pytest.mark.parametrize("side", ["pre", "post"])
def test_views_take_their_own_numbering(sim, side):
    connector = ConvolutionConnector(kernel(2, 1, 2, 2), (1, 3, 3))
    pre, post = sources(sim, connector.in_shape), cells(sim, connector.out_shape)
    if side == "pre":
        pre = sources(sim, (12,))[2:11]
    else:
        post = cells(sim, (12,))[3:11]
    projection = sim.Projection(pre, post, connector, sim.StaticSynapse(delay=1.0))
    assert_same_connections(projection, expected(connector, 1.0))


def test_a_part_without_taps_connects_nothing(sim):
    _, nothing = ConvolutionConnector(np.ones((1, 1, 2, 2)), (1, 3, 3)).split_by_sign()
    pre, post = sources(sim, nothing.in_shape), cells(sim, nothing.out_shape)
    projection = sim.Projection(pre, post, nothing, sim.StaticSynapse(delay=1.0))
    assert len(projection) == 0


def test_bulk_stores_what_the_portable_path_stores(bulk_sim, monkeypatch):
    sim = bulk_sim
    connector = ConvolutionConnector(kernel(3, 2, 3, 3), (2, 5, 5), stride=2, padding=1)
    pre, post = sources(sim, connector.in_shape), cells(sim, connector.out_shape)
    synapse = sim.StaticSynapse(delay=0.26)  # off the grid: both round to the step
    in_bulk = sim.Projection(pre, post, connector, synapse)
    monkeypatch.setattr(wiring, "_IN_BULK", {})
    by_cell = sim.Projection(pre, post, connector, synapse)
    np.testing.assert_allclose(stored(in_bulk), stored(by_cell), rtol=1e-12)
    assert len(in_bulk) == len(by_cell)


@pytest.mark.nest
def test_numbered_receptors_on_nest(monkeypatch):
    sim = start("nest")
    connector = ConvolutionConnector(kernel(2, 1, 2, 2), (1, 3, 3))
    pre = sources(sim, connector.in_shape)
    post = sim.Population(8, sim.native_cell_type("ht_neuron")())
    synapse, rows = sim.StaticSynapse(delay=1.0), []
    for in_bulk in (wiring._IN_BULK, {}):
        monkeypatch.setattr(wiring, "_IN_BULK", in_bulk)
        projection = sim.Projection(pre, post, connector, synapse, receptor_type="GABA_A")
        assert_same_connections(projection, expected(connector, 1.0))
        rows.append(projection.nest_connections.get("receptor"))
    assert (
        set(rows[0]) == set(rows[1]) == {3 - 1}
    )  # GABA_A is receptor 3, and its port counts from 0
    sim.end()


def test_assemblies_are_numbered_end_to_end(mock):
    connector = ConvolutionConnector(kernel(2, 2, 2, 2), (2, 3, 3))
    pre = sources(mock, (1, 3, 3)) + sources(mock, (1, 3, 3))
    post = cells(mock, (1, 2, 2)) + cells(mock, (1, 2, 2))
    # Named, for PyNN guesses the receptor of an Assembly from a set, in any order.
    synapse = mock.StaticSynapse(delay=1.0)
    projection = mock.Projection(pre, post, connector, synapse, receptor_type="excitatory")
    assert_same_connections(projection, expected(connector, 1.0))


def test_weights_can_be_set_afterwards(bulk_sim):
    sim = bulk_sim
    connector = ConvolutionConnector(kernel(2, 1, 2, 2), (1, 3, 3))
    pre, post = sources(sim, connector.in_shape), cells(sim, connector.out_shape)
    projection = sim.Projection(pre, post, connector, sim.StaticSynapse(delay=1.0))
    projection.set(weight=0.25)
    np.testing.assert_allclose(stored(projection)[:, 2], 0.25)


def test_plastic_synapses_start_from_the_kernel(bulk_sim):
    sim = bulk_sim
    connector = ConvolutionConnector(kernel(2, 1, 2, 2), (1, 3, 3))
    pre, post = sources(sim, connector.in_shape), cells(sim, connector.out_shape)
    stdp = sim.STDPMechanism(
        timing_dependence=sim.SpikePairRule(tau_plus=15.0),
        weight_dependence=sim.AdditiveWeightDependence(w_min=0.0, w_max=4.0),
        dendritic_delay_fraction=0 if sim.__name__.endswith("brian2") else 1.0,
        delay=1.0,
    )
    projection = sim.Projection(pre, post, connector, stdp)
    assert_same_connections(projection, expected(connector, 1.0))
    assert set(projection.get("tau_plus", format="list", with_address=False)) == {15.0}


def test_depressing_synapses_on_brian2(brian2):
    connector = ConvolutionConnector(kernel(1, 1, 2, 2), (1, 3, 3))
    pre, post = sources(brian2, connector.in_shape), cells(brian2, connector.out_shape)
    synapse = brian2.TsodyksMarkramSynapse(U=0.3, delay=1.0)
    projection = brian2.Projection(pre, post, connector, synapse)
    assert_same_connections(projection, expected(connector, 1.0))
    assert set(projection.get("U", format="list", with_address=False)) == {0.3}


def test_sizes_are_checked(mock):
    connector = ConvolutionConnector(kernel(2, 1, 2, 2), (1, 3, 3))
    nine, eight = cells(mock, (1, 3, 3)), cells(mock, (2, 2, 2))
    synapse = mock.StaticSynapse(delay=1.0)
    with pytest.raises(SpecError, match=r"pre-synaptic population has 8 cells.*has 9"):
        mock.Projection(eight, eight, connector, synapse)
    with pytest.raises(SpecError, match=r"post-synaptic population has 9 cells.*has 8"):
        mock.Projection(nine, nine, connector, synapse)


def test_signs_are_checked(mock):
    signed = ConvolutionConnector([[[[1.0, -1.0]]]], (1, 1, 3))
    pre, synapse = sources(mock, (3,)), mock.StaticSynapse(delay=1.0)
    currents, conductances = cells(mock, (2,)), cells(mock, (2,), "IF_cond_exp")
    for receptor in ("excitatory", "inhibitory"):
        with pytest.raises(SpecError, match="a conductance takes no negative"):
            mock.Projection(pre, conductances, signed, synapse, receptor_type=receptor)
    with pytest.raises(SpecError, match="takes no positive weights"):
        mock.Projection(pre, currents, signed, synapse, receptor_type="inhibitory")
    for taps in ([1.0, -1.0], [-1.0, -1.0]):
        refused = ConvolutionConnector([[[taps]]], (1, 1, 3))
        with pytest.raises(SpecError, match=r"no negative weights; use split_by_sign\(\)"):
            mock.Projection(pre, currents, refused, synapse, receptor_type="excitatory")
        with pytest.raises(SpecError, match="no negative weights"):
            mock.Projection(pre, currents, refused, synapse)  # PyNN's default is excitatory


def test_lateral_inhibition_refuses_to_excite(mock):
    layer = cells(mock, (2, 1, 1))
    with pytest.raises(SpecError, match="receptor_type='inhibitory'"):
        mock.Projection(
            layer, layer, LateralInhibitionConnector((2, 1, 1)), mock.StaticSynapse(delay=1.0)
        )


def test_delay_below_the_step_is_refused(sim):
    connector = ConvolutionConnector(kernel(1, 1, 2, 2), (1, 3, 3), delay=0.01)
    pre, post = sources(sim, connector.in_shape), cells(sim, connector.out_shape)
    with pytest.raises(SpecError, match=r"delay of 0.01 ms is below .* 0.1 ms"):
        sim.Projection(pre, post, connector, sim.StaticSynapse(delay=1.0))


@pytest.mark.parametrize("name", SIMULATORS)
def test_delay_below_the_minimum_is_refused(name):
    sim = start(name, min_delay=1.0)
    connector = ConvolutionConnector(kernel(1, 1, 2, 2), (1, 3, 3), delay=0.5)
    pre, post = sources(sim, connector.in_shape), cells(sim, connector.out_shape)
    with pytest.raises(SpecError, match=r"(?i)delay"):
        sim.Projection(pre, post, connector, sim.StaticSynapse(delay=1.0))
    at_least = ConvolutionConnector(connector.kernel, connector.in_shape, delay=1.0)
    assert len(sim.Projection(pre, post, at_least, sim.StaticSynapse())) == 16
    sim.end()


def test_short_delays_after_long_ones_are_taken(bulk_sim):
    sim = bulk_sim
    pre, post = sources(sim, (1, 3, 3)), cells(sim, (1, 2, 2))
    for delay in (2.0, 0.5):
        connector = ConvolutionConnector(kernel(1, 1, 2, 2), (1, 3, 3), delay=delay)
        projection = sim.Projection(pre, post, connector, sim.StaticSynapse(delay=1.0))
        assert_same_connections(projection, expected(connector, delay))


def test_functions_of_distance_are_refused(mock):
    connector = ConvolutionConnector(kernel(1, 1, 2, 2), (1, 3, 3))
    pre, post = sources(mock, connector.in_shape), cells(mock, connector.out_shape)
    with pytest.raises(SpecError, match="'delay' is a function of position"):
        mock.Projection(pre, post, connector, mock.StaticSynapse(delay="1.0 + d"))


def test_assemblies_are_refused_where_pynn_mixes_their_weights(brian2):
    connector = ConvolutionConnector(kernel(1, 2, 2, 2), (2, 3, 3))
    pre = sources(brian2, (1, 3, 3)) + sources(brian2, (1, 3, 3))
    with pytest.raises(SpecError, match="one projection per population"):
        brian2.Projection(pre, cells(brian2, (1, 2, 2)), connector, brian2.StaticSynapse(delay=1.0))


def test_only_cells_of_this_process_are_connected(mock):
    connector = ConvolutionConnector(kernel(2, 1, 2, 2), (1, 3, 3))
    pre, post = sources(mock, connector.in_shape), cells(mock, connector.out_shape)
    post._mask_local = np.arange(8) % 2 == 0  # as under MPI with two processes
    projection = mock.Projection(pre, post, connector, mock.StaticSynapse(delay=1.0))
    every = expected(connector, 1.0)
    assert_same_connections(projection, every[every[:, 1] % 2 == 0])


@pytest.mark.slow
def test_importing_the_connectors_imports_no_simulator():
    code = (
        "import sys, scnnbio.connectors;"
        " print(*{'brian2', 'nest', 'neuron', 'sympy'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
