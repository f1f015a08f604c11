"""Networks in documents: by the name of an installed model, or described in full."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from scnnbio.distributions import distribution_from
from scnnbio.errors import SpecError, hint
from scnnbio.experiment.connectors import connector_from, connector_table
from scnnbio.experiment.documents import (
    Table,
    as_list,
    as_table,
    as_text,
    build,
    by_kind,
    check_keys,
    choose,
    continued,
    join,
    kind_table,
    plain_table,
    require,
)
from scnnbio.experiment.weights import DocumentFolder, with_arrays, with_file
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIBRARY, NeuronModel, Parameter, homeostatic
from scnnbio.neurons.model import INTEGRATORS
from scnnbio.neurons.noise import Noise, OrnsteinUhlenbeckNoise, PoissonNoise
from scnnbio.plasticity import (
    RULES,
    EachStep,
    Growth,
    LearningRule,
    Normalisation,
    Reward,
    SharedThreshold,
    Trace,
    WinnerTakeAll,
)
from scnnbio.population import Population, SpikeSource, ValueSource
from scnnbio.registry import Registry, functions
from scnnbio.units import plain

#: Functions that make a network, by name; those of scnnbio are entry points too.
MODELS: Registry[Callable[..., Network]] = Registry("model", "scnnbio.models", {}, functions)
_SOURCES: dict[str, NeuronModel | SpikeSource | ValueSource] = {
    source.name: source for source in (SpikeSource(), ValueSource())
}
#: Background noise by its kind.
NOISES: dict[str, type[Noise]] = {
    "poisson": PoissonNoise,
    "ornstein-uhlenbeck": OrnsteinUhlenbeckNoise,
}


def network_from(
    table: Any, where: str = "network", seed: int = 0, folder: DocumentFolder | None = None
) -> Network:
    """Make the network that a document describes.

    Parameters
    ----------
    table : mapping
        Either ``model`` and ``parameters``, or ``populations`` and ``projections``; and
        ``weights``, a file of kernels and thresholds to begin with.
    where : str
        Path of the table.
    seed : int
        For models that draw initial kernels and for distributions, where they have no seed of
        their own.
    folder : DocumentFolder, optional
        Folder from which ``weights``, and parameters of a model that are arrays, are read.

    Returns
    -------
    Network

    Raises
    ------
    SpecError
        If the model is not installed, or anything in the description is wrong.
    DataError
        If the file of weights is missing or damaged.
    """
    rest = {key: value for key, value in as_table(table, where).items() if key != "weights"}
    files = folder or DocumentFolder()
    if "model" in rest and "parameters" in rest:
        inside = join(where, "parameters")
        rest["parameters"] = with_arrays(rest["parameters"], inside, files)
    network = _described(rest, where, seed)
    if "weights" not in table:
        return network
    return with_file(network, table["weights"], join(where, "weights"), files)


def _described(table: Table, where: str, seed: int) -> Network:
    """The network as described, before weights are loaded."""
    if "model" in table:
        check_keys(table, ("model", "parameters", "weights"), where)
        return _from_model(table["model"], table.get("parameters", {}), where, seed)
    check_keys(table, ("model", "populations", "projections", "weights"), where)
    readers = {
        "neuron": neuron_from,
        "homeostasis": _reader(SharedThreshold),
        "competition": _reader(WinnerTakeAll),
        "noise": _noises,
        "parameters": lambda value, path: _values(value, path, seed),
        "initial": lambda value, path: _values(value, path, seed),
    }
    populations = [
        build(Population, row, f"{where}.populations[{k}]", readers)
        for k, row in _rows(table, "populations", where)
    ]
    shapes = {population.name: population.shape for population in populations}
    projections = [
        _projection(row, shapes, f"{where}.projections[{k}]")
        for k, row in _rows(table, "projections", where)
    ]
    return build(Network, {}, where, populations=populations, projections=projections)


def _noises(value: Any, where: str) -> tuple[Noise, ...]:
    """One noise or a list of them, each a table with its kind."""
    rows = value if isinstance(value, list | tuple) else [value]
    several = len(rows) > 1
    return tuple(
        by_kind(NOISES)(row, f"{where}[{k}]" if several else where) for k, row in enumerate(rows)
    )


def _values(table: Any, where: str, seed: int) -> Table:
    """Read values of parameters or states; a table is a distribution."""
    return {
        name: distribution_from(value, join(where, name), seed)
        if isinstance(value, Mapping)
        else value
        for name, value in as_table(table, where).items()
    }


def _rows(table: Any, key: str, where: str) -> Iterable[tuple[int, Any]]:
    return enumerate(as_list(require(table, key, where), join(where, key)))


def _from_model(name: Any, parameters: Any, where: str, seed: int) -> Network:
    make = choose(MODELS, name, "installed model", join(where, "model"))
    inside = join(where, "parameters")
    accepted = inspect.signature(make).parameters
    check_keys(parameters, accepted, inside)
    if "seed" in accepted:
        parameters = {"seed": seed, **parameters}
    for key, parameter in accepted.items():
        if parameter.default is parameter.empty and key not in parameters:
            raise SpecError(f"{key!r} is missing", where=inside)
    try:
        network = make(**parameters)
    except SpecError as error:
        raise SpecError(error.message, where=continued(where, error.where)) from None
    except (TypeError, ValueError, ArithmeticError, MemoryError) as error:
        # A model is code of any package, and can fail on unchecked arguments.
        raise SpecError(
            f"model {name!r} does not accept these arguments: {error}", where=inside
        ) from None
    if not isinstance(network, Network):
        raise SpecError(f"model {name!r} did not return a Network", where=where)
    return network


def _reader(cls: type[Any]) -> Callable[[Any, str], Any]:
    return lambda table, where: build(cls, table, where)


def neuron_from(value: Any, where: str = "neuron") -> NeuronModel | SpikeSource | ValueSource:
    """Make the neuron that a document names or describes.

    Parameters
    ----------
    value : str or mapping
        A name of the library, or the fields of a :class:`~scnnbio.neurons.NeuronModel`.
    where : str
        Path of the value.

    Returns
    -------
    NeuronModel, SpikeSource or ValueSource

    Raises
    ------
    SpecError
        If there is no such neuron, or anything in its description is wrong.
    """
    if isinstance(value, str):
        if value in _SOURCES:
            return _SOURCES[value]
        if value in LIBRARY:
            return LIBRARY[value]
        raise SpecError(
            f"there is no neuron {value!r}; {hint(value, (*_SOURCES, *LIBRARY))}", where=where
        )
    if "model" in as_table(value, where):
        return _changed_model(value, where)
    return build(NeuronModel, value, where, {"parameters": _parameters})


def _changed_model(table: Table, where: str) -> NeuronModel:
    """``{model = "LIF", homeostasis = {eta = ..., ...}, integrator = "forward-euler"}``."""
    check_keys(table, ("model", "homeostasis", "integrator"), where)
    model = choose(LIBRARY, table["model"], "neuron", join(where, "model"))
    if "homeostasis" in table:
        model = _homeostatic(model, table["homeostasis"], join(where, "homeostasis"))
    if "integrator" in table:
        chosen = choose(INTEGRATORS, table["integrator"], "integrator", join(where, "integrator"))
        model = dataclasses.replace(model, integrator=chosen)
    return model


def _homeostatic(model: NeuronModel, rule: Any, where: str) -> NeuronModel:
    units = {"eta": "mV", "target": "Hz", "tau": "ms"}
    check_keys(rule, (*units, "parameter"), where)
    values = {n: plain(require(rule, n, where), u, where=join(where, n)) for n, u in units.items()}
    moved = as_text(rule.get("parameter", "v_thresh"), join(where, "parameter"))
    try:
        return homeostatic(model, **values, parameter=moved)
    except SpecError as error:
        last = error.where.rpartition(".")[2].removeprefix("homeo_")
        raise SpecError(error.message, where=join(where, last)) from None


def _parameters(table: Any, where: str) -> dict[str, Parameter]:
    return {
        name: build(Parameter, row, join(where, name))
        for name, row in as_table(table, where).items()
    }


def _projection(row: Any, shapes: Mapping[str, tuple[int, int, int]], where: str) -> Projection:
    shape, target = (
        choose(shapes, require(row, end, where), "population", join(where, end))
        for end in ("pre", "post")
    )
    return build(
        Projection,
        row,
        where,
        {
            "connector": lambda table, path: connector_from(table, shape, path, target),
            "plasticity": _plasticity,
        },
    )


def _plasticity(table: Any, where: str) -> LearningRule:
    """Read a learning rule; without a kind it is pair STDP."""
    kind = as_table(table, where).get("kind", "pair")
    rest = {key: value for key, value in table.items() if key != "kind"}
    readers = {
        "growth": _reader(Growth),
        "normalisation": _reader(Normalisation),
        "reward": _reader(Reward),
        "each_step": lambda row, path: build(EachStep, row, path, {"states": as_table}),
        "traces": lambda rows, path: {
            name: build(Trace, row, join(path, name)) for name, row in as_table(rows, path).items()
        },
        "parameters": as_table,
    }
    return build(choose(RULES, kind, "kind", join(where, "kind")), rest, where, readers)


def network_table(network: Network) -> Table:
    """Write a network as a table, from which :func:`network_from` restores it."""
    return {
        "populations": [_population_table(p) for p in network.populations],
        "projections": [_projection_table(p) for p in network.projections],
    }


def _population_table(population: Population) -> Table:
    table = plain_table(population, skip=("neuron", "noise"))
    kinds = {cls: kind for kind, cls in NOISES.items()}
    if population.noise:
        table["noise"] = [{"kind": kinds[type(n)], **plain_table(n)} for n in population.noise]
    neuron = population.neuron
    name = neuron.name
    if population.is_source or (
        name in LIBRARY and not LIBRARY.fault(name) and LIBRARY[name] == neuron
    ):
        return {**table, "neuron": name}
    return {**table, "neuron": plain_table(neuron)}


def _projection_table(projection: Projection) -> Table:
    table = plain_table(projection, skip=("connector",))
    if projection.plasticity is not None:
        table["plasticity"] = kind_table(RULES, projection.plasticity)
    return {**table, "connector": connector_table(projection.connector)}
