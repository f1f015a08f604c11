"""Sleeping neurons: several steps of a linear neuron are computed at once, when needed.

Between two spikes a linear neuron advances by a power of its propagator. An upper bound of its
distance above threshold within a number of steps costs a few multiplications; while the bound is
below zero, the neuron cannot fire. So a compiled layer skips neurons that cannot fire, and computes
all their steps at once when a spike arrives or the bound expires. The time of a layer then grows
with its spikes, not with its steps (``docs/decisions/0018-sleeping.md``).
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

#: A neuron sleeps at most this many steps.
MAX_SLEEP = 64
#: Numbers of steps for which a bound is computed. A neuron that may fire within the first is awake.
HORIZONS = (8, MAX_SLEEP - 1)


@dataclass(frozen=True, eq=False)
class Sleep:
    """Constants and bounds with which a layer lets its neurons sleep.

    Parameters
    ----------
    powers : mapping of str to ndarray (MAX_SLEEP, 1) or (MAX_SLEEP, channels)
        Constants of the step → their values for 1, 2, ... steps at once.
    reaches : mapping of int to str
        Steps → expression of an upper bound of the distance above threshold within them.
    constants : mapping of str to ndarray (1,) or (channels,)
        Constants of the bounds.
    pushes : mapping of str to (float, float)
        State → smallest and largest change of the bound per unit of the state. A spike may change
        what the threshold reads in the same step (``membrane``), or only later steps.
    slip : float
        Largest change of the bound by rounding, per arriving spike.
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
        Constants of its integrator.
    falls : mapping of str to ndarray (channels,)
        Parameters that change → their largest decrease per step; they may increase at any time.
    held : set of str
        States that a refractory neuron holds.
    silent : set of str
        States that are always zero.
    resolution : float
        Relative precision of the states, 2.2e-16 for double precision.

    Returns
    -------
    Sleep or None
        None if they cannot sleep: a state is not integrated by the exact propagator, or depends on
        a held one, or the threshold is not a single comparison that is linear in the states.

    Notes
    -----
    With the step ``z ← P z + q``, and ``c z + d`` the distance above threshold, the distance after
    k steps is ``c P^k (z - h) + (c P^k h + c q_k + d)`` for any h; here h is the neuron's
    equilibrium, if it has one. For k from 1 to n each entry of ``c P^k`` lies within ``m ± r``, so
    the sum of ``m (z - h) + r |z - h|`` over the states, plus the largest constant, is a bound. A
    spike that adds ``a`` to a state changes it by at most ``(m ± r) a``, with k from 0 there.
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
        # A changing threshold is a term of the expression, so its initial value is removed here.
        values = population.values()[level]
        start, scale, fall = start + values, scale + np.abs(values), np.maximum(falls[level], 0.0)
    along = np.einsum("si,ksij->ksj", np.broadcast_to(distance, home.shape), matrices)
    constant = np.sum(along * home, axis=2) + np.sum(distance * offsets, axis=2) + start
    # Sums are rounded, both here and in the steps.
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
    pushes = _pushes(np.concatenate([[np.broadcast_to(distance, home.shape)], along]), names)
    return Sleep(powers, reaches, numbers, pushes, float(slip.max()))


def _pushes(along: FloatArray, names: list[str]) -> dict[str, tuple[float, float]]:
    """By state, its smallest and largest effect on the distance, now and in any step ahead."""
    ahead = along[: HORIZONS[-1] + 1].reshape(-1, len(names))
    return dict(zip(names, zip(ahead.min(axis=0), ahead.max(axis=0), strict=True), strict=True))


def _step(
    step: Integrator, constants: Mapping[str, FloatArray], sets: int
) -> tuple[FloatArray, FloatArray]:
    """Matrix (sets, states, states) and offset (sets, states) of a step."""
    names = [update.state for update in step.updates]
    sets = max([sets, *(len(constants[name]) for name in step.entries)])
    matrix, offset = np.zeros((sets, len(names), len(names))), np.zeros((sets, len(names)))
    for name, (row, column) in step.entries.items():
        place = offset if column is None else matrix[:, :, names.index(column)]
        place[:, names.index(row)] = constants[name]
    return matrix, offset


def _powers(matrix: FloatArray, offset: FloatArray) -> tuple[FloatArray, FloatArray]:
    """1, 2, ... steps at once: (MAX_SLEEP, sets, states, states), (MAX_SLEEP, sets, states)."""
    matrices, offsets = [matrix], [offset]
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(MAX_SLEEP - 1):
            offsets.append(np.einsum("sij,sj->si", matrix, offsets[-1]) + offset)
            matrices.append(matrix @ matrices[-1])
    return np.array(matrices), np.array(offsets)


def _feeds(matrices: FloatArray, names: list[str], held: set[str]) -> bool:
    """Whether a state that is not held depends on a held one."""
    to = [k for k, name in enumerate(names) if name not in held]
    of = [k for k, name in enumerate(names) if name in held]
    return bool(np.any(matrices[:, :, to][:, :, :, of]))


def _rest(matrix: FloatArray, offset: FloatArray) -> FloatArray:
    """Equilibrium of a neuron (sets, states); an arbitrary point if it has none."""
    unit = np.eye(matrix.shape[-1])
    home = [np.linalg.pinv(unit - m) @ q for m, q in zip(matrix, offset, strict=True)]
    # The result does not depend on further digits.
    return np.round(home, 9)
