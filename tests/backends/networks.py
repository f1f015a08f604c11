"""Small networks that touch every rule of the time conventions."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

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
from scnnbio.encoding import LGN, Encoding, LatencyCode
from scnnbio.experiment import Experiment, Record, Sampling
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIF
from scnnbio.plasticity import SharedSTDP, SharedThreshold
from scnnbio.population import Population, SpikeSource
from scnnbio.shapes import output_shape
from scnnbio.stimuli import Photographs


def small_network(
    rule: SharedSTDP | None = None,
    *,
    homeostasis: SharedThreshold | None = None,
    stride: int = 1,
    padding: int = 0,
    delay: float = 1.0,
    delay_within: float = 0.5,
    refractory: float = 2.0,
    maps: int = 5,
    parameters: dict[str, object] | None = None,
    receptor: str = "excitatory",
    weight: float = 0.6,
) -> Network:
    """Input of 2 x 8 x 8 and one learning layer with lateral inhibition."""
    rng = np.random.default_rng(3)
    kernel = rng.uniform(0.2, 0.8, (maps, 2, 5, 5))
    convolution = ConvolutionConnector(kernel, (2, 8, 8), stride=stride, padding=padding)
    return Network(
        populations=(
            Population("lgn", (2, 8, 8), SpikeSource()),
            Population(
                "v1",
                tuple(convolution.out_shape),
                LIF,
                parameters={"tau_refrac": refractory, "tau_m": 15.0, **(parameters or {})},
                homeostasis=homeostasis,
            ),
        ),
        projections=(
            Projection(
                "lgn",
                "v1",
                convolution,
                weight=weight,
                delay=delay,
                receptor=receptor,
                plasticity=rule,
            ),
            Projection(
                "v1",
                "v1",
                LateralInhibitionConnector(tuple(convolution.out_shape), "both", radius=1),
                weight=-4.0,
                delay=delay_within,
                receptor="membrane",
            ),
        ),
    )


def experiment(network: Network, **changes: object) -> Experiment:
    """Twelve flashed photographs, every spike and some potentials kept."""
    settings: dict[str, object] = {
        "network": network,
        "stimulus": Photographs(n_trials=12, duration=40.0),
        "encoding": Encoding(
            LGN(sigma_center=1.0, sigma_surround=2.0, normalisation_sigma=3.0),
            LatencyCode(budget=60, window=25.0, onset=1.0),
        ),
        "record": Record(
            spikes=("lgn", "v1"),
            signals=(Sampling("v1", ("v", "I_exc"), units=(0, 7, 30), period=1.0),),
            snapshots=3,
        ),
        "dt": 0.5,
        "seed": 5,
    }
    return Experiment(**{**settings, **changes})


def _unshared(
    draw: st.DrawFn,
    kind: str,
    shape: tuple[int, int, int],
    size: tuple[int, int],
    options: dict[str, tuple[int, int]],
) -> KernelConnector:
    """A connector with a weight for each connection, some of which are zero."""
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    zeros = draw(st.booleans())
    if kind == "local":
        out = output_shape(shape, (2, 2, *size), **options)
        values = np.round(rng.normal(size=(*out, 2, *size)), 1)
        return LocalConnector(values, shape, connect_zeros=zeros, **options)
    out = (2, draw(st.integers(1, 3)), 2)
    sizes = int(np.prod(out)), int(np.prod(shape))
    if kind == "dense":
        values = np.round(rng.normal(size=sizes), 1)
        return DenseConnector(values, shape, out, connect_zeros=zeros)
    recipe = draw(
        st.sampled_from([FixedProbability(0.4, seed=4), FixedInDegree(5, seed=4), "pairs"])
    )
    if recipe == "pairs":
        # A pair may be joined once for each lag.
        post, pre, late = np.nonzero(rng.random((*sizes, 2)) < 0.3)
        edges = list(zip(pre, post, late * 2.0, strict=True)) or [(0, 0, 0.0)]
        pre, post, lag = np.array(rng.permutation(edges)).T
        values = rng.normal(size=len(pre))
        ends = pre.astype(int), post.astype(int)
        return EdgeListConnector(shape, out, ends, values, lag, connect_zeros=zeros)
    return EdgeListConnector(shape, out, recipe, 0.5, connect_zeros=zeros)


@st.composite
def connectors(draw: st.DrawFn) -> KernelConnector:
    """Any convolution, pooling or inhibition that a backend may meet, on two channels."""
    pair = st.tuples(st.integers(1, 3), st.integers(1, 3))
    shape = (2, draw(st.integers(3, 6)), draw(st.integers(3, 6)))
    size = draw(pair)
    options = {
        "stride": draw(pair),
        "padding": draw(st.tuples(st.integers(0, 2), st.integers(0, 2))),
    }
    kind = draw(
        st.sampled_from(
            ["convolution", "lags", "groups", "pooling", "lateral", "dense", "local", "edges"]
        )
    )
    if kind in ("dense", "local", "edges"):
        return _unshared(draw, kind, shape, size, options)
    if kind == "pooling":
        return PoolingConnector(
            shape, size, mode=draw(st.sampled_from(["sum", "average"])), **options
        )
    if kind == "lateral":
        scope = draw(st.sampled_from(["neighbourhood", "both"]))
        profiles = [None, Gaussian(1.2), DifferenceOfGaussians(2.0, 0.5, 0.9), (1.0, 0.5, 0.25)]
        profile = draw(st.sampled_from(profiles))
        return LateralInhibitionConnector(
            shape, scope, draw(st.integers(1, min(3, max(shape[1:]) - 1))), 0.5, profile=profile
        )
    groups = 2 if kind == "groups" else 1
    lags = (0.0, 3.0, 4.0) if kind == "lags" else None
    out = groups * draw(st.integers(1, 3))
    values = np.random.default_rng(draw(st.integers(0, 99))).normal(
        size=(out, 2 // groups, *size, *([3] if lags else []))
    )
    return ConvolutionConnector(values, shape, lags=lags, groups=groups, **options)
