"""The layer of ``v1_features`` with inhibition, without, and without it at a similar rate."""

from __future__ import annotations

import dataclasses
from typing import Any

from scnnbio_models import v1_features

from scnnbio.errors import SpecError
from scnnbio.network import Network
from scnnbio.units import plain


def build(
    *,
    maps: int = 64,
    size: int = 11,
    extent: int = 15,
    stride: int = 2,
    seed: int = 0,
    tau_m: float | str = 16.0,
    tau_m_spread: float = 0.8,
    tau_refrac: float | str = 5.0,
    tau_syn: float | str = 2.0,
    delay: float | str = 1.0,
    psp: float | str = 1.5,
    matched_psp: float | str = 1.0,
    inhibition: float | str = 1.0,
) -> Network:
    """LGN to three layers with the same kernels.

    Parameters
    ----------
    maps, size, extent, stride, seed, tau_m, tau_m_spread, tau_refrac, tau_syn, delay
        See the model ``v1_features``.
    psp : float or str
        Depolarisation by an input spike (mV), in "inhibited" and "free".
    matched_psp : float or str
        The same in "matched": weaker, which brings its rate near that of "inhibited".
    inhibition : float or str
        Hyperpolarisation by a spike in "inhibited" (mV); the others have none.

    Returns
    -------
    Network
        ``lgn``, ``inhibited``, ``free``, ``matched``; projections ``lgn_inhibited`` and so on, and
        ``inhibited_inhibited``.

    Raises
    ------
    SpecError
        If a number is out of range or has the wrong unit.
    """
    if plain(inhibition, "mV", where="parameters.inhibition") <= 0:
        raise SpecError("give its size, above 0", where="parameters.inhibition")
    alike: dict[str, Any] = {
        "maps": maps, "size": size, "extent": extent, "stride": stride, "seed": seed,
        "tau_m": tau_m, "tau_m_spread": tau_m_spread, "tau_refrac": tau_refrac,
        "tau_syn": tau_syn, "delay": delay, "inhibition": inhibition,
    }  # fmt: skip
    base = v1_features.build(psp=psp, **alike)
    weak = v1_features.build(psp=matched_psp, **alike)
    cells, (feed, lateral) = base.population("v1"), base.projections
    kinds = {"inhibited": feed, "free": feed, "matched": weak.projection("lgn_v1")}
    populations = [dataclasses.replace(cells, name=name) for name in kinds]
    projections = [
        dataclasses.replace(path, post=name, name=f"lgn_{name}") for name, path in kinds.items()
    ]
    inside = dataclasses.replace(
        lateral, pre="inhibited", post="inhibited", name="inhibited_inhibited"
    )
    return Network((base.population("lgn"), *populations), (*projections, inside))
