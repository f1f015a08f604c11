"""Neurons that sleep: steps of a linear neuron that are taken together, when they are needed.

Between two spikes a linear neuron goes by a power of its propagator. How far it can come towards
its threshold within so many steps has an upper bound that takes a few multiplications; while that
stays below zero nobody needs to look. So a compiled layer leaves neurons alone that cannot fire,
and takes all their steps at once when a spike arrives or the bound runs out. The time of a layer
then goes with its spikes, not with its steps (``docs/decisions/0018-sleeping.md``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scnnbio.backends._linear import threshold_form
from scnnbio.errors import SpecError
from scnnbio.neurons.integrator import Integrator, integrator
from scnnbio.neurons.parsing import sides
from scnnbio.neurons.whitelist import check_expression
from scnnbio.population import Population

FloatArray = NDArray[np.float64]

#: A neuron sleeps this many steps at most.
LONGEST = 64
#: For so many steps a neuron is looked at ahead. Whoever may fire within the first is awake.
HORIZONS = (8, LONGEST - 1)


@dataclass(frozen=True, eq=False)
class Sleep:
    """What a layer needs to know for leaving its neurons alone.

    Parameters
    ----------
    powers : mapping of str to ndarray (LONGEST, 1) or (LONGEST, channels)
        Constants of the step → their values for 1, 2, ... steps at once.
    reaches : mapping of int to str
        Steps → text of an upper bound of how far a neuron comes above its threshold within them.
    constants : mapping of str to ndarray (1,) or (channels,)
        Of the reaches.
    pushes : mapping of str to (float, float)
        State → the least and the most of how far one unit more of it moves the bound.
    slip : float
        By how much rounding can move it, whenever a spike arrives.
    """

    powers: Mapping[str, FloatArray]
    reaches: Mapping[int, str]
    constants: Mapping[str, FloatArray]
    pushes: Mapping[str, tuple[float, float]]
    slip: float


def sleep_of(
    population: Population,
    constants: Mapping[str, FloatArray],
    falls: Mapping[str, FloatArray],
    held: set[str],
    silent: set[str],
    resolution: float,
) -> Sleep | None:
    """How the neurons of a population can sleep.

    Parameters
    ----------
    population : Population
    constants : mapping of str to ndarray (1,) or (channels,)
        Of its integrator.
    falls : mapping of str to ndarray (channels,)
        Parameters that move → how far they fall in a step at most; they rise at any time.
    held : set of str
        States that do not move while a neuron is refractory.
    silent : set of str
        States that are zero for ever.
    resolution : float
        Of the numbers that states are kept in, 2.2e-16 for double precision.

    Returns
    -------
    Sleep or None
        None if they cannot: a state does not go by the exact propagator, depends on one that is
        held, or the threshold is not one comparison, linear in the states.

    Notes
    -----
    With the step ``z ← P z + q``, and ``c z + d`` the distance above threshold, the distance after
    k steps is ``c P^k (z - h) + (c P^k h + c q_k + d)`` for any h; here h is where the neuron comes
    to rest, if it does. For k from 1 to n each entry of ``c P^k`` lies within ``m ± r``, and the
    sum of ``m (z - h) + r |z - h|`` over the states, and the largest constant, are a bound. A spike
    that adds ``a`` to a state moves it by ``(m ± r) a`` at most.
    """
    model = population.model
    step = integrator(model)
    try:
        form = threshold_form(population)
    except SpecError:
        return None
    rising, level = sides(model.threshold)
    moving = check_expression(level) & set(falls)
    known = not check_expression(rising) & set(falls) and moving <= {level}
    if not known or not all(update.exact for update in step.updates):
        return None
    names = [update.state for update in step.updates]
    matrix, offset = _step(step, constants, len(form))
    matrices, offsets = _powers(matrix, offset)
    if not np.isfinite(matrices).all() or _feeds(matrices, names, held):
        return None
    home = _rest(matrix, offset)
    distance, start = form[:, :-1], form[:, -1]
    scale = np.abs(start) + np.sum(np.abs(distance * home), axis=1)
    fall = np.zeros(1)
    if moving:
        # What moves is in the text; here is what it was in the form.
        values = population.values()[level]
        start, scale, fall = start + values, scale + np.abs(values), np.maximum(falls[level], 0.0)
    along = np.einsum("si,ksij->ksj", np.broadcast_to(distance, home.shape), matrices)
    constant = np.sum(along * home, axis=2) + np.sum(distance * offsets, axis=2) + start
    # Sums are rounded, here and where states go.
    slip = 64 * resolution * scale
    reaches, numbers = {}, {f"home_{state}": home[:, k] for k, state in enumerate(names)}
    for steps in HORIZONS:
        high, low = along[:steps].max(axis=0), along[:steps].min(axis=0)
        middle, half = (high + low) / 2, (high - low) / 2
        base = constant[:steps].max(axis=0) - np.sum(middle * home, axis=1) + steps * fall
        numbers[f"near_{steps}"] = base + slip
        words = [f"near_{steps}"]
        for k, state in enumerate(names):
            away = f"{state} - home_{state}" if np.any(home[:, k]) else state
            for kind, factor, of in (("mid", middle, state), ("half", half, f"abs({away})")):
                if state not in silent and np.any(factor[:, k]):
                    words.append(f"{kind}_{steps}_{state}*{of}")
                    numbers[f"{kind}_{steps}_{state}"] = factor[:, k]
        reaches[steps] = " + ".join(words) + "".join(f" - {name}" for name in moving)
    powers = {}
    for name, (row, column) in step.entries.items():
        if not {row, column} & silent:
            values = offsets if column is None else matrices[:, :, :, names.index(column)]
            powers[name] = values[:, :, names.index(row)]
    return Sleep(powers, reaches, numbers, _pushes(along, names), float(slip.max()))


def _pushes(along: FloatArray, names: list[str]) -> dict[str, tuple[float, float]]:
    """By state, the least and the most of what it does to the distance in any step ahead."""
    ahead = along[: HORIZONS[-1]].reshape(-1, len(names))
    return dict(zip(names, zip(ahead.min(axis=0), ahead.max(axis=0), strict=True), strict=True))


def _step(
    step: Integrator, constants: Mapping[str, FloatArray], sets: int
) -> tuple[FloatArray, FloatArray]:
    """Matrix (sets, states, states) and offset (sets, states) of a step, at least so many sets."""
    names = [update.state for update in step.updates]
    sets = max([sets, *(len(constants[name]) for name in step.entries)])
    matrix, offset = np.zeros((sets, len(names), len(names))), np.zeros((sets, len(names)))
    for name, (row, column) in step.entries.items():
        place = offset if column is None else matrix[:, :, names.index(column)]
        place[:, names.index(row)] = constants[name]
    return matrix, offset


def _powers(matrix: FloatArray, offset: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The step taken 1, 2, ... times: (LONGEST, sets, states, states), (LONGEST, sets, states)."""
    matrices, offsets = [matrix], [offset]
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(LONGEST - 1):
            offsets.append(np.einsum("sij,sj->si", matrix, offsets[-1]) + offset)
            matrices.append(matrix @ matrices[-1])
    return np.array(matrices), np.array(offsets)


def _feeds(matrices: FloatArray, names: list[str], held: set[str]) -> bool:
    """Whether a state that moves on while others are held depends on one of these."""
    to = [k for k, name in enumerate(names) if name not in held]
    of = [k for k, name in enumerate(names) if name in held]
    return bool(np.any(matrices[:, :, to][:, :, :, of]))


def _rest(matrix: FloatArray, offset: FloatArray) -> FloatArray:
    """Where a neuron comes to rest (sets, states); some place if it does not."""
    unit = np.eye(matrix.shape[-1])
    home = [np.linalg.pinv(unit - m) @ q for m, q in zip(matrix, offset, strict=True)]
    # Nothing depends on these digits.
    return np.round(home, 9)
