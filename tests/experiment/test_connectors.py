"""Connectors in documents: there and back, and what is refused where."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest
import tomli_w
from hypothesis import given, settings

from scnnbio.connectors import (
    ConvolutionConnector,
    DenseConnector,
    DifferenceOfGaussians,
    EdgeListConnector,
    FixedInDegree,
    FixedProbability,
    Gaussian,
    KernelConnector,
    LateralInhibitionConnector,
    LocalConnector,
    PoolingConnector,
)
from scnnbio.errors import SpecError
from scnnbio.experiment.connectors import connector_from, connector_table
from tests.backends.networks import connectors


def read(text: str) -> KernelConnector:
    return connector_from(tomllib.loads(text), (2, 6, 6), "here", (1, 2, 3))


@settings(deadline=None)
@given(connectors())
def test_a_connector_there_and_back(made: KernelConnector) -> None:
    document = tomli_w.dumps(connector_table(made))
    again = connector_from(tomllib.loads(document), made.in_shape, "here", made.out_shape)
    assert again == made
    assert connector_table(again) == connector_table(made)


def test_first_spikes_there_and_back() -> None:
    made = PoolingConnector((2, 6, 6), (3, 2), 1, (1, 0), "first-spike", 0.25, "20 ms")
    assert connector_from(connector_table(made), (2, 6, 6), "here") == made


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ('kind = "pooling"\nsize = 2', PoolingConnector((2, 6, 6), 2)),
        (
            'kind = "pooling"\nsize = [3, 2]\nstride = 1\nmode = "first-spike"\nwindow = "5 ms"',
            PoolingConnector((2, 6, 6), (3, 2), 1, mode="first-spike", window=5.0),
        ),
        (
            'kind = "convolution"\nlags = [0, "5 ms"]\npadding = "same"\n'
            "kernel = {uniform = [0.0, 1.0], shape = [4, 2, 3, 3, 2], seed = 7}",
            ConvolutionConnector(
                np.random.default_rng(7).uniform(0, 1, (4, 2, 3, 3, 2)),
                (2, 6, 6),
                padding=1,
                lags=[0.0, 5.0],
            ),
        ),
        (
            'kind = "convolution"\ngroups = 2\nkernel = [[[[1.0]]], [[[2.0]]]]',
            ConvolutionConnector([[[[1.0]]], [[[2.0]]]], (2, 6, 6), groups=2),
        ),
        (
            'kind = "dense"\nweights = {uniform = [0.0, 1.0], shape = [6, 72], seed = 7}',
            DenseConnector(np.random.default_rng(7).uniform(0, 1, (6, 72)), (2, 6, 6), (1, 2, 3)),
        ),
        (
            'kind = "local"\nstride = 2\nconnect_zeros = false\n'
            "weights = {uniform = [0.0, 1.0], shape = [1, 2, 2, 2, 3, 3], seed = 7}",
            LocalConnector(
                np.random.default_rng(7).uniform(0, 1, (1, 2, 2, 2, 3, 3)),
                (2, 6, 6),
                2,
                connect_zeros=False,
            ),
        ),
        (
            'kind = "edges"\nweight = [0.5, 1.0]\nlag = ["0 ms", "2 ms"]\n'
            "edges = {pre = [71, 3], post = [5, 1]}",
            EdgeListConnector((2, 6, 6), (1, 2, 3), ([3, 71], [1, 5]), [1.0, 0.5], [2.0, 0.0]),
        ),
        (
            'kind = "edges"\nweight = 1.5\n'
            'edges = {kind = "fixed-probability", probability = 0.2, seed = 1}',
            EdgeListConnector((2, 6, 6), (1, 2, 3), FixedProbability(0.2, seed=1), 1.5),
        ),
        (
            'kind = "edges"\nedges = {kind = "fixed-in-degree", count = 4, seed = 1}',
            EdgeListConnector((2, 6, 6), (1, 2, 3), FixedInDegree(4, seed=1)),
        ),
        (
            'kind = "lateral-inhibition"\nscope = "both"\nradius = 2\nstrength = 0.5\n'
            "profile = [1.0, 0.5]",
            LateralInhibitionConnector((2, 6, 6), "both", 2, 0.5, profile=[1.0, 0.5]),
        ),
        (
            'kind = "lateral-inhibition"\nscope = "neighbourhood"\nradius = 2\n'
            'profile = {kind = "gaussian", sigma = 1.5}',
            LateralInhibitionConnector((2, 6, 6), "neighbourhood", 2, profile=Gaussian(1.5)),
        ),
        (
            'kind = "lateral-inhibition"\nscope = "both"\nradius = 3\n'
            'profile = {kind = "difference-of-gaussians", sigma = 2, inner = 1}',
            LateralInhibitionConnector(
                (2, 6, 6), "both", 3, profile=DifferenceOfGaussians(2.0, 1.0)
            ),
        ),
    ],
)
def test_as_people_write_them(text: str, made: KernelConnector) -> None:
    assert read(text) == made


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ('kind = "pool"', "here.kind", "'pooling'"),
        ('kind = "pooling"', "here", "'size' is missing"),
        ('kind = "pooling"\nsize = "big"', "here.size", "at least 1"),
        ('kind = "pooling"\nsize = 2\nmode = "max"', "here.mode", "first-spike"),
        ('kind = "pooling"\nsize = 2\nkernel = 1', "here", "kernel"),
        ('kind = "convolution"\nkernel = [[[[[1.0]]], [[[1.0]]]]]', "here.lags", "axis of lags"),
        ('kind = "dense"\nweights = [[1.0]]', "here.weights", "(6, 72)"),
        ('kind = "local"\nweights = [[1.0]]', "here.weights", "kernel row"),
        ('kind = "edges"', "here", "'edges' is missing"),
        ('kind = "edges"\nedges = {pre = [1]}', "here.edges", "'post' is missing"),
        ('kind = "edges"\nedges = {pre = [1], post = [6]}', "here.edges.post", "0..5"),
        ('kind = "edges"\nedges = {kind = "all"}', "here.edges.kind", "fixed-in-degree"),
        (
            'kind = "edges"\nedges = {kind = "fixed-probability", probability = 0.1}',
            "here.edges",
            "'seed' is missing",
        ),
        (
            'kind = "convolution"\nlags = [3, 1]\n'
            "kernel = {uniform = [0, 1], shape = [1, 2, 1, 1, 2]}",
            "here.lags",
            "do not increase",
        ),
        (
            'kind = "convolution"\nlags = [1, 3]\n'
            "kernel = {uniform = [0, 1], shape = [1, 2, 1, 1, 2], one_lag = 3}",
            "here.kernel.one_lag",
            "3 is not true or false",
        ),
        (
            'kind = "dense"\nweights = {uniform = [0, 1], shape = [6, 72], one_lag = true}',
            "here.weights",
            "'one_lag'",
        ),
        (
            'kind = "lateral-inhibition"\nradius = 1\nscope = "both"\nprofile = {kind = "flat"}',
            "here.profile.kind",
            "gaussian",
        ),
        (
            'kind = "lateral-inhibition"\nradius = 1\nscope = "both"\n'
            'profile = {kind = "gaussian", sigma = -1}',
            "here.profile.sigma",
            "not positive",
        ),
        (
            'kind = "lateral-inhibition"\nradius = 1\nscope = "both"\nprofile = [1.0, "x"]',
            "here.profile.values",
            "x",
        ),
    ],
)
def test_errors_name_the_path(text: str, where: str, says: str) -> None:
    with pytest.raises(SpecError) as caught:
        read(text)
    assert caught.value.where == where
    assert says in caught.value.message


def test_one_lag_keeps_the_weight_of_one_lag_of_each_element() -> None:
    """Of the same draw without it; all lags are about equally frequent."""
    text = 'kind = "convolution"\nconnect_zeros = false\nlags = [0, 1, 4]\n'
    kernel = "kernel = {{uniform = [0.5, 1], shape = [40, 2, 3, 3, 3], seed = 7{}}}"
    whole, made = (read(text + kernel.format(more)) for more in ("", ", one_lag = true"))
    assert isinstance(made, ConvolutionConnector)
    np.testing.assert_array_equal(made.kernel[made.present], whole.kernel[made.present])
    assert (made.present.sum(-1) == 1).all()
    each = np.unique(made.lag, return_counts=True)
    assert each[0].tolist() == [0.0, 1.0, 4.0]
    # 720 draws: 240 of each, standard deviation 12.6.
    np.testing.assert_allclose(each[1], 240, atol=4 * 12.6)
    assert connector_from(connector_table(made), (2, 6, 6), "here") == made
