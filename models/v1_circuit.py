"""A circuit of V1: simple cells on given kernels, inhibitory cells, and complex cells.

Simple cells have thalamic excitation through shared kernels, and inhibition through the same
kernels with ON and OFF exchanged (push-pull). Inhibitory cells sum simple cells of all
orientations around them, and act back on all cells. A complex cell sums simple cells whose kernels
have a similar spectrum, whatever their phase, at several places; nothing takes a maximum. Each cell
has a background of fluctuating conductances, and parameters of its own.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio.connectors import ConvolutionConnector
from scnnbio.distributions import Normal
from scnnbio.errors import SpecError
from scnnbio.network import Network, Projection
from scnnbio.neurons import OrnsteinUhlenbeckNoise
from scnnbio.neurons.library import LIF_COND_EXP
from scnnbio.population import Population, SpikeSource
from scnnbio.units import In, plain, plain_array

Array = NDArray[np.float64]

#: Neocortical cell of Destexhe et al. (2001), Neuroscience 107:13-24: an area of 34 636 um2 with
#: 1 uF/cm2 and a leak of 0.0452 mS/cm2 that reverses at -80 mV. NEST's hh_cond_exp_destexhe, which
#: cites the paper, has 346.36 pF, -80 mV, and a leak of 0.045 mS/cm2; the paper was not read.
_AREA = 34636e-8  # cm2
_CM = 1e3 * _AREA  # nF
_TAU_M = 1.0 / 0.0452  # ms
#: Its background: mean, standard deviation (uS), correlation time (ms) and reversal (mV), as
#: Gfluct.mod gives them, the NEURON mechanism of the paper's first author. The synapses of the
#: circuit have the same times and reversals.
_EXCITATORY = (0.0121, 0.0030, 2.728, 0.0)
_INHIBITORY = (0.0573, 0.0066, 10.49, -75.0)
#: Threshold of simple cells, mean and standard deviation (mV): Carandini & Ferster (2000), J
#: Neurosci 20:470-484. The abstract has -54.4 +- 1.4 mV and does not say of what kind the 1.4 is.
_THRESHOLD, _THRESHOLD_SD = -54.4, 1.4
#: Reset (mV): Song, Miller & Abbott (2000), Nat Neurosci 3:919-926, as Brian's example after it
#: has it.
_RESET = -60.0
#: Refractory periods (ms) of excitatory and of inhibitory cells, medians of 4.6 and 2.65 ms on
#: a grid of 0.5 ms, computed from the data of Teeter et al. (2018), Nat Commun 9:709.
_REFRACTORY, _REFRACTORY_INHIBITORY = 4.5, 2.5
#: Delay of thalamic input (ms): Hawken, Shapley & Grosof (1996), Vis Neurosci 13:477-492, whose
#: abstract has an increase in visual delay of 3 ms from the LGN to the input layers of V1.
_THALAMIC_DELAY = 3.0
#: Delay within the circuit (ms), of one synapse; push-pull takes two.
_DELAY = 1.0
#: Largest and smallest factor on a cell's push-pull and on its inhibition by the pool, by hand:
#: inhibition differs between cells (Monier et al. 2003, Neuron 37:663-680).
_PUSH_PULL_RANGE, _POOL_RANGE = 0.54, 1.0
#: Fewest and most maps that a complex cell sums.
_FEWEST, _MOST = 10, 24
#: Standard deviation of a complex cell's weights over places, in places.
_REACH = 0.6
#: Share of simple cells in reach that excite an inhibitory cell.
_CONNECTED = 0.5
#: Kernel elements, or cells, at most.
_LARGEST = 10**7


def build(
    *,
    kernels: Annotated[ArrayLike, In("1")],
    places: int = 3,
    stride: int = 8,
    complex_cells: int = 96,
    inhibitory_cells: int = 16,
    thalamic: float | str = "100 nS",
    push_pull: float = 4.7,
    recruitment: float | str = "60 nS",
    pool: float | str = "40 nS",
    pooling: float | str = "100 nS",
    noise: float = 1.0,
    spread: float = 1.0,
    seed: int = 0,
) -> Network:
    """LGN, simple cells, inhibitory cells, complex cells.

    Parameters
    ----------
    kernels : array, shape (maps, 2, rows, columns)
        Thalamic weights, not negative, ON first; each kernel is divided by its sum.
    places : int
        Rows and columns of simple and of inhibitory cells; odd.
    stride : int
        LGN cells between one place and the next.
    complex_cells, inhibitory_cells : int
        Complex cells, and inhibitory cells per place.
    thalamic : float or str
        Sum of the conductances of a simple cell's thalamic synapses, one spike each (uS).
    push_pull : float
        Mean inhibitory over mean excitatory conductance that the LGN brings; 0 for none.
    recruitment, pool, pooling : float or str
        The same sum for excitation of an inhibitory cell by simple cells, for inhibition of a
        simple or complex cell by inhibitory cells, and for excitation of a complex cell (uS).
    noise : float
        Factor on the standard deviations of the background; 0 leaves its means.
    spread : float
        Factor on the differences between cells; 0 makes them alike.
    seed : int
        Of what differs between cells.

    Returns
    -------
    Network
        Populations ``lgn`` (2, n, n), ``simple`` (maps, places, places), ``inhibitory``
        (inhibitory_cells, places, places) and ``complex`` (complex_cells, 1, 1).

    Raises
    ------
    SpecError
        If a number is out of range or has the wrong unit.

    References
    ----------
    Destexhe et al. 2001, Neuroscience 107:13 (background); Troyer, Krukowski, Priebe & Miller 1998,
    J Neurosci 18:5908 (push-pull); Movshon, Thompson & Tolhurst 1978, J Physiol 283:79 (complex
    cells sum subunits); Alonso & Martinez 1998, Nat Neurosci 1:395 (simple cells excite them);
    Carandini & Heeger 2012, Nat Rev Neurosci 13:51 (a pool divides).
    """
    weights = _kernels(kernels)
    counts = {
        "places": places, "stride": stride, "complex_cells": complex_cells,
        "inhibitory_cells": inhibitory_cells,
    }  # fmt: skip
    for name, count in counts.items():
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= 1000:
            raise _wrong(name, f"{count!r} is not a whole number from 1 to 1000")
    if places % 2 == 0:
        raise _wrong("places", f"{places} has no middle; make it odd")
    strengths = {
        "thalamic": thalamic, "recruitment": recruitment, "pool": pool, "pooling": pooling,
    }  # fmt: skip
    total = {name: _number(name, value, "uS") for name, value in strengths.items()}
    ratio, loud = _number("push_pull", push_pull, "1"), _number("noise", noise, "1")
    apart = _number("spread", spread, "1")
    if apart > 1:
        raise _wrong("spread", f"{apart:g} is more than 1, and weights would be negative")
    rng = np.random.default_rng(seed)
    maps, _, size, _ = weights.shape
    extent = size + stride * (places - 1)
    if max(maps * complex_cells, maps * inhibitory_cells * places**2, extent**2) > _LARGEST:
        raise _wrong("places", "so large a layer fits no memory")
    lgn, simple = (2, extent, extent), (maps, places, places)
    inhibitory = (inhibitory_cells, places, places)
    opposed = weights[:, ::-1] * _factors(rng, maps, apart * _PUSH_PULL_RANGE)
    own = _factors(rng, maps, apart * _POOL_RANGE)
    others = _factors(rng, complex_cells, apart * _POOL_RANGE)
    sampled = (rng.random((inhibitory_cells, maps, 3, 3)) < _CONNECTED).astype(float)
    all_places = np.ones((1, inhibitory_cells, 2 * places - 1, 2 * places - 1))
    like = _like_to_like(weights, places, complex_cells, rng)
    # Equal mean conductances need weights that account for the longer time of inhibition.
    opposing = total["thalamic"] * ratio * _EXCITATORY[2] / _INHIBITORY[2]
    cells = inhibitory_cells * places**2
    return Network(
        populations=(
            Population("lgn", lgn, SpikeSource()),
            _cells("simple", simple, _REFRACTORY, loud, apart, seed),
            _cells("inhibitory", inhibitory, _REFRACTORY_INHIBITORY, loud, apart, seed),
            _cells("complex", (complex_cells, 1, 1), _REFRACTORY, loud, apart, seed),
        ),
        projections=(
            Projection(
                "lgn", "simple", ConvolutionConnector(weights, lgn, stride=stride),
                weight=total["thalamic"], delay=_THALAMIC_DELAY,
            ),
            Projection(
                "lgn", "simple", ConvolutionConnector(opposed, lgn, stride=stride),
                weight=opposing, delay=_THALAMIC_DELAY + _DELAY, receptor="inhibitory",
                name="push_pull",
            ),
            Projection(
                "simple", "inhibitory",
                ConvolutionConnector(
                    sampled / sampled.sum(axis=(1, 2, 3), keepdims=True), simple, padding=1,
                    connect_zeros=False,
                ),
                weight=total["recruitment"], delay=_DELAY,
            ),
            Projection(
                "inhibitory", "simple",
                ConvolutionConnector(own * all_places / cells, inhibitory, padding=places - 1),
                weight=total["pool"], delay=_DELAY, receptor="inhibitory",
            ),
            Projection(
                "simple", "complex", ConvolutionConnector(like, simple, connect_zeros=False),
                weight=total["pooling"], delay=_DELAY,
            ),
            Projection(
                "inhibitory", "complex",
                ConvolutionConnector(
                    others * all_places[:, :, :places, :places] / cells, inhibitory
                ),
                weight=total["pool"], delay=_DELAY, receptor="inhibitory",
            ),
        ),
    )  # fmt: skip


def _kernels(kernels: Any) -> Array:
    """Kernels of sum 1."""
    values = plain_array(kernels, "1", where="parameters.kernels")
    if values.ndim != 4 or values.shape[1] != 2 or values.shape[2] != values.shape[3]:
        raise _wrong("kernels", f"shape {values.shape} is not (maps, 2, n, n), ON and OFF")
    sums = values.sum(axis=(1, 2, 3), keepdims=True)
    if values.size > _LARGEST or values.min() < 0 or not sums.min() > 0:
        raise _wrong("kernels", "weights must not be negative, nor a kernel all zero or too large")
    return np.asarray(values / sums)


def _cells(
    name: str, shape: tuple[int, int, int], refractory: float, noise: float, spread: float,
    seed: int,
) -> Population:  # fmt: skip
    """Cells under synaptic bombardment whose thresholds differ."""
    apart = spread * _THRESHOLD_SD
    threshold: Any = Normal(_THRESHOLD, apart, seed=seed) if apart else _THRESHOLD
    return Population(
        name,
        shape,
        LIF_COND_EXP,
        parameters={
            "cm": _CM, "tau_m": _TAU_M, "v_rest": -80.0, "v_reset": _RESET,
            "v_thresh": threshold,
            "tau_refrac": refractory,
            "tau_syn_E": _EXCITATORY[2], "tau_syn_I": _INHIBITORY[2],
            "e_rev_E": _EXCITATORY[3], "e_rev_I": _INHIBITORY[3],
        },
        # At the balance of leak and background.
        initial={"v": _resting()},
        noise=tuple(
            OrnsteinUhlenbeckNoise(mean=mean, sigma=noise * sd, tau=tau, reversal=reversal)
            for mean, sd, tau, reversal in (_EXCITATORY, _INHIBITORY)
        ),
    )  # fmt: skip


def _resting() -> float:
    """Potential (mV) at which leak and mean background cancel."""
    drives = ((_CM / _TAU_M, -80.0), (_EXCITATORY[0], 0.0), (_INHIBITORY[0], -75.0))
    return sum(g * e for g, e in drives) / sum(g for g, _ in drives)


def _factors(rng: np.random.Generator, count: int, span: float) -> Array:
    """Factors of mean 1, from 1 - span to 1 + span, one per map."""
    return 1.0 + span * rng.uniform(-1.0, 1.0, (count, 1, 1, 1))


def _like_to_like(
    weights: Array, places: int, cells: int, rng: np.random.Generator
) -> Array:  # fmt: skip
    """Weights (cells, maps, places, places) of sum 1 from maps of like spectrum.

    The amplitude spectrum of ON minus OFF has the orientation and frequency of a field, and not
    its phase. Each cell has a map at its centre, the maps in turn; it sums that map and those whose
    spectra correlate most with it.
    """
    field = weights[:, 0] - weights[:, 1]
    spectrum = np.abs(np.fft.fft2(field)).reshape(len(field), -1)
    spectrum /= np.linalg.norm(spectrum, axis=1, keepdims=True)
    nearest = np.argsort(-(spectrum @ spectrum.T), axis=1, kind="stable")
    away = np.arange(places) - places // 2
    near = np.exp(-0.5 * (away[:, None] ** 2 + away**2) / _REACH**2)
    made = np.zeros((cells, len(weights), places, places))
    for cell in range(cells):
        most = min(int(rng.integers(_FEWEST, _MOST + 1)), len(weights))
        made[cell, nearest[cell % len(weights), :most]] = near
    return np.asarray(made / made.sum(axis=(1, 2, 3), keepdims=True))


def _number(name: str, value: float | str, unit: str) -> float:
    number = plain(value, unit, where=f"parameters.{name}")
    if number < 0 or not math.isfinite(number):
        raise _wrong(name, f"{number:g} {unit} is negative; give 0 or more")
    return number


def _wrong(name: str, message: str) -> SpecError:
    return SpecError(message, where=f"parameters.{name}")
