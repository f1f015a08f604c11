"""Pooling as a value: windows, weights, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import block_reduce

from scnnbio.connectors import ConvolutionConnector, PoolingConnector
from scnnbio.errors import SpecError, UnsupportedError
from scnnbio.geometry import pooling_edges_oracle
from tests.connectors.scripts import cells, sources


def pooled(connector: PoolingConnector, layer: np.ndarray) -> np.ndarray:
    """What each target gets if every neuron fires as often as ``layer`` says."""
    edges = connector.edges()
    total = np.zeros(int(np.prod(connector.out_shape)))
    np.add.at(total, edges.post, connector.kernel.ravel()[edges.tap] * layer.ravel()[edges.pre])
    return total.reshape(connector.out_shape)


@pytest.mark.parametrize(("mode", "function"), [("sum", np.sum), ("average", np.mean)])
def test_tiled_windows_reduce_their_blocks(mode, function):
    layer = np.random.default_rng(0).normal(size=(3, 6, 8))
    connector = PoolingConnector(layer.shape, (3, 2), mode=mode, weight=2.0)
    # Oracle: scikit-image's reduction of blocks.
    expected = 2.0 * block_reduce(layer, (1, 3, 2), function)
    np.testing.assert_allclose(pooled(connector, layer), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("size", "stride", "padding", "out_shape"),
    [(2, None, 0, (2, 3, 3)), (3, 2, 1, (2, 4, 3)), ((2, 3), (1, 2), (0, 1), (2, 6, 3))],
)
def test_windows_may_overlap_and_reach_out(size, stride, padding, out_shape):
    made = PoolingConnector((2, 7, 6), size, stride, padding, mode="sum")
    edges = made.edges()
    found = list(zip(edges.pre.tolist(), edges.post.tolist(), edges.tap.tolist(), strict=True))
    assert found == pooling_edges_oracle((2, 7, 6), made.size, made.stride, made.padding)
    assert made.out_shape == out_shape
    assert made.kernel.shape == (2, 1, *made.size)  # depthwise, never channels x channels


@pytest.mark.parametrize(("size", "stride", "padding"), [(2, None, 0), (3, 2, 1), (5, 1, "same")])
def test_a_layer_in_one_dimension_is_one_row(size, stride, padding):
    """Window j of a channel holds the places from j stride - padding on."""
    made = PoolingConnector((3, 20), size, stride, padding, mode="sum")
    step, pad = stride or size, size // 2 if padding == "same" else padding
    edges = made.edges()
    found = list(zip(edges.pre.tolist(), edges.post.tolist(), edges.tap.tolist(), strict=True))
    n = (20 + 2 * pad - size) // step + 1
    assert made.out_shape == (3, 1, n)
    assert found == sorted(
        (channel * 20 + place, channel * n + j, channel * size + k)
        for channel in range(3)
        for j in range(n)
        for k in range(size)
        if 0 <= (place := j * step - pad + k) < 20
    )
    assert found == pooling_edges_oracle((3, 1, 20), (1, size), (1, step), (0, pad))
    # All that any backend sees of it.
    assert made == PoolingConnector((3, 1, 20), (1, size), (1, step), (0, pad), mode="sum")


def test_an_average_counts_the_silence_of_the_padding():
    made = PoolingConnector((1, 3, 3), 3, 1, "same", mode="average")
    np.testing.assert_allclose(pooled(made, np.ones((1, 3, 3)))[0], np.array(
        [[4, 6, 4], [6, 9, 6], [4, 6, 4]]
    ) / 9)  # fmt: skip


def test_value():
    made = PoolingConnector((2, 4, 4), 2, mode="first-spike", window="20 ms", weight=0.5)
    assert made == PoolingConnector([2, 4, 4], (2, 2), (2, 2), 0, "first-spike", 0.5, 20.0)
    others = [
        PoolingConnector((2, 4, 4), 2, mode="first-spike", weight=0.5),
        PoolingConnector((2, 4, 4), 2, mode="first-spike", window=10.0, weight=0.5),
        PoolingConnector((2, 4, 4), 2, mode="sum", weight=0.5),
        PoolingConnector((2, 4, 4), 2, mode="average", weight=2.0),  # the same kernel
        PoolingConnector((2, 4, 4), 2, mode="first-spike", window=20.0, weight=0.5, delay=1.0),
        ConvolutionConnector(np.full((2, 1, 2, 2), 0.5), (2, 4, 4), 2, groups=2),
    ]
    assert len({made, *others}) == len(others) + 1
    assert "mode='first-spike'" in repr(made)
    assert made.with_kernel(made.kernel) is made
    with pytest.raises(SpecError, match="ConvolutionConnector with groups = 2"):
        made.with_kernel(2 * made.kernel)


@pytest.mark.parametrize(
    ("parameters", "where", "says"),
    [
        ({"mode": "max"}, "mode", "'first-spike'"),
        ({"size": 0}, "size", "at least 1"),
        ({"size": 5}, "kernel", "larger than the input"),
        ({"stride": 0}, "stride", "at least 1"),
        ({"padding": -1}, "padding", "at least 0"),
        ({"weight": np.nan}, "weight", "finite"),
        ({"window": 10.0}, "window", "leave the window out"),
        ({"mode": "first-spike", "window": 0}, "window", "not positive"),
        ({"mode": "first-spike", "window": "1 mV"}, "window", "time"),
        ({"in_shape": (4,)}, "in_shape", "3 positive integers"),
        ({"in_shape": (2, 4), "size": (1, 2)}, "size", "give one integer"),
        ({"in_shape": (2, 4), "stride": (1, 2)}, "stride", "give one integer"),
        ({"in_shape": (2, 4), "padding": (0, 1)}, "padding", "give one integer"),
        ({"delay": -1.0}, "delay", "before the spike"),
    ],
)
def test_what_is_refused(parameters, where, says):
    with pytest.raises(SpecError) as caught:
        PoolingConnector(**{"in_shape": (2, 4, 4), "size": 2, **parameters})
    assert caught.value.where == where
    assert says in caught.value.message


@pytest.mark.slow
def test_a_script_cannot_stop_later_spikes(sim):
    connector = PoolingConnector((2, 4, 4), 2, mode="first-spike")
    pre, post = sources(sim, connector.in_shape), cells(sim, connector.out_shape)
    with pytest.raises(UnsupportedError, match="first spike; use mode 'sum'"):
        sim.Projection(pre, post, connector, sim.StaticSynapse(delay=1.0))
