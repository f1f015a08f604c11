"""One or two convolutional layers that learn parts of digits by STDP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
_FEW = "so few that a kernel fits the memory"


def build(
    *,
    extent: int = 28,
    maps: int | Sequence[int] = 70,
    size: int | Sequence[int] = 7,
    threshold: float | str | Sequence[float | str] = 10.0,
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

    The first layer may have kernels of several sizes. Each size is then a population of its own,
    which learns and competes by itself.

    Parameters
    ----------
    extent : int
        Rows and columns of an image; the layer has as many places.
    size : int or sequence of int
        Rows and columns of the kernels of the first layer, odd numbers, each once.
    maps : int or sequence of int
        Number of kernels of each size; a single number holds for every size.
    threshold : float or str, or sequence of those
        Of the cells of each size (mV), or of all; a spike through a weight of 1 moves a cell by
        1 mV.
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
        ``retina_v1``; of two layers also ``pool`` and ``v2``, ``v1_pool`` and ``pool_v2``. With
        several sizes, there is one ``v1_SIZE`` and one ``pool_SIZE`` for each, such as ``v1_7``,
        and projections are named by their ends.

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
        "extent": extent, "winners": winners, "pool": pool, "deep_maps": deep_maps,
        "deep_size": deep_size, "deep_winners": deep_winners,
    }  # fmt: skip
    for name, count in counts.items():
        _check_count(name, count)
    sizes = _sizes(size)
    each_maps, each_threshold = _each("maps", maps, sizes), _each("threshold", threshold, sizes)
    _check_side("deep_size", deep_size)
    _check(layers in (1, 2), "layers", layers, "1 or 2")
    _check(isinstance(deep_silence, bool), "deep_silence", deep_silence, "true or false")
    _check(extent**2 <= _LARGEST, "extent", extent, "so few that a layer fits the memory")
    rng = np.random.default_rng(seed)
    held = _number("trial", trial, "ms")
    initial = (_number("mean", mean, "1"), _number("spread", spread, "1"))
    _check(initial[1] >= 0, "spread", spread, "0 or more")

    source = (1, extent, extent)
    populations = [Population("retina", source, SpikeSource())]
    projections, pools = [], {}
    rule = _rule("", rate, depression)
    rivals = WinnerTakeAll(radius, winners, silence=True)
    for one, number, level in zip(sizes, each_maps, each_threshold, strict=True):
        _check_count("maps", number)
        _check(number * one**2 <= _LARGEST, "maps", number, _FEW)
        # One size has the plain names, which documents and recordings use.
        mark = f"_{one}" if len(sizes) > 1 else ""
        first = ConvolutionConnector(
            _drawn(rng, initial, (number, 1, one, one)), source, padding=one // 2
        )
        potential = _number("threshold", level, "mV")
        populations.append(_layer(f"v1{mark}", first.out_shape, potential, held, rivals))
        projections.append(_joined("retina", f"v1{mark}", first, rule))
        if layers == 2:
            pools[mark] = PoolingConnector(first.out_shape, pool, mode="first-spike", window=held)
    if layers == 2:
        potential = _number("deep_threshold", deep_threshold, "mV")
        rivals = WinnerTakeAll(deep_radius, deep_winners, silence=deep_silence)
        rule = _rule("deep_", deep_rate, deep_depression)
        for mark, pooling in pools.items():
            shape = pooling.out_shape
            elements = deep_maps * shape[0] * deep_size**2
            _check(elements <= _LARGEST, "deep_maps", deep_maps, _FEW)
            kernel = _drawn(rng, (0.8, 0.05), (deep_maps, shape[0], deep_size, deep_size))
            second = ConvolutionConnector(kernel, shape, padding=deep_size // 2)
            populations.append(_layer(f"pool{mark}", shape, 0.5, held, None))
            projections.append(_joined(f"v1{mark}", f"pool{mark}", pooling, None))
            projections.append(_joined(f"pool{mark}", "v2", second, rule))
        populations.append(_layer("v2", second.out_shape, potential, held, rivals))
    return Network(tuple(populations), tuple(projections))


def _layer(
    name: str,
    shape: tuple[int, int, int],
    level: float,
    held: float,
    competition: WinnerTakeAll | None,
) -> Population:
    parameters = {"v_rest": 0.0, "v_reset": -1.0, "v_thresh": level, "tau_refrac": held}
    return Population(name, shape, IF_CURR_DELTA, parameters, competition=competition)


def _rule(deep: str, value: float, falls: float) -> TraceRule:
    changed = "rate*w*(w_max - w)*(int(arrived > 0) - depression*int(arrived <= 0))"
    speed = _number(f"{deep}rate", value, "1")
    _check(speed >= 0, f"{deep}rate", value, "0 or more")
    return TraceRule(
        traces={"arrived": Trace("pre", tau=1000.0, pairing="nearest")},
        on_post=changed,
        parameters={"rate": speed, "depression": _number(f"{deep}depression", falls, "1")},
    )


def _joined(pre: str, post: str, connector: KernelConnector, rule: TraceRule | None) -> Projection:
    return Projection(
        pre, post, connector, weight=1.0, delay=1.0, receptor="membrane", plasticity=rule
    )


def _sizes(size: Any) -> tuple[int, ...]:
    sizes = _each("size", size, (0,) if _is_single(size) else size)
    for one in sizes:
        _check_side("size", one)
    if not sizes or len(set(sizes)) < len(sizes):
        raise SpecError("give each size once, at least one", where="parameters.size")
    return tuple(sizes)


def _is_single(value: Any) -> bool:
    return isinstance(value, str) or not isinstance(value, Sequence)


def _each(name: str, value: Any, sizes: Sequence[int]) -> Sequence[Any]:
    """One value for each size: the list that is given, or a single value for all."""
    if _is_single(value):
        return [value] * len(sizes)
    if len(value) != len(sizes):
        raise SpecError(
            f"{len(value)} values for {len(sizes)} sizes of kernels; give one for each size, or a"
            " single one for all",
            where=f"parameters.{name}",
        )
    return list(value)


def _drawn(
    rng: np.random.Generator, initial: tuple[float, float], shape: tuple[int, ...]
) -> np.ndarray:
    return np.clip(rng.normal(*initial, shape), 0.0, 1.0)


def _check(holds: bool, name: str, value: object, wanted: str = "a positive whole number") -> None:
    if not holds:
        raise SpecError(f"{value!r} is not {wanted}", where=f"parameters.{name}")


def _check_count(name: str, count: Any) -> None:
    _check(isinstance(count, int) and not isinstance(count, bool) and count >= 1, name, count)


def _check_side(name: str, side: Any) -> None:
    _check_count(name, side)
    _check(side % 2 == 1, name, side, "an odd number, which gives a kernel a centre")


def _number(name: str, value: float | str, unit: str) -> float:
    return plain(value, unit, where=f"parameters.{name}")
