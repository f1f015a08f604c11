"""Layers that learn one kernel per map, one per region, or one per place, from the same spikes."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from scnnbio_models import v1_features

from scnnbio.connectors import ConvolutionConnector, EdgeListConnector
from scnnbio.errors import SpecError
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIBRARY
from scnnbio.population import Population, SpikeSource


def build(
    *,
    maps: int = 16,
    size: int = 11,
    places: int = 4,
    stride: int = 2,
    seed: int = 0,
    tau_m: float | str = 20.0,
    tau_m_spread: float = 0.8,
    tau_refrac: float | str = 24.0,
    v_thresh: float | str = -53.3,
    psp: float | str = 1.0,
    inhibition: float | str = 30.0,
    rate_half_life: float | str | None = None,
    threshold_half_life: float | str | None = None,
) -> Network:
    """LGN to three versions of the layer of ``v1_features``, which differ in what shares a kernel.

    "strict": all places of a map share kernel and threshold. "region": those of a quarter of the
    layer do. "none": each place has its own. Regions are groups of channels, to which relays hand
    their part of the LGN's spikes, one millisecond later.

    Parameters
    ----------
    places : int
        Rows and columns of a layer, an even number.
    maps, size, stride, seed, tau_m, tau_m_spread, tau_refrac, v_thresh, psp, inhibition
        See the model ``v1_features``.
    rate_half_life, threshold_half_life
        See the model ``v1_features``.

    Returns
    -------
    Network
        ``lgn``, and for each WAY, ``relay_WAY`` and ``WAY`` (regions * maps, n, n), the maps of a
        region together, where n is the places along a side of a region; ``learned_WAY`` learns.

    Raises
    ------
    SpecError
        If a number is out of range or has the wrong unit.

    References
    ----------
    Bartunov et al. 2018, NeurIPS 31 (locally connected layers in place of shared weights); Pogodin
    et al. 2021, NeurIPS 34 (weight sharing, and what could stand for it in the brain).
    """
    whole = isinstance(places, int) and not isinstance(places, bool)
    if not whole or places < 2 or places % 2:
        raise SpecError(f"{places!r} is not an even number above 0", where="parameters.places")
    alike: dict[str, Any] = {
        "maps": maps, "size": size, "stride": stride, "tau_m": tau_m,
        "tau_m_spread": tau_m_spread, "tau_refrac": tau_refrac, "v_thresh": v_thresh, "psp": psp,
        "inhibition": inhibition, "rate_half_life": rate_half_life,
        "threshold_half_life": threshold_half_life, "seed": seed,
    }  # fmt: skip
    extent = size + (places - 1) * stride
    lgn = Population("lgn", (2, extent, extent), SpikeSource())
    populations, projections = [lgn], []
    for way, side in {"strict": 1, "region": 2, "none": places}.items():
        part = size + (places // side - 1) * stride
        base = v1_features.build(extent=part, **alike)
        relay, path = _relay(way, lgn, part, side, places // side * stride)
        cells, projected = _layer(way, base, relay, side**2, seed)
        populations += [relay, cells]
        projections += [path, *projected]
    return Network(tuple(populations), tuple(projections))


def _relay(
    way: str, lgn: Population, part: int, side: int, step: int
) -> tuple[Population, Projection]:
    """Cells that fire with the LGN cells of each region, two channels for each."""
    number = np.arange(np.prod(lgn.shape)).reshape(lgn.shape)
    own = [
        number[:, top : top + part, left : left + part]
        for top in range(0, side * step, step)
        for left in range(0, side * step, step)
    ]
    pre = np.concatenate(own).ravel()
    shape = (2 * side**2, part, part)
    relay = Population(f"relay_{way}", shape, LIBRARY["LIF_curr_delta"], {"tau_refrac": 0.0})
    edges = EdgeListConnector(lgn.shape, shape, (pre, np.arange(len(pre))))
    path = Projection("lgn", relay.name, edges, weight=100.0, delay=1.0, receptor="membrane")
    return relay, path


def _layer(
    way: str, base: Network, relay: Population, regions: int, seed: int
) -> tuple[Population, tuple[Projection, Projection]]:
    """The layer of ``base`` once per region, as groups of channels."""
    one, feed, lateral = base.population("v1"), base.projection("lgn_v1"), base.projection("v1_v1")
    maps, _, size, _ = feed.kernel.shape
    kernel = np.random.default_rng((seed, regions)).uniform(
        0.3, 0.7, (regions * maps, 2, size, size)
    )
    convolution = ConvolutionConnector(
        kernel, relay.shape, stride=feed.connector.stride, groups=regions
    )
    shape = convolution.out_shape
    parameters = {
        name: np.tile(value, regions) if np.ndim(value) else value
        for name, value in one.parameters.items()
    }
    cells = dataclasses.replace(one, name=way, shape=shape, parameters=parameters)
    # Between the maps of one place and region.
    others = np.tile(1.0 - np.eye(maps), (regions, 1))[:, :, None, None]
    inhibition = ConvolutionConnector(others, shape, groups=regions, connect_zeros=False)
    return cells, (
        dataclasses.replace(
            feed, pre=relay.name, post=way, name=f"learned_{way}", connector=convolution
        ),
        dataclasses.replace(lateral, pre=way, post=way, name=f"{way}_{way}", connector=inhibition),
    )
