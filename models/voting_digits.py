"""Two convolutional layers of LIF neurons, and neurons that vote for a digit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scnnbio.connectors import ConvolutionConnector, DenseConnector
from scnnbio.errors import SpecError
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIBRARY
from scnnbio.population import Population, SpikeSource
from scnnbio.units import plain

#: Digits.
CLASSES = 10
#: Largest number of kernel elements of a projection.
_LARGEST = 10**7
#: Standard deviation of initial weights times the root of the number of inputs, by layer. With
#: gains of 1 (He et al. 2015, ICCV, have the root of 2) deep layers are silent, since few of the
#: neurons before them fire, and at different times; with these, each layer fires 0.1 to 1 spikes
#: per neuron and image.
_GAINS = (2.0, 4.0, 8.0)


def build(
    *,
    extent: int = 28,
    maps: Sequence[int] = (32, 64),
    size: int = 5,
    votes: int = 10,
    tau_m: float | str = 8.0,
    seed: int = 0,
) -> Network:
    """Pixels, two convolutions of stride 2, and neurons that vote for each digit.

    Kernels are drawn at random and may have both signs; they are there to be trained by gradient.

    Parameters
    ----------
    extent : int
        Rows and columns of an image.
    maps : (int, int)
        Kernels of each convolution.
    size : int
        Their rows and columns, an odd number.
    votes : int
        Neurons that vote for each digit.
    tau_m : float or str
        Membrane time constant (ms).
    seed : int
        Of the initial kernels.

    Returns
    -------
    Network
        Populations ``retina`` (1, extent, extent), ``one``, ``two`` and ``digits`` (10, votes, 1),
        of leaky neurons that a spike takes to 0 mV and that fire at 1 mV; projections
        ``retina_one``, ``one_two`` and ``two_digits``.

    Raises
    ------
    SpecError
        If a number is out of range or has the wrong unit.
    """
    counts = {"extent": extent, "size": size, "votes": votes}
    try:
        first, second = maps
    except (TypeError, ValueError):
        _check(False, "maps", maps, "two numbers of kernels")
    counts |= {"maps[0]": first, "maps[1]": second}
    for name, count in counts.items():
        _check(isinstance(count, int) and not isinstance(count, bool) and count >= 1, name, count)
    _check(size % 2 == 1, "size", size, "an odd number, which gives a kernel a centre")
    tau = plain(tau_m, "ms", where="parameters.tau_m")
    _check(tau > 0, "tau_m", tau_m, "positive")
    quarter = (extent + 3) // 4
    largest = max(first * second * size**2, CLASSES * votes * second * quarter**2, extent**2)
    _check(largest <= _LARGEST, "maps", maps, "so few that a kernel fits the memory")
    rng = np.random.default_rng(seed)
    one = _convolution(rng, (1, extent, extent), first, size, _GAINS[0])
    two = _convolution(rng, one.out_shape, second, size, _GAINS[1])
    inputs = int(np.prod(two.out_shape))
    drawn = rng.normal(0.0, _GAINS[2] * inputs**-0.5, (CLASSES * votes, inputs))
    vote = DenseConnector(drawn, two.out_shape, (CLASSES, votes, 1))
    values = {"v_rest": 0.0, "v_reset": 0.0, "v_thresh": 1.0, "tau_m": tau, "tau_refrac": 0.0}
    layers = [("retina", "one", one), ("one", "two", two), ("two", "digits", vote)]
    return Network(
        (
            Population("retina", (1, extent, extent), SpikeSource()),
            *(Population(n, c.out_shape, LIBRARY["LIF_curr_delta"], values) for _, n, c in layers),
        ),
        tuple(Projection(pre, post, c, receptor="membrane") for pre, post, c in layers),
    )


def _convolution(
    rng: np.random.Generator, shape: tuple[int, int, int], maps: int, size: int, gain: float
) -> ConvolutionConnector:
    kernel = rng.normal(0.0, gain * (size**2 * shape[0]) ** -0.5, (maps, shape[0], size, size))
    return ConvolutionConnector(kernel, shape, stride=2, padding=size // 2)


def _check(holds: bool, name: str, value: object, wanted: str = "a positive whole number") -> None:
    if not holds:
        raise SpecError(f"{value!r} is not {wanted}", where=f"parameters.{name}")
