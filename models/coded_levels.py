"""Layers of one convolution behind sources that codes drive."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scnnbio.connectors import ConvolutionConnector
from scnnbio.errors import SpecError
from scnnbio.network import Network, Projection
from scnnbio.neurons.parts import compose, delta, perfect
from scnnbio.population import Population, SpikeSource
from scnnbio.units import plain

#: Integrate-and-fire without leak; a spike changes the potential at once.
IF_CURR_DELTA = compose(
    "IF_curr_delta", perfect(), [delta()], reference="Kheradpisheh et al. 2018, Neural Netw 99:56"
)
#: Cells of a source.
_LARGEST = 10**7


def build(
    *,
    layers: Mapping[str, float | str],
    levels: int = 128,
    side: int = 4,
    size: int = 3,
    threshold: float | str = 4.5,
    delay: float | str = 1.0,
) -> Network:
    """Sources, and behind each the same convolution, whose cells add up ``size * size`` inputs.

    A cell fires when more than ``threshold`` of its inputs have fired since it last did. Fields do
    not overlap, so that the cells of a channel are independent.

    Parameters
    ----------
    layers : mapping of str to float or str
        Name of a source → refractory period of the cells behind it (ms).
    levels : int
        Channels of each source, each with a kernel of its own.
    side : int
        Rows and columns of a layer.
    size : int
        Rows and columns of a kernel, and its stride.
    threshold : float or str
        mV; a spike moves a cell by 1 mV.
    delay : float or str
        ms.

    Returns
    -------
    Network
        For each name, populations ``name`` (levels, side size, side size) and ``name_cells``
        (levels, side, side), and projection ``name_into``.

    Raises
    ------
    SpecError
        If a number is out of range or has the wrong unit.
    """
    for what, number in (("levels", levels), ("side", side), ("size", size)):
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise SpecError(
                f"{number!r} is not a positive whole number", where=f"parameters.{what}"
            )
    if not isinstance(layers, Mapping) or not layers:
        raise SpecError("name at least one source", where="parameters.layers")
    if levels * (side * size) ** 2 > _LARGEST:
        raise SpecError("a source is too large; use fewer levels", where="parameters.levels")
    level = plain(threshold, "mV", where="parameters.threshold")
    late = plain(delay, "ms", where="parameters.delay")
    shape = (levels, side * size, side * size)
    kernel = np.ones((levels, 1, size, size))
    populations, projections = [], []
    for name, held in layers.items():
        connector = ConvolutionConnector(kernel, shape, stride=size, groups=levels)
        refractory = plain(held, "ms", where=f"parameters.layers.{name}")
        cells = {"v_rest": 0.0, "v_reset": 0.0, "v_thresh": level, "tau_refrac": refractory}
        populations += [
            Population(name, shape, SpikeSource()),
            Population(f"{name}_cells", connector.out_shape, IF_CURR_DELTA, cells),
        ]
        projections.append(
            Projection(
                name,
                f"{name}_cells",
                connector,
                weight=1.0,
                delay=late,
                receptor="membrane",
                name=f"{name}_into",
            )
        )
    return Network(tuple(populations), tuple(projections))
