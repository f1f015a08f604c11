"""One convolution of leaky cells that sees images through any code."""

from __future__ import annotations

import numpy as np

from scnnbio.connectors import ConvolutionConnector
from scnnbio.errors import SpecError
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIBRARY
from scnnbio.population import Population, SpikeSource
from scnnbio.units import plain

#: Kernel elements.
_LARGEST = 10**7


def build(
    *,
    extent: int = 8,
    maps: int = 24,
    size: int = 5,
    threshold: float | str = 0.75,
    tau_m: float | str = 20.0,
    refractory: float | str = 2.0,
    seed: int = 0,
) -> Network:
    """Pixels, and a layer with kernels that are drawn and do not learn, so that no code made them.

    Parameters
    ----------
    extent : int
        Rows and columns of an image; the layer has as many places.
    maps, size : int
        Kernels, and their rows and columns, an odd number. Elements are normal, of mean 0.1 and
        deviation 0.4.
    threshold : float or str
        mV; a spike through an element of 1 moves a cell by 1 mV.
    tau_m, refractory : float or str
        Time constant of the membrane and refractory period (ms).
    seed : int
        Of the kernels.

    Returns
    -------
    Network
        Populations ``retina`` (1, extent, extent) and ``v1`` (maps, extent, extent), and projection
        ``retina_v1``.

    Raises
    ------
    SpecError
        If a number is out of range or has the wrong unit.
    """
    for name, number in (("extent", extent), ("maps", maps), ("size", size)):
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise SpecError(
                f"{number!r} is not a positive whole number", where=f"parameters.{name}"
            )
    if size % 2 == 0:
        raise SpecError(f"{size} is not odd; a kernel has a centre", where="parameters.size")
    if maps * max(size, extent) ** 2 > _LARGEST:
        raise SpecError("the layer is too large; use fewer maps", where="parameters.maps")
    kernel = np.random.default_rng(seed).normal(0.1, 0.4, (maps, 1, size, size))
    connector = ConvolutionConnector(kernel, (1, extent, extent), padding=size // 2)
    cells = {
        "v_rest": 0.0,
        "v_reset": 0.0,
        "v_thresh": plain(threshold, "mV", where="parameters.threshold"),
        "tau_m": plain(tau_m, "ms", where="parameters.tau_m"),
        "tau_refrac": plain(refractory, "ms", where="parameters.refractory"),
    }
    return Network(
        (
            Population("retina", (1, extent, extent), SpikeSource()),
            Population(
                "v1", connector.out_shape, LIBRARY["LIF_curr_delta"], cells, initial={"v": 0.0}
            ),
        ),
        (
            Projection(
                "retina", "v1", connector, weight=1.0, delay=0.5, receptor="membrane",
                name="retina_v1",
            ),
        ),
    )  # fmt: skip
