"""One layer that learns kernels in space and time from the events of a camera."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from scnnbio_models import v1_features

from scnnbio.connectors import ConvolutionConnector
from scnnbio.errors import SpecError
from scnnbio.network import Network
from scnnbio.units import plain


def build(
    *,
    maps: int = 32,
    size: int = 7,
    extent: int = 11,
    stride: int = 2,
    seed: int = 0,
    lags: Sequence[float | str] = (0.0, 20.0, 40.0, 60.0, 80.0),
    tau_m: float | str = 10.0,
    tau_refrac: float | str = 20.0,
    v_thresh: float | str = -53.3,
    psp: float | str = 0.4,
    inhibition: float | str = 30.0,
    tau_plus: float | str = 10.0,
    a_plus: float = 0.07,
    a_post: float = 0.05,
    eta: float | str = 0.2,
    wins: float = 4.0,
    trial: float | str = 300.0,
) -> Network:
    """The layer of ``v1_features``, whose kernels have lags, and whose maps are alike.

    Parameters
    ----------
    maps, size, extent, stride, seed, tau_m, tau_refrac, v_thresh, psp, inhibition, tau_plus, \
a_plus, a_post, eta, wins, trial
        As in :func:`scnnbio_models.v1_features.build`.
    lags : sequence of float or str
        Lags of the kernels (ms).

    Returns
    -------
    Network
        Populations ``lgn`` (2, n, n), which plays the events, and ``v1`` (maps, places, places).

    Raises
    ------
    SpecError
        If a number is out of range or has the wrong unit.
    """
    if isinstance(lags, str) or not len(lags):
        raise SpecError("is not a list of lags", where="parameters.lags")
    network = v1_features.build(
        maps=maps, size=size, extent=extent, stride=stride, seed=seed, tau_m=tau_m,
        tau_m_spread=0.0, tau_refrac=tau_refrac, v_thresh=v_thresh, psp=psp,
        inhibition=inhibition, tau_plus=tau_plus, a_plus=a_plus, a_post=a_post, eta=eta,
        wins=wins, trial=trial,
    )  # fmt: skip
    times = [plain(lag, "ms", where="parameters.lags") for lag in lags]
    kernel = np.random.default_rng(seed).uniform(0.3, 0.7, (maps, 2, size, size, len(times)))
    motion = ConvolutionConnector(kernel, (2, extent, extent), stride=stride, lags=times)
    seen, *others = network.projections
    return Network(network.populations, (dataclasses.replace(seen, connector=motion), *others))
