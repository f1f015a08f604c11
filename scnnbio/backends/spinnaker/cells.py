"""The machine's cell type and parameters for a population."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scnnbio.backends.spinnaker.arithmetic import (
    ONE,
    TOO_LARGE,
    decay,
    mean_of_step,
    representable,
)
from scnnbio.backends.steps import initial_states, refractory_steps
from scnnbio.errors import Unsupported
from scnnbio.network import Network, Projection
from scnnbio.neurons.standard import standard_cells
from scnnbio.population import Population

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CellType:
    """A cell type of sPyNNaker that can be emulated.

    Parameters
    ----------
    name : str
        Name in sPyNNaker.
    quantity : str
        Unit of its weights.
    unit : float
        Factor of its weights: 1 for currents, 1024 for conductances.
    late : int
        Steps that must be added to each delay. The machine adds arriving input at the beginning of
        a step and lets it act over that step. A current should act from the step after its
        arrival, so it would be one step early; a jump is complete at the end of the step, as it
        should be.
    """

    name: str
    quantity: str
    unit: float = 1.0
    late: int = 1


CELL_TYPES = {
    "IF_curr_exp": CellType("IF_curr_exp", "nA"),
    "IF_cond_exp": CellType("IF_cond_exp", "uS", unit=1024.0),
    "IF_curr_delta": CellType("IF_curr_delta", "mV", late=0),
}

NO_CELL = "is not one of the machine's cell types"
OTHER_CELLS = "use LIF, LIF_curr_delta or LIF_cond_exp, or another backend"

_TAU = {"excitatory": "tau_syn_E", "inhibitory": "tau_syn_I"}


@dataclass(frozen=True, eq=False)
class Cells:
    """Parameters of a population of one of the machine's cell types.

    Parameters
    ----------
    type : CellType
    parameters : mapping of str to ndarray (channels,)
        In sPyNNaker's names and units, rounded to the machine's numbers.
    initial : ndarray (channels,) or (neurons,)
        Initial membrane potential.
    inputs : tuple of ndarray (channels,) or (neurons,)
        Initial content of the positive and of the negative pool, in the unit of the rings.
    """

    type: CellType
    parameters: Mapping[str, Floats]
    initial: Floats
    inputs: tuple[Floats, Floats]


def cells_of(network: Network, population: Population, dt: float) -> Cells | list[Unsupported]:
    """The machine's cells for a population, or the reasons against it.

    Parameters
    ----------
    network : Network
    population : Population
        Not a source.
    dt : float
        Time step in ms.
    """
    element = f"population {population.name!r}"
    incoming = network.incoming(population.name)
    receptors = sorted({p.receptor for p in incoming})
    problems: list[Unsupported] = []
    kind = next(
        (
            CELL_TYPES[cell.pynn]
            for cell in standard_cells(population.model)
            if cell.pynn in CELL_TYPES and set(receptors) <= set(cell.receptors)
        ),
        None,
    )
    if kind is None:
        return [_no_cell(population, receptors, element)]
    taus, mixed = _time_constants(population, incoming, kind)
    problems += mixed
    values = _parameters(population, kind, dt) | taus
    problems += [
        Unsupported(
            element,
            f"{name} of {float(v[np.abs(v).argmax()]):.6g} is out of range for the"
            f" machine's numbers, which end at {TOO_LARGE:.0f}",
            "choose other values, or another backend",
        )
        for name, v in _bounded(values).items()
        if np.abs(v).max() >= TOO_LARGE
    ]
    inputs, wrong = _first_inputs(population, kind, taus, dt)
    problems += wrong
    if problems:
        return problems
    return Cells(
        kind,
        {name: representable(v) for name, v in values.items()},
        representable(initial_states(population)["v"]),
        inputs,
    )


def _first_inputs(
    population: Population, kind: CellType, taus: Mapping[str, Floats], dt: float
) -> tuple[tuple[Floats, Floats], list[Unsupported]]:
    """What the pools hold at first, and initial values that have no place in them.

    A pool holds the mean over the step to come, as it does of a spike that has just arrived.
    """
    pools, problems = [np.zeros(1), np.zeros(1)], []
    states, values = initial_states(population), population.values()
    for pool, (receptor, own) in enumerate(_TAU.items()):
        state = population.model.receptors.get(receptor, "")
        first = states.get(state, np.zeros(1))
        if state == "v" or not first.any():
            continue
        # Currents of the other sign are in the other pool, and may decay otherwise.
        sign = -1.0 if pool and kind.name != "IF_cond_exp" else 1.0
        if (sign * first).min() < 0 or not np.array_equal(taus[own], values[own]):
            problems.append(
                Unsupported(
                    f"population {population.name!r}",
                    f"an initial {state} of either sign, or beside weights of either sign: the"
                    " machine keeps what is positive in one pool and what is negative in another",
                    "give excitation positive and inhibition negative values, or use another"
                    " backend",
                )
            )
            continue
        tau = representable(values[own])
        mean = np.asarray(mean_of_step(dt, tau)) / 2.0**32
        pools[pool] = representable(sign * first * kind.unit * mean)
        if pools[pool].max() >= TOO_LARGE:
            problems.append(
                Unsupported(
                    f"population {population.name!r}",
                    f"an initial {state} of {np.abs(first).max():.6g} is beyond the machine's"
                    f" numbers, which end at {TOO_LARGE / kind.unit:.0f}",
                    "choose other values, or another backend",
                )
            )
    return (pools[0], pools[1]), problems


def _no_cell(population: Population, receptors: list[str], element: str) -> Unsupported:
    declared = [c for c in standard_cells(population.model) if c.pynn in CELL_TYPES]
    if declared:
        have = " or ".join(f"{c.pynn} with {', '.join(c.receptors)}" for c in declared)
        return Unsupported(
            element,
            f"the machine has no cell type with all the receptors {', '.join(receptors)}",
            f"use only the receptors of one cell type: {have}",
        )
    return Unsupported(element, f"{population.model.name} {NO_CELL}", OTHER_CELLS)


def _parameters(population: Population, kind: CellType, dt: float) -> dict[str, Floats]:
    values = population.values()
    names = ["v_rest", "v_reset", "v_thresh", "tau_m", "cm", "i_offset"]
    if kind.name == "IF_cond_exp":
        names += ["e_rev_E", "e_rev_I"]
    chosen = {name: np.array(values[name], dtype=float) for name in names}
    if kind.name == "IF_curr_delta":
        # The machine converts a weight to a current over one step. With this capacitance a weight
        # of 1 is a jump of 1 mV, and the constant current keeps its effect.
        tau = representable(chosen["tau_m"])
        capacity = tau / dt * (1.0 - decay(dt, tau) / ONE)
        chosen["i_offset"] = chosen["i_offset"] * capacity / chosen["cm"]
        chosen["cm"] = capacity
    # The machine rounds period / step up, and its step differs slightly from ours.
    steps = refractory_steps(population, dt)
    chosen["tau_refrac"] = np.where(steps > 0, (steps - 0.5) * dt, 0.0)
    return chosen


def _bounded(values: Mapping[str, Floats]) -> dict[str, Floats]:
    """Numbers that must be in range: parameters, and the resistance that the machine computes."""
    capacity = representable(values["cm"])
    with np.errstate(divide="ignore"):
        resistance = np.where(capacity > 0, values["tau_m"] / capacity, np.inf)
    return {**values, "tau_m/cm": resistance}


def _time_constants(
    population: Population, incoming: tuple[Projection, ...], kind: CellType
) -> tuple[dict[str, Floats], list[Unsupported]]:
    """Time constants of the positive and the negative pool, and reasons against them.

    Weights have no sign on the machine: positive ones go to one pool and negative ones to the
    other. Receptors of the model that share a pool must have the same time constant.
    """
    if kind.name == "IF_curr_delta":
        return {}, []
    values = population.values()
    taus: dict[str, Floats] = {}
    problems = []
    for pool, name in enumerate(_TAU.values()):
        feeding = [p.receptor for p in incoming if feeds(p, kind)[pool]]
        sources = dict.fromkeys(_TAU[receptor] for receptor in feeding) or {name: None}
        first, *others = sources
        taus[name] = np.array(values[first], dtype=float)
        if any(not np.array_equal(values[first], values[other]) for other in others):
            sign = ("positive", "negative")[pool]
            problems.append(
                Unsupported(
                    f"population {population.name!r}",
                    f"{sign} weights on both receptors, whose time constants differ: the machine"
                    " has one time constant per sign",
                    f"make {' and '.join(sources)} equal, or put {sign} weights on one receptor",
                )
            )
    return taus, problems


def feeds(projection: Projection, kind: CellType) -> tuple[bool, bool]:
    """Whether a projection has weights for the positive pool, and for the negative pool."""
    weights = projection.weight * projection.kernel
    if kind.name == "IF_cond_exp":
        inhibits = projection.receptor == "inhibitory"
        return bool(weights.any()) and not inhibits, bool(weights.any()) and inhibits
    return bool(weights.max() > 0), bool(weights.min() < 0)


def signed(projection: Projection, kind: CellType, weights: Floats) -> Floats:
    """Weights whose sign gives the pool, also for conductances, which are not negative."""
    inhibits = kind.name == "IF_cond_exp" and projection.receptor == "inhibitory"
    return -weights if inhibits else weights
