"""One or two convolutional layers that learn parts of digits by STDP."""

from __future__ import annotations

import numpy as np

from scnnbio.connectors import ConvolutionConnector, KernelConnector, PoolingConnector
from scnnbio.errors import SpecError
from scnnbio.network import Network, Projection
from scnnbio.neurons.parts import compose, delta, perfect
from scnnbio.plasticity import Trace, TraceRule, WinnerTakeAll
from scnnbio.population import Population, SpikeSource
from scnnbio.units import plain

#: Integrate-and-fire without leak; a spike changes the potential at once.
IF_CURR_DELTA = compose(
    "IF_curr_delta", perfect(), [delta()], reference="Kheradpisheh et al. 2018, Neural Netw 99:56"
)
#: Largest number of kernel elements of a layer.
_LARGEST = 10**7


def build(
    *,
    extent: int = 28,
    maps: int = 70,
    size: int = 7,
    threshold: float | str = 10.0,
    mean: float = 0.8,
    spread: float = 0.05,
    radius: int = 3,
    winners: int = 7,
    rate: float = 0.1,
    depression: float = 2.0,
    layers: int = 1,
    pool: int = 2,
    deep_maps: int = 100,
    deep_size: int = 5,
    deep_threshold: float | str = 8.0,
    deep_radius: int = 1,
    deep_winners: int = 8,
    deep_rate: float = 0.0,
    deep_depression: float = 2.0,
    deep_silence: bool = True,
    trial: float | str = 17.0,
    seed: int = 0,
) -> Network:
    """Pixels that fire once each, brighter ones earlier, and layers whose cells fire at most once.

    A cell fires when enough of its pixels have, and keeps the other maps at its place from firing.
    Of a few cells in each image, the first of their maps, all weights change: those whose pixel has
    fired grow, the others fall ``depression`` times as fast, both in proportion to ``w (1 - w)``.

    Parameters
    ----------
    extent : int
        Rows and columns of an image; the layer has as many places.
    maps, size : int
        Kernels of the first layer, and their rows and columns, an odd number.
    threshold : float or str
        Of the first layer (mV); a spike through a weight of 1 moves a cell by 1 mV.
    mean, spread : float
        Of the normal distribution of initial weights, cut at 0 and 1.
    radius, winners : int
        See :class:`~scnnbio.plasticity.WinnerTakeAll`.
    rate : float
        Learning rate of the first layer; 0 for no learning.
    depression : float
        Ratio of depression to potentiation.
    layers : int
        1 or 2.
    pool : int
        Size of the pooling windows between the layers, which pass on the first spike of a map.
    deep_maps, deep_size, deep_threshold, deep_radius, deep_winners, deep_rate, deep_depression
        The same for the second layer.
    deep_silence : bool
        Whether the first cell of the second layer that fires at a place keeps those of the other
        maps there from firing.
    trial : float or str
        Length of a trial (ms). No cell fires twice in one.
    seed : int
        Of the initial kernels.

    Returns
    -------
    Network
        Populations ``retina`` (1, extent, extent) and ``v1`` (maps, extent, extent), and projection
        ``retina_v1``; of two layers also ``pool`` and ``v2``, ``v1_pool`` and ``pool_v2``.

    Raises
    ------
    SpecError
        If a number is out of range or has the wrong unit.

    References
    ----------
    Kheradpisheh, Ganjtabesh, Thorpe & Masquelier 2018, Neural Netw 99:56 (competition and rule);
    Goupy et al. 2023, Neuromorph Comput Eng 3:014001, doi 10.1088/2634-4386/acad98 (kernels of 7 x
    7 on intensity by rank, several winners).
    """
    counts = {
        "extent": extent, "maps": maps, "size": size, "winners": winners, "pool": pool,
        "deep_maps": deep_maps, "deep_size": deep_size, "deep_winners": deep_winners,
    }  # fmt: skip
    for name, count in counts.items():
        _check(isinstance(count, int) and not isinstance(count, bool) and count >= 1, name, count)
    for name, side in (("size", size), ("deep_size", deep_size)):
        _check(side % 2 == 1, name, side, "an odd number, which gives a kernel a centre")
    _check(layers in (1, 2), "layers", layers, "1 or 2")
    _check(isinstance(deep_silence, bool), "deep_silence", deep_silence, "true or false")
    _check(maps * size**2 <= _LARGEST, "maps", maps, "so few that a kernel fits the memory")
    _check(extent**2 <= _LARGEST, "extent", extent, "so few that a layer fits the memory")
    rng = np.random.default_rng(seed)
    held = _number("trial", trial, "ms")
    initial = (_number("mean", mean, "1"), _number("spread", spread, "1"))
    _check(initial[1] >= 0, "spread", spread, "0 or more")

    def learns(deep: str, value: float, falls: float) -> TraceRule:
        changed = "rate*w*(w_max - w)*(int(arrived > 0) - depression*int(arrived <= 0))"
        speed = _number(f"{deep}rate", value, "1")
        _check(speed >= 0, f"{deep}rate", value, "0 or more")
        return TraceRule(
            traces={"arrived": Trace("pre", tau=1000.0, pairing="nearest")},
            on_post=changed,
            parameters={"rate": speed, "depression": _number(f"{deep}depression", falls, "1")},
        )

    def layer(
        name: str, shape: tuple[int, int, int], level: float, competition: WinnerTakeAll | None
    ) -> Population:
        parameters = {"v_rest": 0.0, "v_reset": -1.0, "v_thresh": level, "tau_refrac": held}
        return Population(name, shape, IF_CURR_DELTA, parameters, competition=competition)

    def joined(
        pre: str, post: str, connector: KernelConnector, rule: TraceRule | None
    ) -> Projection:
        return Projection(
            pre, post, connector, weight=1.0, delay=1.0, receptor="membrane", plasticity=rule
        )

    source = (1, extent, extent)
    kernel = _drawn(rng, initial, (maps, 1, size, size))
    first = ConvolutionConnector(kernel, source, padding=size // 2)
    level = _number("threshold", threshold, "mV")
    rivals = WinnerTakeAll(radius, winners, silence=True)
    populations = [
        Population("retina", source, SpikeSource()),
        layer("v1", first.out_shape, level, rivals),
    ]
    projections = [joined("retina", "v1", first, learns("", rate, depression))]
    if layers == 2:
        pooling = PoolingConnector(first.out_shape, pool, mode="first-spike", window=held)
        _check(
            deep_maps * maps * deep_size**2 <= _LARGEST, "deep_maps", deep_maps,
            "so few that a kernel fits the memory",
        )  # fmt: skip
        kernel = _drawn(rng, (0.8, 0.05), (deep_maps, maps, deep_size, deep_size))
        second = ConvolutionConnector(kernel, pooling.out_shape, padding=deep_size // 2)
        rivals = WinnerTakeAll(deep_radius, deep_winners, silence=deep_silence)
        level = _number("deep_threshold", deep_threshold, "mV")
        populations += [
            layer("pool", pooling.out_shape, 0.5, None),
            layer("v2", second.out_shape, level, rivals),
        ]
        projections += [
            joined("v1", "pool", pooling, None),
            joined("pool", "v2", second, learns("deep_", deep_rate, deep_depression)),
        ]
    return Network(tuple(populations), tuple(projections))


def _drawn(
    rng: np.random.Generator, initial: tuple[float, float], shape: tuple[int, ...]
) -> np.ndarray:
    return np.clip(rng.normal(*initial, shape), 0.0, 1.0)


def _check(holds: bool, name: str, value: object, wanted: str = "a positive whole number") -> None:
    if not holds:
        raise SpecError(f"{value!r} is not {wanted}", where=f"parameters.{name}")


def _number(name: str, value: float | str, unit: str) -> float:
    return plain(value, unit, where=f"parameters.{name}")
