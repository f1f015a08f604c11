"""Single weights that learn from pairs of trains, each shared by any number of places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from scnnbio.connectors import ConvolutionConnector
from scnnbio.errors import SpecError
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIBRARY
from scnnbio.plasticity import SharedSTDP
from scnnbio.population import Population, SpikeSource

#: Cells of the layer.
_LARGEST = 10**7
#: Bounds that no weight reaches, so that weights are effectively free.
_FAR = 1e6


def build(
    *,
    pairs: int = 64,
    sides: Sequence[int] = (1,),
    a_plus: float = 0.01,
    a_minus: float = 0.0085,
    tau_plus: float | str = 17.0,
    tau_minus: float | str = 34.0,
) -> Network:
    """Pairs of trains: the first arrives through a learning weight, the second makes the cell fire.

    The weight that learns moves its cell by a millionth of a millivolt, the other by 100 mV: the
    second train alone determines when the cell fires, and the two trains determine learning.

    Parameters
    ----------
    pairs : int
        Weights of each layer, each a kernel of one element.
    sides : sequence of int
        Of each layer, the rows and columns of the places that share each of its weights.
    a_plus, a_minus : float
        Of :class:`~scnnbio.plasticity.SharedSTDP` with hard bounds, which are too far to matter.
    tau_plus, tau_minus : float or str
        Time constants (ms).

    Returns
    -------
    Network
        For each number p of places, populations ``trains_p`` (2 pairs, side, side), whose even
        channels are the first trains, and ``cells_p`` (pairs, side, side); and projections
        ``learned_p`` and ``driven_p``.

    Raises
    ------
    SpecError
        If a number is out of range or has the wrong unit.
    """
    for name, number in (("pairs", pairs), *(("sides", side) for side in sides)):
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise SpecError(
                f"{number!r} is not a positive whole number", where=f"parameters.{name}"
            )
    if len(set(sides)) < len(sides) or not sides:
        raise SpecError("give each side once, at least one", where="parameters.sides")
    if pairs * max(sides) ** 2 > _LARGEST:
        raise SpecError(
            "the layer is too large; use fewer pairs or places", where="parameters.pairs"
        )
    rule = SharedSTDP(
        a_plus=a_plus,
        a_minus=a_minus,
        tau_plus=tau_plus,  # type: ignore[arg-type]
        tau_minus=tau_minus,  # type: ignore[arg-type]
        bounds="hard",
        w_min=-_FAR,
        w_max=_FAR,
    )
    layers = [_layer(pairs, side, rule) for side in sides]
    return Network(
        tuple(population for populations, _ in layers for population in populations),
        tuple(projection for _, projections in layers for projection in projections),
    )


def _layer(
    pairs: int, side: int, rule: SharedSTDP
) -> tuple[tuple[Population, Population], tuple[Projection, Projection]]:
    shape, places = (2 * pairs, side, side), side**2
    first, second = (
        ConvolutionConnector(
            np.tile(np.reshape(ends, (1, 2, 1, 1)), (pairs, 1, 1, 1)),
            shape,
            groups=pairs,
            connect_zeros=False,
        )
        for ends in ([1.0, 0.0], [0.0, 1.0])
    )
    trains, cells = f"trains_{places}", f"cells_{places}"
    populations = (
        Population(trains, shape, SpikeSource()),
        Population(cells, (pairs, side, side), LIBRARY["LIF_curr_delta"], {"tau_refrac": 0.0}),
    )
    rest: dict[str, Any] = {"delay": 1.0, "receptor": "membrane"}
    learned = Projection(
        trains, cells, first, 1e-6, plasticity=rule, name=f"learned_{places}", **rest
    )
    driven = Projection(trains, cells, second, 100.0, name=f"driven_{places}", **rest)
    return populations, (learned, driven)
