"""V1 layers with Gabor kernels on one LGN, alike but for the inhibition between their cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scnnbio.connectors import ConvolutionConnector, Gaussian, LateralInhibitionConnector
from scnnbio.errors import SpecError, not_one_of
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIBRARY, OrnsteinUhlenbeckNoise
from scnnbio.population import Population, SpikeSource
from scnnbio.units import plain

Array = NDArray[np.float64]

#: Kinds of inhibition, and the receptor of each.
RECEPTORS = {"control": "", "subtractive": "inhibitory", "shunting": "shunting"}
#: nF and ms: medians of the GLIF1 models of 362 excitatory cells (data of Teeter et al. 2018).
CM, TAU_M, TAU_REFRAC = 0.107, 19.0, 4.6
#: mV: threshold (Carandini & Ferster 2000, abstract), and mean potential in vivo, which is ascribed
#: to Destexhe et al. 2001 from memory and was not confirmed.
V_THRESH, V_REST = -54.4, -65.0
#: ms: decay of excitation and inhibition (Destexhe et al. 2001, as NEURON and NEST models give it).
TAU_E, TAU_I = 2.7, 10.5
#: Kernel elements, or cells, of one input channel.
_LARGEST = 10**7


def build(
    *,
    layers: Sequence[str] = ("control", "subtractive", "shunting"),
    orientations: int = 8,
    phases: int = 4,
    size: int = 13,
    extent: int = 17,
    stride: int = 2,
    frequency: float = 0.12,
    psp: float | str = 40.0,
    noise: float | str = 0.04,
    subtraction: float | str = 0.02,
    shunt: float | str = 0.001,
    radius: int = 0,
    reach: float = 0.0,
    delay: float | str = 1.0,
) -> Network:
    """LGN to simple cells of every orientation and phase, once for each kind of inhibition.

    Kernels are Gabors of the median shape of macaque V1. Light excites through the ON cells and
    inhibits through the OFF cells of one place, or the reverse (push-pull), so that the input is
    linear in contrast and nothing enters from mean grey.

    Parameters
    ----------
    layers : sequence of {"control", "subtractive", "shunting"}
        Inhibition within each layer: none, by a current, or by a conductance that reverses at rest.
    orientations, phases : int
        Maps are all combinations, phases changing fastest.
    size, extent, stride : int
        Rows and columns of a kernel and of LGN cells, and LGN cells between places.
    frequency : float
        Spatial frequency of the kernels (cycles per LGN cell).
    psp : float or str
        Depolarisation by one spike of every LGN cell of a kernel whose weight is above 0 (mV).
    noise : float or str
        Standard deviation of the current that each cell receives as background (nA).
    subtraction : float or str
        Current by which a spike inhibits another map at its place (nA).
    shunt : float or str
        Conductance by which it does (uS).
    radius : int
        Rows and columns over which cells inhibit each other; 0 for the maps of one place.
    reach : float
        Standard deviation of the fall of inhibition with distance (places); 0 for none.
    delay : float or str
        Of all connections (ms).

    Returns
    -------
    Network
        ``lgn`` (2, extent, extent), each of ``layers`` (maps, places, places), ``lgn_LAYER``, and
        ``LAYER_LAYER`` for those with inhibition.

    Raises
    ------
    SpecError
        If a number is out of range or has the wrong unit, or there is no such kind of inhibition.

    References
    ----------
    Ringach 2002, J Neurophysiol 88:455 (medians n_x = 0.37 and n_y = 0.44); Hirsch et al. 1998, J
    Neurosci 18:9517 (push-pull); Teeter et al. 2018, Nat Commun 9:709 (capacitance, time constant,
    refractory period); Carandini & Ferster 2000, J Neurosci 20:470 (threshold); Destexhe, Rudolph,
    Fellous & Sejnowski 2001, Neuroscience 107:13 (synaptic time constants).
    """
    for name in layers:
        if name not in RECEPTORS:
            raise SpecError(not_one_of(name, tuple(RECEPTORS)), where="parameters.layers")
    if not layers or len(set(layers)) < len(layers):
        raise SpecError("give each kind once, at least one", where="parameters.layers")
    lgn, convolution = simple_layer(orientations, phases, size, extent, stride, frequency)
    wait = _number("delay", delay, "ms")
    weight = _number("psp", psp, "mV") * CM / TAU_E
    strength = {
        "subtractive": _number("subtraction", subtraction, "nA"),
        "shunting": _number("shunt", shunt, "uS"),
    }
    populations, projections = [lgn], []
    for name in layers:
        populations.append(cells(name, convolution.out_shape, noise))
        projections.append(
            Projection("lgn", name, convolution, weight=weight, delay=wait, receptor="excitatory")
        )
        if RECEPTORS[name]:
            sign = 1.0 if name == "shunting" else -1.0
            projections.append(
                Projection(
                    name, name, _between(convolution.out_shape, radius, reach),
                    weight=sign * strength[name], delay=wait, receptor=RECEPTORS[name],
                )
            )  # fmt: skip
    return Network(tuple(populations), tuple(projections))


def simple_layer(
    orientations: int, phases: int, size: int, extent: int, stride: int, frequency: float
) -> tuple[Population, ConvolutionConnector]:
    """The LGN, and the convolution of it that makes simple cells.

    Raises
    ------
    SpecError
        If a number is out of range.
    """
    counts = {
        "orientations": orientations, "phases": phases, "size": size, "extent": extent,
        "stride": stride,
    }  # fmt: skip
    for name, count in counts.items():
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise SpecError(f"{count!r} is not a positive whole number", where=f"parameters.{name}")
    for name, elements in (("size", orientations * phases * size**2), ("extent", extent**2)):
        if elements > _LARGEST:
            raise SpecError("so large a layer fits no memory", where=f"parameters.{name}")
    if size > extent:
        raise SpecError(
            f"a kernel of {size} x {size} does not fit an input of {extent} x {extent}; enlarge"
            " extent or make size smaller",
            where="parameters.size",
        )
    if not 0 < frequency < 0.5:
        raise SpecError(
            f"{frequency!r} cycles per cell cannot be sampled; use 0 to 0.5",
            where="parameters.frequency",
        )
    angles = np.arange(orientations) * 180.0 / orientations
    turns = np.arange(phases) * 360.0 / phases
    on = np.array([gabor(size, frequency, a, t) for a in angles for t in turns])
    shape = (2, extent, extent)
    kernel = np.stack([on, -on], axis=1)
    connector = ConvolutionConnector(kernel, shape, stride=stride, connect_zeros=False)
    return Population("lgn", shape, SpikeSource()), connector


def gabor(size: int, frequency: float, orientation: float, phase: float) -> Array:
    """A Gabor of the median shape of macaque V1, which sums to 0 and whose positive part sums to 1.

    Parameters
    ----------
    size : int
    frequency : float
        Cycles per element.
    orientation : float
        Of the bars (deg), counter-clockwise from horizontal.
    phase : float
        deg.

    Returns
    -------
    numpy.ndarray
        (size, size), the top row first.
    """
    at = np.arange(size) - (size - 1) / 2
    x, y = at[None, :], -at[:, None]
    across = np.deg2rad(orientation + 90.0)
    u = x * np.cos(across) + y * np.sin(across)
    v = y * np.cos(across) - x * np.sin(across)
    envelope = np.exp(-0.5 * frequency**2 * ((u / 0.37) ** 2 + (v / 0.44) ** 2))
    wave = np.cos(2 * np.pi * frequency * u + np.deg2rad(phase))
    kernel = envelope * (wave - (envelope * wave).sum() / envelope.sum())
    return np.asarray(kernel / kernel[kernel > 0].sum())


def cells(name: str, shape: tuple[int, int, int], noise: float | str) -> Population:
    """Cells of V1 with excitatory and inhibitory currents, a shunt, and background noise.

    Raises
    ------
    SpecError
        If the noise is not a current.
    """
    sigma = _number("noise", noise, "nA")
    parameters = {
        "cm": CM, "tau_m": TAU_M, "tau_refrac": TAU_REFRAC, "v_rest": V_REST, "v_reset": V_REST,
        "v_thresh": V_THRESH, "tau_syn_E": TAU_E, "tau_syn_I": TAU_I, "tau_syn_S": TAU_I,
    }  # fmt: skip
    background = (OrnsteinUhlenbeckNoise(mean=0.0, sigma=sigma, tau=TAU_E),) if sigma else ()
    return Population(name, shape, LIBRARY["LIF_shunting"], parameters, noise=background)


def _between(shape: tuple[int, int, int], radius: int, reach: float) -> LateralInhibitionConnector:
    try:
        return LateralInhibitionConnector(
            shape, "both" if radius else "maps", radius, profile=Gaussian(reach) if reach else None
        )
    except SpecError as error:
        raise SpecError(error.message, where=f"parameters.{error.where}") from None


def _number(name: str, value: float | str, unit: str) -> float:
    number = plain(value, unit, where=f"parameters.{name}")
    if number < 0:
        raise SpecError(f"{number:g} {unit} is below 0", where=f"parameters.{name}")
    return number
