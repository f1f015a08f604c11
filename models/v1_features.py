"""One spiking convolutional layer of V1 that learns from its LGN input by shared-kernel STDP."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from scnnbio.connectors import ConvolutionConnector, LateralInhibitionConnector
from scnnbio.connectors.lateral import Scope
from scnnbio.errors import SpecError
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIF
from scnnbio.plasticity import SharedSTDP, SharedThreshold
from scnnbio.population import Population, SpikeSource
from scnnbio.units import plain

#: Kernel elements, or cells, of one input channel.
_LARGEST = 10**7


def build(
    *,
    maps: int = 64,
    size: int = 11,
    extent: int = 15,
    stride: int = 2,
    seed: int = 0,
    tau_m: float | str = 16.0,
    tau_m_spread: float = 0.8,
    tau_refrac: float | str = 24.0,
    v_thresh: float | str = -53.3,
    delay: float | str = 1.0,
    psp: float | str = 1.0,
    inhibition: float | str = 30.0,
    inhibition_scope: Scope = "maps",
    inhibition_radius: int = 0,
    tau_syn: float | str | None = None,
    tau_plus: float | str = 4.5,
    a_plus: float = 0.07,
    a_post: float = 0.056,
    rate_half_life: float | str | None = None,
    eta: float | str = 0.2,
    wins: float = 0.95,
    trial: float | str = 24.0,
    threshold_half_life: float | str | None = None,
) -> Network:
    """LGN to V1: ON and OFF cells, a shared convolution, inhibition between the maps.

    Parameters
    ----------
    maps : int
        Kernels that are learned.
    size : int
        Rows and columns of a kernel.
    extent : int
        Rows and columns of LGN cells; the layer has as many places as the kernel fits in.
    stride : int
        LGN cells between one place and the next.
    seed : int
        Of the initial kernels.
    tau_m : float or str
        Median of the maps' membrane time constants (ms).
    tau_m_spread : float
        Standard deviation of their logarithm; the maps take the quantiles of that distribution, so
        that fast maps see few input spikes at once and slow ones many. 0 makes all maps alike.
    tau_refrac, v_thresh : float or str
        Refractory period (ms) and initial threshold (mV).
    delay : float or str
        Of all connections (ms).
    psp : float or str
        Depolarisation by an input spike through a kernel element of 1 (mV).
    inhibition : float or str
        Hyperpolarisation of inhibited cells by a spike (mV).
    inhibition_scope, inhibition_radius
        Scope of inhibition; see :class:`~scnnbio.connectors.LateralInhibitionConnector`.
    tau_syn : float or str, optional
        Time constant (ms) of synaptic currents, which carry the charge of ``psp`` and
        ``inhibition``. Without it a spike moves the membrane potential at once.
    tau_plus : float or str
        Time constant of the presynaptic trace (ms).
    a_plus, a_post : float
        Potentiation by a pair and depression by a postsynaptic spike, with soft bounds 0 and 1. If
        both are 0, kernels do not learn and may have both signs.
    rate_half_life, threshold_half_life : float or str, optional
        Time in which learning, and the threshold's adaptation, slow to half (ms).
    eta : float or str
        Rise of a map's threshold at each of its spikes (mV).
    wins : float
        Spikes that all maps together are driven to fire at one place and trial.
    trial : float or str
        Length of a trial (ms), which turns ``wins`` into a rate.

    Returns
    -------
    Network
        Populations ``lgn`` (2, n, n) and ``v1`` (maps, places, places); projections ``lgn_v1``,
        which learns, and ``v1_v1``.

    Raises
    ------
    SpecError
        If a number is out of range or has the wrong unit.

    References
    ----------
    Masquelier 2012, J Comput Neurosci 32:425; Kheradpisheh et al. 2018, Neural Netw 99:56;
    Falez et al. 2019, arXiv:1904.01908 (competition, adaptive threshold, latency code).
    Perez-Nieves et al. 2021, Nat Commun 12:5791 (a spread of time constants helps learning).
    """
    for name, count in (("maps", maps), ("size", size), ("extent", extent), ("stride", stride)):
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise SpecError(f"{count!r} is not a positive whole number", where=f"parameters.{name}")
    if size > extent:
        raise SpecError(
            f"a kernel of {size} x {size} does not fit an input of {extent} x {extent}; enlarge"
            " extent or make size smaller",
            where="parameters.size",
        )
    for name, cells in (("maps", maps * size * size), ("extent", extent * extent)):
        if cells > _LARGEST:
            raise SpecError("so large a layer fits no memory", where=f"parameters.{name}")
    rng = np.random.default_rng(seed)
    kernel = rng.uniform(0.3, 0.7, (maps, 2, size, size))
    convolution = ConvolutionConnector(kernel, (2, extent, extent), stride=stride)
    layer = convolution.out_shape
    duration = _number("trial", trial, "ms", positive=True)
    target = (
        _number("wins", wins, "1", positive=True) * layer[1] * layer[2] / maps / (duration * 1e-3)
    )
    spread = _number("tau_m_spread", tau_m_spread, "1")
    if not 0 <= spread <= 5:
        raise SpecError(f"{spread:g} is not from 0 to 5", where="parameters.tau_m_spread")
    quantile = ndtri((np.arange(maps) + 0.5) / maps)
    tau = _number("tau_m", tau_m, "ms", positive=True) * np.exp(spread * quantile)
    wait = _number("delay", delay, "ms", positive=True)
    excitatory = inhibitory = "membrane"
    charge, synapses = 1.0, {}
    if tau_syn is not None:
        decay = _number("tau_syn", tau_syn, "ms", positive=True)
        excitatory, inhibitory = "excitatory", "inhibitory"
        # From a jump in mV to a decaying current in nA of equal charge (mV nF = pC = nA ms).
        charge = LIF.parameters["cm"].default / decay
        synapses = {"tau_syn_E": decay, "tau_syn_I": decay}
    rule = SharedSTDP(
        tau_plus=_number("tau_plus", tau_plus, "ms"),
        a_plus=_number("a_plus", a_plus, "1"),
        a_post=_number("a_post", a_post, "1"),
        half_life=_half_life("rate_half_life", rate_half_life),
    )
    return Network(
        populations=(
            Population("lgn", (2, extent, extent), SpikeSource()),
            Population(
                "v1",
                layer,
                LIF,
                parameters={
                    "tau_m": tau,
                    "tau_refrac": _number("tau_refrac", tau_refrac, "ms"),
                    "v_thresh": _number("v_thresh", v_thresh, "mV"),
                    **synapses,
                },
                homeostasis=SharedThreshold(
                    eta=_number("eta", eta, "mV", positive=True),
                    target=target,
                    minimum=-64.5,
                    half_life=_half_life("threshold_half_life", threshold_half_life),
                ),
            ),
        ),
        projections=(
            Projection(
                "lgn",
                "v1",
                convolution,
                weight=charge * _number("psp", psp, "mV"),
                delay=wait,
                receptor=excitatory,
                # A rule without changes would still hold kernels to its bounds.
                plasticity=rule if rule.a_plus or rule.a_post else None,
            ),
            Projection(
                "v1",
                "v1",
                _inhibition(layer, inhibition_scope, inhibition_radius),
                weight=-charge * _number("inhibition", inhibition, "mV"),
                delay=wait,
                receptor=inhibitory,
            ),
        ),
    )


def _inhibition(
    layer: tuple[int, int, int], scope: Scope, radius: int
) -> LateralInhibitionConnector:
    try:
        return LateralInhibitionConnector(layer, scope, radius)
    except SpecError as error:
        # Parameters of the model have longer names than the connector's arguments.
        where = f"parameters.inhibition_{error.where}"
        raise SpecError(error.message, where=where) from None


def _number(name: str, value: float | str, unit: str, *, positive: bool = False) -> float:
    number = plain(value, unit, where=f"parameters.{name}")
    if positive and number <= 0:
        raise SpecError(f"{number:g} {unit} is not positive", where=f"parameters.{name}")
    return number


def _half_life(name: str, value: float | str | None) -> float | None:
    return None if value is None else _number(name, value, "ms", positive=True)
