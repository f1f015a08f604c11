"""Populations (table B) and the equations and parameters of their neurons (table D)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from scnnbio.description.cells import (
    Cell,
    Line,
    Math,
    Part,
    Row,
    Table,
    cell,
    extent,
    line,
    names,
    quantity,
    size,
)
from scnnbio.description.symbols import (
    becomes,
    derivative,
    equation,
    formula,
    symbols,
    written,
)
from scnnbio.neurons import NeuronModel
from scnnbio.neurons.integrator import exact_states
from scnnbio.population import Population


def populations_table(populations: Iterable[Population]) -> Table:
    """Table B: name, elements and size of each population."""
    rows = [(cell(p.name), _elements(p), _extent(p)) for p in populations]
    head = ("Name", "Elements", "Size")
    return Table("B", "Populations", head, tuple(rows), (0.25, 0.4, 0.35))


def _elements(population: Population) -> Cell:
    if population.gives_values:
        return cell("source of values (pixels, for example), given by the input")
    if population.is_source:
        return cell("source of spikes, given by the input")
    return cell(f"{population.neuron.name} neurons")


def _extent(population: Population) -> Cell:
    grid = line(
        size(population.shape), " (channel, row, column): ",
        *quantity(population.size, "1"), " neurons" if population.size > 1 else " neuron",
    )  # fmt: skip
    if population.field_of_view is None:
        return cell(grid)
    return cell(grid, line("field of view ", *quantity(population.field_of_view, "deg")))


def neurons_tables(populations: Iterable[Population]) -> tuple[Table, ...]:
    """Table D: equations of each neuron, its parameters, and its initial state."""
    users: dict[NeuronModel, list[Population]] = {}
    for population in populations:
        if not population.is_source:
            users.setdefault(population.model, []).append(population)
    equations, parameters = [], []
    for model, group in users.items():
        # Two models of one name differ in where they are.
        alike = [other.name for other in users].count(model.name) > 1
        name = f"{model.name} ({names(p.name for p in group)})" if alike else model.name
        equations += _equations(model, name)
        parameters += _parameters(model, group)
        parameters += _initial(model, group)
    return (
        Table(
            "D", "Neuron and synapse model", ("Model", "Part", "Definition"), tuple(equations),
            (0.2, 0.2, 0.6),
        ),
        Table(
            "D", "Parameters of neurons", ("Population", "Symbol", "Name", "Value"),
            tuple(parameters), (0.3, 0.15, 0.25, 0.3),
        ),
    )  # fmt: skip


def model_symbols(model: NeuronModel) -> dict[str, str]:
    """Symbols of a model's states and parameters."""
    return symbols([*(state.name for state in model.states), *model.parameters])


def _equations(model: NeuronModel, name: str) -> list[Row]:
    known = model_symbols(model)
    first = cell(name)
    rates = model.sympy()
    dynamics = [
        equation(derivative(known[state.name]), formula(rates[state.name], known))
        for state in model.states
    ]
    rows: list[Row] = [
        (first, cell("Subthreshold dynamics"), cell(*dynamics)),
        (first, cell("Spiking"), cell(*_spiking(model, known))),
        (first, cell("Synapses"), cell(*_synapses(model, known))),
        (first, cell("Integration"), cell(*_integration(model, known))),
    ]
    if model.reference:
        rows.append((first, cell("Source"), cell(model.reference)))
    return rows


def _spiking(model: NeuronModel, known: Mapping[str, str]) -> list[Line]:
    lines = [line("a spike is fired where ", Math(written(model.threshold, known)))]
    resets = [
        becomes(known[state], operator, written(text, known))
        for state, operator, text in model.resets
    ]
    if resets:
        lines.append(line("at a spike, one after another:" if len(resets) > 1 else "at a spike:"))
        lines += [line(one) for one in resets]
    held = [Math(known[state.name]) for state in model.states if state.held_when_refractory]
    if model.refractory is not None:
        period = Math(known[model.refractory])
        lines.append(line("refractory for ", period, " after a spike"))
        if held:
            lines.append(line("held while refractory: ", *_joined(held)))
    return lines


def _joined(pieces: Iterable[Part]) -> list[Part]:
    """Pieces, separated by commas."""
    found: list[Part] = []
    for piece in pieces:
        found += [piece, ", "]
    return found[:-1]


def _synapses(model: NeuronModel, known: Mapping[str, str]) -> list[Line]:
    return [
        line(
            f"{receptor}: a spike of weight ", Math("J"), _in_unit(model.unit_of(state)), " adds ",
            Math("J"), " to ", Math(known[state]),
        )
        for receptor, state in model.receptors.items()
    ] or [line("none")]  # fmt: skip


def _in_unit(unit: str) -> str:
    return "" if unit == "1" else f" (in {unit.replace('uS', 'µS')})"


def _integration(model: NeuronModel, known: Mapping[str, str]) -> list[Line]:
    if model.integrator != "exact":
        return [line("forward Euler on the grid of time steps")]
    exact = exact_states(model)
    rest = [state.name for state in model.states if state.name not in exact]
    lines = []
    if exact:
        lines.append(line("exact propagator: ", *_joined(Math(known[name]) for name in exact)))
    if rest:
        lines.append(line("exponential Euler: ", *_joined(Math(known[name]) for name in rest)))
    return lines


def _parameters(model: NeuronModel, group: list[Population]) -> list[Row]:
    known = model_symbols(model)
    rows: list[Row] = []
    for name, parameter in model.parameters.items():

        def value(p: Population, name: str = name, default: float = parameter.default) -> object:
            return p.parameters.get(name, default)

        for users, content in _alike(group, value, parameter.unit):
            rows.append((users, cell(Math(known[name])), cell(name), content))
    return rows


def _initial(model: NeuronModel, group: list[Population]) -> list[Row]:
    """Initial values of states; a state without one starts at zero."""
    known = model_symbols(model)
    rows: list[Row] = []
    for state in model.states:
        named = model.initial.get(state.name)
        starts = Math(rf"{known[state.name]}(0)")

        def value(p: Population, state: str = state.name, named: str | None = named) -> object:
            if state in p.initial or named is None:
                return p.initial.get(state, 0.0)
            return p.parameters.get(named, model.parameters[named].default)

        for users, content in _alike(group, value, model.unit_of(state.name)):
            rows.append((users, cell(starts), cell(f"{state.name} at first"), content))
    return rows


def _alike(
    group: list[Population], value: Callable[[Population], object], unit: str
) -> list[tuple[Cell, Cell]]:
    """Names of the populations that have the same value, and that value."""
    found: dict[Cell, list[str]] = {}
    for population in group:
        given = np.asarray(value(population), dtype=float)
        each = {0: "", 1: "one per channel", 3: "one per neuron"}[given.ndim]
        found.setdefault(cell(extent(given, unit, each)), []).append(population.name)
    return [(cell(names(users)), content) for content, users in found.items()]
