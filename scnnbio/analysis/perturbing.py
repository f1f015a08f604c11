"""Networks with faults: noise on weights, cells that never fire, thresholds that differ.

Each function returns another network, which runs on every backend that runs its parameters. Draws
depend on the seed and on the name of the projection or population: with one seed, a layer gets the
same draws whatever other layers are perturbed. Spikes of the input are perturbed by a code:
:class:`~scnnbio.encoding.JitteredCode` moves them and :class:`~scnnbio.encoding.ThinnedCode` loses
some of them.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from scnnbio.connectors import PoolingConnector
from scnnbio.errors import SpecError
from scnnbio.experiment.experiment import checked_seed
from scnnbio.network import Network
from scnnbio.population import Population
from scnnbio.units import Millivolts, Number, plain

__all__ = ["with_dead_cells", "with_threshold_spread", "with_weight_noise"]

FloatArray = NDArray[np.float64]

#: Threshold (mV) of a dead cell, which no potential reaches.
_NEVER = 1e30


def with_weight_noise(
    network: Network, noise: Number, seed: int, projections: Sequence[str] | None = None
) -> Network:
    """The network with every weight multiplied by a factor from a normal distribution of mean 1.

    A weight of 0 stays 0. A shared kernel stays shared: each of its elements has one factor at all
    places.

    Parameters
    ----------
    network : Network
    noise : float
        Standard deviation of the factor.
    seed : int
    projections : sequence of str, optional
        Names of the projections that change; by default all but those that pool.

    Returns
    -------
    Network

    Raises
    ------
    SpecError
        If the noise is negative, a name is unknown, a projection pools, or a weight
        leaves the range that the projection's receptor or rule accepts.
    """
    deviation = _positive(noise, "1", "with_weight_noise.noise")
    names = projections
    if names is None:
        given = network.projections
        names = [p.name for p in given if not isinstance(p.connector, PoolingConnector)]
    weights = {}
    for name in names:
        projection = network.projection(name)
        if isinstance(projection.connector, PoolingConnector):
            raise SpecError(
                f"the pooling of {name!r} has no weights of its own; leave it out",
                where="with_weight_noise.projections",
            )
        factors = 1.0 + deviation * _rng(seed, name).standard_normal(projection.kernel.shape)
        weights[name] = projection.kernel * factors
    return network.with_weights(weights)


def with_dead_cells(
    network: Network,
    share: Number,
    seed: int,
    populations: Sequence[str] | None = None,
    parameter: str = "v_thresh",
) -> Network:
    """The network with a share of the cells of each population dead: they never fire.

    The dead cells are drawn without repetition, so that their number is the share of the
    population, rounded. Their threshold is one that no potential reaches.

    Parameters
    ----------
    network : Network
    share : float
        From 0 to 1.
    seed : int
    populations : sequence of str, optional
        Names of the populations; by default all that are not sources.
    parameter : str
        The neurons' threshold, in mV.

    Returns
    -------
    Network

    Raises
    ------
    SpecError
        If the share is out of range, a name is unknown or that of a source, the neuron has no such
        parameter, or a homeostatic rule moves it.
    """
    fraction = _positive(share, "1", "with_dead_cells.share")
    if fraction > 1.0:
        raise SpecError(
            f"{fraction:g} is more than all cells; give a share from 0 to 1",
            where="with_dead_cells.share",
        )

    def dead(values: FloatArray, rng: np.random.Generator) -> FloatArray:
        chosen = rng.permutation(values.size)[: round(fraction * values.size)]
        changed = values.copy()
        changed[chosen] = _NEVER
        return changed

    return _with_thresholds(network, dead, seed, populations, parameter, "with_dead_cells")


def with_threshold_spread(
    network: Network,
    spread: Millivolts,
    seed: int,
    populations: Sequence[str] | None = None,
    parameter: str = "v_thresh",
) -> Network:
    """The network with a number from a normal distribution of mean 0 added to each threshold.

    A cell whose threshold falls below its resting potential fires without input. Where a spike
    subtracts the threshold, it subtracts the cell's own.

    Parameters
    ----------
    network : Network
    spread : float
        Standard deviation of the thresholds (mV).
    seed : int
    populations : sequence of str, optional
        Names of the populations; by default all that are not sources.
    parameter : str
        The neurons' threshold, in mV.

    Returns
    -------
    Network

    Raises
    ------
    SpecError
        If the spread is negative, a name is unknown or that of a source, the neuron has no such
        parameter, or a homeostatic rule moves it.
    """
    deviation = _positive(spread, "mV", "with_threshold_spread.spread")

    def moved(values: FloatArray, rng: np.random.Generator) -> FloatArray:
        return values + deviation * rng.standard_normal(values.size)

    return _with_thresholds(network, moved, seed, populations, parameter, "with_threshold_spread")


def _with_thresholds(
    network: Network,
    change: Callable[[FloatArray, np.random.Generator], FloatArray],
    seed: int,
    populations: Sequence[str] | None,
    parameter: str,
    where: str,
) -> Network:
    """The network with one threshold per neuron, which ``change`` makes of the present ones."""
    names = populations
    if names is None:
        names = [p.name for p in network.populations if not p.is_source]
    chosen = {name: network.population(name) for name in names}
    changed = {
        name: _with_values(
            population,
            parameter,
            change(_thresholds(population, parameter, where), _rng(seed, name)),
        )
        for name, population in chosen.items()
    }
    return replace(network, populations=tuple(changed.get(p.name, p) for p in network.populations))


def _thresholds(population: Population, parameter: str, where: str) -> FloatArray:
    """Values (neurons,) of the threshold, in mV."""
    if population.is_source:
        raise SpecError(
            f"{population.name!r} is a source and has no thresholds; name other populations",
            where=f"{where}.populations",
        )
    known = population.model.parameters
    unit = known[parameter].unit if parameter in known else None
    if unit != "mV":
        said = "has no such parameter" if unit is None else f"has it in {unit}"
        raise SpecError(
            f"{parameter!r} is not a threshold in mV: {population.model.name} {said}",
            where=f"{where}.parameter",
        )
    values = population.values()[parameter]
    return np.repeat(values, population.size // len(values))


def _with_values(population: Population, parameter: str, values: FloatArray) -> Population:
    each = values.reshape(population.shape)
    return replace(population, parameters={**population.parameters, parameter: each})


def _positive(value: Number, unit: str, where: str) -> float:
    number = plain(value, unit, where=where)
    if number < 0:
        raise SpecError(f"{number:g} is negative; give 0 or more", where=where)
    return number


def _rng(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng([checked_seed(seed), zlib.crc32(name.encode())])
