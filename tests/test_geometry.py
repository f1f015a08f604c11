"""Shapes and edges against loops, scipy and shapes worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import correlate

from scnnbio.errors import SpecError
from scnnbio.geometry import convolution_edges, convolution_edges_oracle, pooling_edges_oracle
from scnnbio.shapes import output_shape, resolve_padding, resolve_shape, resolve_stride

relaxed = settings(deadline=None)  # the loops' time depends on the machine


@st.composite
def convolutions(draw: st.DrawFn) -> tuple:
    """in_shape, kernel_shape, stride, padding that fit each other."""
    pair = st.tuples(st.integers(1, 3), st.integers(1, 3))
    channels, out = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    stride = draw(pair)
    padding = draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    image = draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    kernel = tuple(
        draw(st.integers(1, min(4, n + 2 * p))) for n, p in zip(image, padding, strict=True)
    )
    return (channels, *image), (out, channels, *kernel), stride, padding


@st.composite
def grouped(draw: st.DrawFn) -> tuple:
    """A convolution with its channels in groups, and perhaps an axis of lags."""
    (channels, *image), (out, _, *kernel), stride, padding = draw(convolutions())
    groups, lags = draw(st.integers(1, 3)), draw(st.sampled_from([(), (1,), (3,)]))
    shape = (out * groups, channels, *kernel, *lags)
    return ((channels * groups, *image), shape, stride, padding), groups


def triples(edges):
    return list(zip(edges.pre.tolist(), edges.post.tolist(), edges.tap.tolist(), strict=True))


@relaxed
@given(convolutions())
def test_vectorised_edges_are_those_of_the_loops(convolution):
    assert triples(convolution_edges(*convolution)) == convolution_edges_oracle(*convolution)


@relaxed
@given(grouped(), st.data())
def test_vectorised_edges_in_groups_and_with_lags_are_those_of_the_loops(convolution, data):
    arguments, groups = convolution
    edges = convolution_edges_oracle(*arguments, groups=groups)
    assert triples(convolution_edges(*arguments, groups=groups)) == edges
    size = int(np.prod(arguments[1]))
    present = np.random.default_rng(data.draw(st.integers(0, 99))).random(size) < 0.5
    kept = convolution_edges(*arguments, present.reshape(arguments[1]), groups)
    assert triples(kept) == [edge for edge in edges if present[edge[2]]]


@relaxed
@given(grouped(), st.integers(0, 2**32 - 1))
def test_groups_are_convolutions_side_by_side(convolution, seed):
    arguments, groups = convolution
    in_shape, kernel_shape, stride, padding = arguments
    # Oracle: each block by itself, its neurons and taps numbered after those of the blocks before.
    block_in, block_kernel = list(in_shape), list(kernel_shape)
    block_in[0] //= groups
    block_kernel[0] //= groups
    edges = convolution_edges_oracle(block_in, block_kernel, stride, padding)
    out_shape = output_shape(block_in, block_kernel, stride, padding)
    sizes = [int(np.prod(shape)) for shape in (block_in, out_shape, block_kernel)]
    expected = [
        tuple(n + block * size for n, size in zip(edge, sizes, strict=True))
        for block in range(groups)
        for edge in edges
    ]
    assert triples(convolution_edges(*arguments, groups=groups)) == sorted(expected)


@relaxed
@given(convolutions())
def test_pooling_is_a_depthwise_convolution(convolution):
    in_shape, (_, _, *size), stride, padding = convolution
    kernel = (in_shape[0], 1, *size)
    edges = convolution_edges(in_shape, kernel, stride, padding, groups=in_shape[0])
    assert triples(edges) == pooling_edges_oracle(in_shape, tuple(size), stride, padding)


@relaxed
@given(convolutions(), st.integers(0, 2**32 - 1))
def test_dense_matrix_is_scipy_correlation(convolution, seed):
    in_shape, kernel_shape, stride, (pr, pc) = convolution
    rng = np.random.default_rng(seed)
    kernel, image = rng.normal(size=kernel_shape), rng.normal(size=in_shape)
    padded = np.pad(image, ((0, 0), (pr, pr), (pc, pc)))
    # Oracle: scipy's full-resolution correlation of each channel, summed, then every stride-th.
    expected = np.stack(
        [
            sum(correlate(padded[c], kernel[o, c], mode="valid") for c in range(in_shape[0]))
            for o in range(kernel_shape[0])
        ]
    )[:, :: stride[0], :: stride[1]]

    out_shape = output_shape(*convolution)
    edges = convolution_edges(*convolution)
    dense = np.zeros((np.prod(out_shape), np.prod(in_shape)))
    np.add.at(dense, (edges.post, edges.pre), kernel.ravel()[edges.tap])

    assert expected.shape == out_shape
    np.testing.assert_allclose((dense @ image.ravel()).reshape(out_shape), expected, atol=1e-12)


@relaxed
@given(convolutions())
def test_edges_are_sorted_and_join_a_pair_once(convolution):
    pairs = [(pre, post) for pre, post, _ in triples(convolution_edges(*convolution))]
    assert pairs == sorted(set(pairs))


@relaxed
@given(convolutions())
def test_without_padding_every_output_has_every_tap(convolution):
    in_shape, kernel_shape, stride, _ = convolution
    kernel_shape = (*kernel_shape[:2], *np.minimum(kernel_shape[2:], in_shape[1:]).tolist())
    edges = convolution_edges(in_shape, kernel_shape, stride)
    # Closed form: in a valid correlation each output sees in * rows * columns inputs.
    n_outputs = np.prod(output_shape(in_shape, kernel_shape, stride))
    assert np.bincount(edges.post).tolist() == [np.prod(kernel_shape[1:])] * n_outputs


@relaxed
@given(convolutions(), st.data())
def test_absent_taps_leave_out_their_edges_only(convolution, data):
    size = int(np.prod(convolution[1]))
    present = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    edges = convolution_edges(*convolution, present=present.reshape(convolution[1]))
    expected = [edge for edge in convolution_edges_oracle(*convolution) if present[edge[2]]]
    assert triples(edges) == expected


def test_edges_are_integer_and_read_only():
    edges = convolution_edges((1, 3, 3), (1, 1, 2, 2))
    assert len(edges) == 16  # 2 x 2 outputs of 4 taps
    for column in (edges.pre, edges.post, edges.tap):
        assert column.dtype == np.int64
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 1


@pytest.mark.parametrize(
    ("in_shape", "kernel_shape", "stride", "padding", "expected"),
    [
        # floor((n + 2 p - k) / s) + 1, worked out by hand
        ((1, 5, 5), (4, 1, 3, 3), 1, "valid", (4, 3, 3)),
        ((1, 5, 6), (4, 1, 3, 5), 1, "same", (4, 5, 6)),
        ((1, 5, 5), (4, 1, 2, 2), 2, 0, (4, 2, 2)),  # the last row and column stay unread
        ((3, 28, 32), (8, 3, 5, 3), (2, 1), (1, 0), (8, 13, 30)),
        ((1, 1, 1), (1, 1, 3, 3), 1, 1, (1, 1, 1)),
        ((1, 1, 1), (1, 1, 1, 1), 1, 2, (1, 5, 5)),  # outputs that read silence only
        ((1, 4, 4), (1, 1, 4, 4), 9, "valid", (1, 1, 1)),  # a stride beyond the image
    ],
)
def test_output_shape(in_shape, kernel_shape, stride, padding, expected):
    assert output_shape(in_shape, kernel_shape, stride, padding) == expected


@relaxed
@given(st.sampled_from([1, 3, 5, 7]), st.sampled_from([1, 3, 5]), st.integers(1, 6))
def test_same_padding_keeps_the_image(rows, columns, size):
    assert output_shape((1, size, 6), (2, 1, rows, columns), 1, "same") == (2, size, 6)


def test_plain_forms():
    assert resolve_stride(2) == (2, 2)
    assert resolve_stride(np.array([2, 3])) == (2, 3)
    assert resolve_padding("valid", (1, 1, 4, 4), 2) == (0, 0)
    assert resolve_padding([1, 2], (1, 1, 4, 4)) == (1, 2)
    assert resolve_shape([np.int32(2), 3, 4]) == (2, 3, 4)
    assert all(type(n) is int for n in resolve_shape(np.array([2, 3, 4])))


@pytest.mark.parametrize(
    ("arguments", "where", "says"),
    [
        (((1, 5, 5), (1, 1, 2, 3), 1, "same"), "padding", "not symmetric"),
        (((1, 5, 5), (1, 1, 3, 3), 2, "same"), "padding", "needs stride 1, not 2"),
        (((1, 5, 5), (1, 1, 3, 3), 1, "full"), "padding", "not a padding"),
        (((1, 5, 5), (1, 1, 3, 3), 1, -1), "padding", "at least 0"),
        (((1, 5, 5), (1, 1, 3, 3), 1, 0.5), "padding", "at least 0"),
        (((1, 5, 5), (1, 1, 3, 3), 1, (1, 1, 1)), "padding", "(row, column)"),
        (((1, 5, 5), (1, 1, 3, 3), 0), "stride", "at least 1"),
        (((1, 5, 5), (1, 1, 3, 3), "two"), "stride", "not a stride"),
        (((1, 5, 5), (1, 1, 3, 3), True), "stride", "not a stride"),
        (((1, 5, 5), (1, 1, 6, 3)), "kernel", "larger than the input of 5 x 5"),
        (((1, 2, 5), (1, 1, 5, 3), 1, (1, 0)), "kernel", "larger than the input of 2 x 5"),
        (((2, 5, 5), (1, 1, 3, 3)), "kernel", "takes 1 channels"),
        (((2, 5), (1, 2, 3, 3)), "in_shape", "3 positive integers"),
        (((0, 5, 5), (1, 0, 3, 3)), "in_shape", "3 positive integers"),
        ((7, (1, 1, 3, 3)), "in_shape", "3 positive integers"),
        (((1, 5, 5), (1, 1, 3)), "kernel", "4 positive integers"),
        (((1, 5, 5), (1, 1, 3.0, 3)), "kernel", "4 positive integers"),
        (((1, 5, 5), (1, 1, 3, 3, 0)), "kernel", "5 positive integers"),
        (((4, 5, 5), (4, 4, 3, 3), 1, 0, 2), "kernel", "each of 2 groups has 2"),
        (((4, 5, 5), (3, 2, 3, 3), 1, 0, 2), "groups", "divides both"),
        (((4, 5, 5), (4, 4, 3, 3), 1, 0, 0), "groups", "positive integer"),
        (((4, 5, 5), (4, 4, 3, 3), 1, 0, 1.0), "groups", "positive integer"),
    ],
)
def test_what_is_refused(arguments, where, says):
    names = ("in_shape", "kernel_shape", "stride", "padding", "groups")
    given_ones = dict(zip(names, arguments, strict=False))
    for function in (output_shape, convolution_edges, convolution_edges_oracle):
        with pytest.raises(SpecError) as caught:
            function(**given_ones)
        assert caught.value.where == where
        assert says in caught.value.message
        assert "\n" not in str(caught.value)


def test_mask_of_another_shape_is_refused():
    with pytest.raises(SpecError, match="one value per tap"):
        convolution_edges((1, 5, 5), (1, 1, 3, 3), present=np.ones((3, 3), bool))
