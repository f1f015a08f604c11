"""Networks in documents: by the name of an installed model, or written out."""

from __future__ import annotations

import importlib.metadata
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from scnnbio.connectors import (
    ConvolutionConnector,
    KernelConnector,
    LateralInhibitionConnector,
)
from scnnbio.errors import SpecError
from scnnbio.experiment.documents import (
    Table,
    build,
    check_keys,
    continued,
    join,
    plain_table,
    plain_value,
    require,
)
from scnnbio.network import Network, Population, Projection, SpikeSource
from scnnbio.neurons import LIBRARY, NeuronModel, Parameter
from scnnbio.plasticity import SharedSTDP, SharedThreshold

_GROUP = "scnnbio.models"


def models() -> dict[str, importlib.metadata.EntryPoint]:
    """Installed models by name.

    A document names a model and never a file, so that reading one can only call code that was
    installed on purpose.
    """
    return {point.name: point for point in importlib.metadata.entry_points(group=_GROUP)}


def network_from(table: Any, where: str = "network", seed: int = 0) -> Network:
    """The network that a document describes.

    Parameters
    ----------
    table : mapping
        Either ``model`` and ``parameters``, or ``populations`` and ``projections``.
    where : str
        Path of the table.
    seed : int
        For a model that draws initial kernels and is not given a seed of its own.

    Returns
    -------
    Network

    Raises
    ------
    SpecError
        If the model is not installed, or anything in the description is wrong.
    """
    if isinstance(table, Mapping) and "model" in table:
        check_keys(table, ("model", "parameters"), where)
        return _from_model(table["model"], table.get("parameters", {}), where, seed)
    check_keys(table, ("model", "populations", "projections"), where)
    populations = [
        build(
            Population,
            row,
            f"{where}.populations[{k}]",
            {"neuron": _neuron, "homeostasis": _reader(SharedThreshold), "parameters": _as_is},
        )
        for k, row in enumerate(require(table, "populations", where))
    ]
    shapes = {population.name: population.shape for population in populations}
    projections = [
        _projection(row, shapes, f"{where}.projections[{k}]")
        for k, row in enumerate(require(table, "projections", where))
    ]
    return build(Network, {}, where, populations=populations, projections=projections)


def _from_model(name: str, parameters: Mapping[str, Any], where: str, seed: int) -> Network:
    known = models()
    if name not in known:
        raise SpecError(
            f"no model {name!r} is installed; there are {', '.join(sorted(known)) or 'none'}",
            where=join(where, "model"),
        )
    make = known[name].load()
    accepted = inspect.signature(make).parameters
    check_keys(parameters, accepted, join(where, "parameters"))
    if "seed" in accepted:
        parameters = {"seed": seed, **parameters}
    try:
        network = make(**parameters)
    except SpecError as error:
        raise SpecError(error.message, where=continued(where, error.where)) from None
    if not isinstance(network, Network):
        raise SpecError(f"model {name!r} did not return a Network", where=where)
    return network


def _as_is(value: Any, where: str) -> Any:
    return value


def _reader(cls: type[Any]) -> Callable[[Any, str], Any]:
    return lambda table, where: build(cls, table, where)


def _neuron(value: Any, where: str) -> NeuronModel | SpikeSource:
    if isinstance(value, str):
        known: dict[str, NeuronModel | SpikeSource] = {"SpikeSource": SpikeSource(), **LIBRARY}
        if value not in known:
            raise SpecError(f"no neuron {value!r}; there are {', '.join(known)}", where=where)
        return known[value]
    return build(
        NeuronModel,
        value,
        where,
        {
            "parameters": lambda table, path: {
                name: build(Parameter, row, join(path, name)) for name, row in table.items()
            }
        },
    )


def _projection(row: Any, shapes: Mapping[str, tuple[int, int, int]], where: str) -> Projection:
    pre = require(row, "pre", where)
    if pre not in shapes:
        raise SpecError(f"there is no population {pre!r}", where=join(where, "pre"))
    return build(
        Projection,
        row,
        where,
        {
            "connector": lambda table, path: _connector(table, shapes[pre], path),
            "plasticity": _reader(SharedSTDP),
        },
    )


def _connector(table: Any, in_shape: tuple[int, int, int], where: str) -> KernelConnector:
    kind = require(table, "kind", where)
    rest = {key: value for key, value in table.items() if key != "kind"}
    try:
        if kind == "convolution":
            check_keys(rest, ("kernel", "stride", "padding"), where)
            kernel = _kernel(require(rest, "kernel", where), join(where, "kernel"))
            options = {k: _pair(v) for k, v in rest.items() if k != "kernel"}
            return ConvolutionConnector(kernel, in_shape, **options)
        if kind == "lateral-inhibition":
            check_keys(rest, ("scope", "radius", "strength"), where)
            return LateralInhibitionConnector(in_shape, **rest)
    except SpecError as error:
        path = error.where if where in error.where else continued(where, error.where)
        raise SpecError(error.message, where=path) from None
    raise SpecError(
        f"{kind!r} is neither 'convolution' nor 'lateral-inhibition'", where=join(where, "kind")
    )


def _pair(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _kernel(value: Any, where: str) -> Any:
    """Numbers, or ``{uniform = [low, high], shape = [...], seed = 0}``."""
    if not isinstance(value, Mapping):
        return value
    check_keys(value, ("uniform", "shape", "seed"), where)
    low, high = require(value, "uniform", where)
    rng = np.random.default_rng(value.get("seed", 0))
    return rng.uniform(low, high, tuple(require(value, "shape", where)))


def network_table(network: Network) -> Table:
    """A network written out, so that :func:`network_from` gives it back."""
    return {
        "populations": [_population_table(p) for p in network.populations],
        "projections": [_projection_table(p) for p in network.projections],
    }


def _population_table(population: Population) -> Table:
    table = plain_table(population, skip=("neuron",))
    neuron = population.neuron
    if isinstance(neuron, SpikeSource) or LIBRARY.get(neuron.name) == neuron:
        return {**table, "neuron": neuron.name}
    return {**table, "neuron": plain_table(neuron)}


def _projection_table(projection: Projection) -> Table:
    table = plain_table(projection, skip=("connector",))
    connector = projection.connector
    if isinstance(connector, LateralInhibitionConnector):
        described = {
            "kind": "lateral-inhibition",
            "scope": connector.scope,
            "radius": connector.radius,
            "strength": plain_value(connector.strength),
        }
    else:
        described = {
            "kind": "convolution",
            "kernel": connector.kernel.tolist(),
            "stride": list(connector.stride),
            "padding": list(connector.padding),
        }
    return {**table, "connector": described}
