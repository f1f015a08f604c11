"""Two convolutional layers of neurons that add up their input, and a sum for each digit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scnnbio.connectors import ConvolutionConnector, DenseConnector
from scnnbio.errors import SpecError
from scnnbio.network import Network, Projection
from scnnbio.neurons.parts import BY_SUBTRACTION, compose, delta, perfect
from scnnbio.population import Population, SpikeSource

#: Digits.
CLASSES = 10
#: Largest number of kernel elements of a projection.
_LARGEST = 10**7
#: dv/dt = i_offset/cm; a spike takes the threshold away. As scnnbio.conversion makes it.
IF_DELTA_SUBTRACT = compose(
    "IF_delta_subtract", perfect(BY_SUBTRACTION), [delta()],
    reference="Lapicque 1907; Rueckauer et al. 2017, Front Neurosci 11:682",
)  # fmt: skip
_CELL = {"v_rest": 0.0, "v_reset": 0.0, "v_thresh": 1.0, "tau_refrac": 0.0, "cm": 1.0}
#: The threshold (mV) of neurons that only add up.
_NEVER = 1e300


def build(
    *, extent: int = 28, maps: Sequence[int] = (16, 32), size: int = 5, dt: float = 1.0,
    seed: int = 0,
) -> Network:  # fmt: skip
    """Pixels, two convolutions of stride 2, and a neuron for each digit that never fires.

    The network is that of a torch module of two convolutions and a linear layer after conversion.
    Kernels are drawn at random (He et al. 2015, ICCV); they are there to be trained in the module.

    Parameters
    ----------
    extent : int
        Rows and columns of an image.
    maps : (int, int)
        Kernels of each convolution.
    size : int
        Their rows and columns, an odd number.
    dt : float
        Delay of each layer, one step (ms).
    seed : int
        Of the initial kernels.

    Returns
    -------
    Network
        Populations ``retina`` (1, extent, extent), ``one``, ``two`` and ``sums`` (10, 1, 1);
        projections ``retina_one``, ``one_two`` and ``two_sums``. Thresholds are 1 mV, a spike takes
        1 mV from its neuron, and neurons begin at 0.5 mV; those of ``sums`` begin at 0 and do not
        fire.

    Raises
    ------
    SpecError
        If a number is out of range.
    """
    try:
        first, second = maps
    except (TypeError, ValueError):
        raise SpecError(
            f"{maps!r} is not two numbers of kernels", where="parameters.maps"
        ) from None
    counts = {"extent": extent, "size": size, "maps[0]": first, "maps[1]": second}
    for name, count in counts.items():
        _check(isinstance(count, int) and not isinstance(count, bool) and count >= 1, name, count)
    _check(size % 2 == 1, "size", size, "an odd number, which gives a kernel a centre")
    quarter = (extent + 3) // 4
    largest = max(first * second * size**2, CLASSES * second * quarter**2, extent**2)
    _check(largest <= _LARGEST, "maps", maps, "so few that a kernel fits the memory")
    rng = np.random.default_rng(seed)
    one = _convolution(rng, (1, extent, extent), first, size)
    two = _convolution(rng, one.out_shape, second, size)
    inputs = int(np.prod(two.out_shape))
    drawn = rng.normal(0.0, inputs**-0.5, (CLASSES, inputs))
    sums = DenseConnector(drawn, two.out_shape, (CLASSES, 1, 1))
    layers = [("retina", "one", one), ("one", "two", two), ("two", "sums", sums)]
    return Network(
        (
            Population("retina", (1, extent, extent), SpikeSource()),
            *(
                Population(n, c.out_shape, IF_DELTA_SUBTRACT, _CELL, initial={"v": 0.5})
                for _, n, c in layers[:2]
            ),
            Population("sums", sums.out_shape, IF_DELTA_SUBTRACT, {**_CELL, "v_thresh": _NEVER}),
        ),
        tuple(Projection(pre, post, c, 1.0, dt, "membrane") for pre, post, c in layers),
    )


def _convolution(
    rng: np.random.Generator, shape: tuple[int, int, int], maps: int, size: int
) -> ConvolutionConnector:
    kernel = rng.normal(0.0, (2 / (size**2 * shape[0])) ** 0.5, (maps, shape[0], size, size))
    return ConvolutionConnector(kernel, shape, stride=2, padding=size // 2)


def _check(holds: bool, name: str, value: object, wanted: str = "a positive whole number") -> None:
    if not holds:
        raise SpecError(f"{value!r} is not {wanted}", where=f"parameters.{name}")
