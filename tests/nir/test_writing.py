"""A network that is written and read again fires its own spikes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scnnbio.connectors import (
    ConvolutionConnector,
    DenseConnector,
    EdgeListConnector,
    PoolingConnector,
)
from scnnbio.errors import BackendMissing, DataError, UnsupportedError
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIBRARY, PoissonNoise
from scnnbio.nir import FromNIR, as_graph, read, write, writing
from scnnbio.nir.cells import PERFECT
from scnnbio.plasticity import SharedSTDP, SharedThreshold
from scnnbio.population import Population, SpikeSource
from tests.nir.test_reading import drawn, fired

nir = pytest.importorskip("nir")

EYE = (2, 6, 6)
VALUES: dict[str, Any] = {"v_rest": 0.0, "v_reset": -0.1, "v_thresh": 0.8, "tau_refrac": 0.0}


def network(**changes: Any) -> Network:
    """A convolution, pooling, a dense layer that feeds itself, and a way past the pooling."""
    rng = np.random.default_rng(3)
    kernel = rng.normal(0.1, 0.4, (4, 1, 3, 3))
    conv = ConvolutionConnector(kernel, EYE, padding=1, groups=2, stride=(1, 2))
    pool = PoolingConnector(conv.out_shape, (2, 3), mode="average", weight=2.0)
    size = int(np.prod(pool.out_shape))
    dense = DenseConnector(rng.normal(0.1, 0.4, (5, size)), pool.out_shape)
    past = DenseConnector(rng.normal(0.0, 0.1, (5, 72)), conv.out_shape)
    within = EdgeListConnector(
        (5, 1, 1), (5, 1, 1), ([0, 2, 2], [1, 3, 4]), weight=[0.4, -0.5, 0.3]
    )
    cell = LIBRARY["LIF_curr_delta"]
    made = {
        "conv": {**VALUES, "tau_m": [6.0, 8.0, 10.0, 12.0]},
        "out": {**VALUES, "v_rest": 0.1, "tau_m": np.linspace(5, 9, 5).reshape(5, 1, 1)},
    }
    populations = (
        Population("eye", EYE, SpikeSource()),
        Population("conv", conv.out_shape, cell, made["conv"]),
        Population("pool", pool.out_shape, PERFECT, VALUES),
        Population("out", (5, 1, 1), cell, made["out"]),
    )
    projections = (
        Projection("eye", "conv", conv, weight=1.5, receptor="membrane"),
        Projection("conv", "pool", pool, delay=3.0, receptor="membrane"),
        Projection("pool", "out", dense, receptor="membrane"),
        Projection("conv", "out", past, delay=2.0, receptor="membrane"),
        Projection("out", "out", within, delay=2.0, receptor="membrane"),
    )
    changed = {"populations": populations, "projections": projections, **changes}
    return Network(**changed)


#: The least that all ways to each population take.
SHIFT = {"eye": 0, "conv": 1, "pool": 4, "out": 3}


def test_a_round_trip_fires_the_networks_own_spikes(tmp_path: Path) -> None:
    ours = network()
    write(tmp_path / "net.nir", ours, "1 ms")
    assert [p.name for p in tmp_path.iterdir()] == ["net.nir"]
    again = read(tmp_path / "net.nir", 1.0, integration="euler")
    given = drawn(EYE)
    before, after = fired(FromNIR(ours, SHIFT, 1.0, {}), given), fired(again, given)
    for name in ("conv", "pool", "out"):
        assert before[name].sum() > 20, name
        np.testing.assert_array_equal(after[name], before[name])
    # And its numbers, up to rounding.
    for population in ours.populations[1:]:
        theirs = again.network.population(population.name).values()
        for name, value in population.values().items():
            np.testing.assert_allclose(theirs[name], np.broadcast_to(value, theirs[name].shape),
                                       rtol=1e-13, atol=1e-15)  # fmt: skip
    for name in ("eye_conv", "pool_out"):
        one, other = ours.projection(name), again.network.projection(name)
        assert type(one.connector) is type(other.connector)
        np.testing.assert_allclose(other.weight * other.kernel, one.weight * one.kernel, rtol=1e-13)


def test_layers_of_both_kinds_and_names_of_nodes_round_trip() -> None:
    """A convolution behind a matrix, both into one layer, and populations named like nodes."""
    rng, cell = np.random.default_rng(0), LIBRARY["LIF_curr_delta"]
    values = {**VALUES, "tau_m": [5.0, 8.0]}
    conv = ConvolutionConnector(rng.normal(0.2, 0.3, (2, 2, 3, 3)), EYE)
    dense = DenseConnector(rng.normal(0, 0.2, (32, 72)), EYE, (2, 4, 4))
    again = ConvolutionConnector(rng.normal(0.2, 0.3, (2, 2, 3, 3)), (2, 4, 4))
    made = Network(
        (
            Population("eye", EYE, SpikeSource()),
            Population("dense_delay", (2, 4, 4), cell, values),
            Population("last_output", (2, 2, 2), cell, values),
            Population("last", (2, 2, 2), cell, values),
        ),
        (
            Projection("eye", "dense_delay", conv, receptor="membrane", name="conv"),
            Projection("eye", "dense_delay", dense, receptor="membrane", name="dense", delay=3.0),
            Projection("dense_delay", "last_output", again, receptor="membrane"),
            Projection("dense_delay", "last", again, receptor="membrane"),
        ),
    )
    shift = {"eye": 0, "dense_delay": 1, "last_output": 2, "last": 2}
    given = drawn(EYE)
    before = fired(FromNIR(made, shift, 1.0, {}), given)
    after = fired(read(as_graph(made, 1.0), 1.0), given)
    for name in ("dense_delay", "last_output", "last"):
        assert before[name].sum() > 20, name
        np.testing.assert_array_equal(after[name], before[name])


def test_what_is_written_again_is_the_same_graph(tmp_path: Path) -> None:
    """From the graph that was read once: names, edges, and numbers up to rounding."""
    first = as_graph(network(), 1.0)
    names = set(first.nodes)
    write(tmp_path / "one.nir", network(), 1.0)
    from_file = nir.read(tmp_path / "one.nir", type_check=False)
    assert set(from_file.nodes) == names
    assert sorted(from_file.edges) == sorted(first.edges)
    for name, node in first.nodes.items():
        theirs = from_file.nodes[name]
        assert type(theirs) is type(node)
        for field in dataclasses.fields(node):
            value = getattr(node, field.name)
            if isinstance(value, np.ndarray):
                np.testing.assert_array_equal(getattr(theirs, field.name), value)


def _with(population: str = "", projection: str = "", **changes: Any) -> Network:
    made = network()
    return Network(
        tuple(
            dataclasses.replace(p, **changes) if p.name == population else p
            for p in made.populations
        ),
        tuple(
            dataclasses.replace(p, **changes) if p.name == projection else p
            for p in made.projections
        ),
    )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (lambda: _with("conv", neuron=LIBRARY["LIF"], parameters={}), "a graph has no LIF"),
        (lambda: _with("conv", parameters={**VALUES, "tau_refrac": 2.0}), "no refractory period"),
        (lambda: _with("pool", parameters={**VALUES, "i_offset": 0.1}), "constant current"),
        (lambda: _with("conv", initial={"v": 0.1}), "initial value"),
        (lambda: _with("conv", homeostasis=SharedThreshold(eta=0.1, target=5.0)), "no homeostasis"),
        (lambda: _with("conv", noise=PoissonNoise(40.0, 0.3, receptor="membrane")), "no backgr"),
        (lambda: _with("pool", parameters={**VALUES, "v_rest": 0.2}), "begins elsewhere than at 0"),
        (lambda: _with("out", parameters={**VALUES, "v_rest": 0.9}), "begins at its threshold"),
        (lambda: _with(projection="conv_pool", delay=1.5), r"a delay of 1\.5 ms in steps of 1 ms"),
        (lambda: _with(projection="eye_conv", plasticity=SharedSTDP(w_min=-5.0, w_max=5.0)),
         "a graph learns nothing"),
        (lambda: _with(projection="conv_pool",
                       connector=PoolingConnector((4, 6, 3), (2, 3), mode="first-spike")),
         "no pooling by first spikes"),
    ],
)  # fmt: skip
def test_what_a_graph_cannot_hold_is_refused(changed: Any, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message) as caught:
        as_graph(changed(), 1.0)
    assert "\n" not in str(caught.value)


def test_loops_over_several_layers_are_refused() -> None:
    made = network()
    back = Projection(
        "out", "conv", DenseConnector(np.ones((72, 5)), (5, 1, 1), (4, 6, 3)), receptor="membrane"
    )
    with pytest.raises(UnsupportedError, match="a loop over several layers"):
        as_graph(Network(made.populations, (*made.projections, back)), 1.0)


def test_a_file_that_cannot_be_written_and_a_package_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError, match="cannot be written"):
        write(tmp_path / "absent" / "net.nir", network(), 1.0)
    monkeypatch.setattr(writing.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BackendMissing, match=r"nir not found: pip install '\.\[nir\]'"):
        write(tmp_path / "net.nir", network(), 1.0)
