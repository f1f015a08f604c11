"""The value: its shapes, digest, sign split, and what it refuses."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest
import quantities as pq
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scnnbio.connectors import ConvolutionConnector, KernelConnector
from scnnbio.errors import SpecError
from scnnbio.geometry import convolution_edges_oracle

KERNEL = np.random.default_rng(0).normal(size=(3, 2, 3, 2))
LAGGED = np.random.default_rng(1).normal(size=(3, 2, 3, 2, 3))


def connector(kernel=KERNEL, in_shape=(2, 5, 6), **parameters):
    return ConvolutionConnector(kernel, in_shape, **parameters)


def triples(edges):
    return list(zip(edges.pre.tolist(), edges.post.tolist(), edges.tap.tolist(), strict=True))


def test_fields_are_in_their_plain_form():
    made = connector(KERNEL.astype(np.float32), np.array([2, 5, 6]), stride=2, padding=(1, 0))
    assert (made.in_shape, made.stride, made.padding) == ((2, 5, 6), (2, 2), (1, 0))
    assert made.out_shape == (3, 3, 3)  # (5 + 2 - 3) // 2 + 1 and (6 - 2) // 2 + 1
    assert made.kernel.dtype == np.float64
    assert made.delay is None
    assert isinstance(made, KernelConnector)


def test_edges_are_those_of_the_oracle():
    made = connector(stride=(2, 1), padding=(1, 0))
    expected = convolution_edges_oracle((2, 5, 6), (3, 2, 3, 2), (2, 1), (1, 0))
    assert triples(made.edges()) == expected


def test_a_line_is_one_row():
    kernel = KERNEL[:, :, 0, :]
    line = ConvolutionConnector(kernel, (2, 9), stride=2, padding=1)
    assert line.in_shape == (2, 1, 9)
    assert line.out_shape == (3, 1, 5)  # (9 + 2 - 2) // 2 + 1; silence along the line only
    assert line == connector(kernel[:, :, None, :], (2, 1, 9), stride=(1, 2), padding=(0, 1))
    assert line.with_kernel(2 * line.kernel).out_shape == line.out_shape
    assert ConvolutionConnector(np.ones((1, 1, 3)), (1, 9), padding="same").out_shape == (1, 1, 9)


def test_the_value_does_not_change():
    kernel = KERNEL.copy()
    made = connector(kernel)
    digest = made.digest()
    kernel[:] = 0
    assert made.digest() == digest
    with pytest.raises(ValueError, match="read-only"):
        made.kernel[0, 0, 0, 0] = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.delay = 2.0
    assert copy.deepcopy(made) == made


@pytest.mark.parametrize(
    "other",
    [
        connector(KERNEL + 1e-12),
        connector(in_shape=(2, 5, 7)),
        connector(stride=(1, 2)),
        connector(padding=(0, 1)),
        connector(delay=1.0),
        connector(KERNEL[..., None], lags=[0.0]),
        connector(KERNEL[..., None], lags=[5.0]),
        connector(KERNEL[:, :1].repeat(2, 0), groups=2),
        connector(np.where(KERNEL > 0, KERNEL, 0.0)),
        connector(KERNEL.reshape(2, 3, 3, 2).transpose(1, 0, 2, 3)),
        "not a connector",
    ],
)
def test_equality_sees_every_difference(other):
    assert connector() != other


def test_equality_is_by_value():
    assert connector() == connector(KERNEL.tolist(), [2, 5, 6], stride=(1, 1), padding="valid")
    assert len({connector(), connector(), connector(delay=1)}) == 2
    zeros = np.zeros_like(KERNEL)
    assert connector(-zeros) == connector(zeros)
    assert connector(zeros) != connector(zeros, connect_zeros=False)
    assert connector(delay="1 ms").digest() == connector(delay=0.001 * pq.s).digest()
    assert len(connector().digest()) == 64


def test_with_kernel_keeps_everything_else():
    made = connector(stride=(2, 1), padding=(1, 0), delay=1.5, connect_zeros=False)
    other = made.with_kernel(2 * KERNEL)
    np.testing.assert_array_equal(other.kernel, 2 * KERNEL)
    assert other.with_kernel(KERNEL) == made
    with pytest.raises(SpecError, match=r"kernel of shape \(3, 2, 3, 3\) in place of"):
        made.with_kernel(np.ones((3, 2, 3, 3)))


@settings(deadline=None)
@given(
    hnp.arrays(np.float64, (2, 1, 2, 3), elements=st.sampled_from([-1.5, -0.0, 0.0, 0.25])),
)
def test_split_by_sign_parts_the_edges(kernel):
    whole = ConvolutionConnector(kernel, (1, 4, 4), delay=2.0)
    positive, negative = whole.split_by_sign()
    np.testing.assert_array_equal(positive.kernel + negative.kernel, kernel)
    # Definition: each edge of the whole is in the part of its sign, and nowhere if it is zero.
    sign = np.sign(kernel.ravel())
    edges = triples(whole.edges())
    assert triples(positive.edges()) == [edge for edge in edges if sign[edge[2]] > 0]
    assert triples(negative.edges()) == [edge for edge in edges if sign[edge[2]] < 0]
    assert positive.delay == negative.delay == 2.0


def test_zero_taps_connect_unless_told_otherwise():
    kernel = np.array([[[[1.0, 0.0, -1.0]]]])
    assert len(ConvolutionConnector(kernel, (1, 1, 3)).edges()) == 3
    assert len(ConvolutionConnector(kernel, (1, 1, 3), connect_zeros=False).edges()) == 2


def test_a_kernel_with_lags_is_one_kernel_after_another():
    made = connector(LAGGED, lags=["0 ms", 5, 0.0125 * pq.s], stride=2)
    assert made.lags == (0.0, 5.0, 12.5)
    edges = made.edges()
    # Oracle: the edges of each lag's kernel by itself, whose tap t is tap 3 t + lag of the whole.
    expected = sorted(
        (pre, post, 3 * tap + lag, delay)
        for lag, delay in enumerate((0.0, 5.0, 12.5))
        for pre, post, tap in triples(connector(LAGGED[..., lag], stride=2).edges())
    )
    found = zip(*zip(*triples(edges), strict=True), made.edge_lags(edges).tolist(), strict=True)
    assert list(found) == expected
    other = made.with_kernel(2 * LAGGED)
    assert other.lags == made.lags
    assert other.with_kernel(LAGGED) == made
    positive, negative = made.split_by_sign()
    np.testing.assert_array_equal(positive.kernel + negative.kernel, LAGGED)
    assert len(positive.edges()) + len(negative.edges()) == len(edges)


def test_a_line_with_lags():
    line = ConvolutionConnector(LAGGED[:, :, 0], (2, 9), lags=[0, 1, 2])
    assert line.out_shape == (3, 1, 8)
    assert line == connector(LAGGED[:, :, :1], (2, 1, 9), lags=(0, 1, 2))


def delayed(lag, lags=(0, "2 ms", 5)):
    kernel = np.arange(6.0).reshape(1, 2, 3)
    return ConvolutionConnector.delayed(kernel, lag, lags, (2, 9), stride=2)


def test_a_kernel_with_delays_is_the_kernel_with_a_lag_for_each_weight():
    """Each connection of the plain kernel, whose weights are all different, at its own lag."""
    lag = np.array([[[5.0, 0.0, 2.0], [2.0, 5.0, 0.0]]])
    made = delayed(lag)
    plain = ConvolutionConnector(
        np.arange(6.0).reshape(1, 2, 3), (2, 9), stride=2, connect_zeros=False
    )
    ours, theirs = made.edges(), plain.edges()
    weights = plain.kernel.ravel()[theirs.tap]
    rows = [
        np.stack([ours.pre, ours.post, made.kernel.ravel()[ours.tap], made.edge_lags(ours)]),
        np.stack([theirs.pre, theirs.post, weights, lag.ravel()[weights.astype(int)]]),
    ]
    found, wanted = (set(map(tuple, one.T.tolist())) for one in rows)
    assert found == wanted
    assert len(ours) == len(theirs) == 5 * 4  # the weight of 0 connects nothing
    wanted = np.where(np.arange(6) == 0, np.nan, lag.ravel())
    np.testing.assert_array_equal(made.lag.ravel(), wanted)
    assert np.isnan(plain.lag).sum() == 1


def test_what_it_says_of_itself():
    made = connector(delay=1.0)
    assert "3x2x3x2" in repr(made)
    assert "out_shape=(3, 3, 5)" in repr(made)
    assert made.describe() == repr(made)
    context = made.describe(template=None)
    assert context["name"] == "ConvolutionConnector"
    assert context["parameters"]["delay"] == 1.0
    assert made.describe("$name", engine="string") == "ConvolutionConnector"


@pytest.mark.parametrize(
    ("make", "where", "says"),
    [
        (lambda: connector(np.where(KERNEL > 1, np.nan, KERNEL)), "kernel", "is nan"),
        (lambda: connector(np.full_like(KERNEL, np.inf)), "kernel", "at (0, 0, 0, 0) is inf"),
        (lambda: connector(KERNEL * 1j), "kernel", "not an array of numbers"),
        (lambda: connector([[1, 2], [3]]), "kernel", "rectangular"),
        (lambda: connector("kernel"), "kernel", "not an array of numbers"),
        (lambda: connector(KERNEL * pq.nA), "kernel", "plain numbers"),
        (lambda: connector(KERNEL[0]), "kernel", "4 positive integers"),
        (lambda: connector(in_shape=(3, 5, 6)), "kernel", "takes 2 channels"),
        (lambda: connector(in_shape=(2, 2, 6)), "kernel", "larger than the input"),
        (lambda: connector(in_shape=30), "in_shape", "3 positive integers"),
        (lambda: connector(in_shape=(2, 30)), "in_shape", "3 positive integers"),
        (lambda: connector(stride=0), "stride", "at least 1"),
        (lambda: connector(padding="same"), "padding", "is not symmetric"),
        (lambda: connector(delay=-1.0), "delay", "before the spike"),
        (lambda: connector(delay="1 mV"), "delay", "time"),
        (lambda: connector(delay=np.nan), "delay", "not finite"),
        (lambda: connector(KERNEL[:, :, 0], (2, 9), padding=(0, 1)), "padding", "one integer"),
        (lambda: connector(KERNEL[:, :, 0], (2, 9), stride=(1, 1)), "stride", "one integer"),
        (lambda: connector(KERNEL[..., None]), "lags", "has an axis of lags"),
        (lambda: connector(lags=[0, 5]), "lags", "2 lags for a kernel of shape (3, 2, 3, 2)"),
        (lambda: connector(LAGGED, lags=[0, 5]), "lags", "2 lags for"),
        (lambda: connector(LAGGED, lags=[0, 5, 5]), "lags", "do not increase"),
        (lambda: connector(LAGGED, lags=[-1, 0, 5]), "lags", "do not increase"),
        (lambda: connector(LAGGED, lags=5), "lags", "not a list"),
        (lambda: connector(LAGGED, lags=["0 ms", "5 mV", "9 ms"]), "lags[1]", "time"),
        (lambda: connector(groups=2), "groups", "divides both"),
        (lambda: delayed(np.full((1, 1, 3), 2.0)), "lag", "give one for each weight"),
        (lambda: delayed(np.full((1, 2, 3), 3.0)), "lag", "3 ms is not one of [0.0, 2.0, 5.0]"),
        (lambda: delayed(np.full((1, 2, 3), 2.0), lags=[0, "1 mV"]), "lags[1]", "time"),
        (lambda: connector(LAGGED, lags=[0, 5, 9]).lag, "kernel", "acts at 3 lags; give it one"),
    ],
)
def test_what_is_refused(make, where, says):
    with pytest.raises(SpecError) as caught:
        make()
    assert caught.value.where == where
    assert says in caught.value.message
    assert "\n" not in str(caught.value)


def test_the_abstract_connector_cannot_be_made():
    with pytest.raises(TypeError, match="abstract"):
        KernelConnector()
