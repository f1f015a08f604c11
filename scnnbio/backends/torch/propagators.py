"""The exact propagator as a differentiable function of the parameters.

The constants of a step are computed once, to the last bit, where nothing of them is learned. Time
constants that are learned change them at each step of the optimiser: then the matrix exponential of
the same augmented system is torch's, whose derivative is known.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from scnnbio.backends.torch.expressions import Expression, compiled
from scnnbio.neurons.algebra import as_text, linear_system
from scnnbio.neurons.integrator import integrator
from scnnbio.neurons.model import NeuronModel
from scnnbio.units import UNITS, si_factor


@functools.lru_cache(maxsize=64)
def _system(
    model: NeuronModel,
) -> tuple[tuple[str, ...], tuple[tuple[int, int, Expression], ...], frozenset[str]]:
    """Exact states, the entries of [A, b] in SI that are not zero, and the parameters in them."""
    chosen = tuple(u.state for u in integrator(model).updates if u.exact)
    if not chosen:
        return (), (), frozenset()
    matrix, constant = linear_system(model, chosen)
    whole = matrix.row_join(constant)
    entries = tuple(
        (i, j, compiled(as_text(whole[i, j])))
        for i in range(whole.rows)
        for j in range(whole.cols)
        if whole[i, j] != 0
    )
    return chosen, entries, frozenset(str(symbol) for symbol in whole.free_symbols)


def needs(model: NeuronModel, parameters: Iterable[str]) -> bool:
    """Whether any of these parameters is in the exact propagator of a neuron."""
    return not _system(model)[2].isdisjoint(parameters)


def exact_constants(
    model: NeuronModel, values: Mapping[str, Tensor], dt: float
) -> dict[str, Tensor]:
    """Constants of the exact part of a step.

    Parameters
    ----------
    model : NeuronModel
    values : mapping of str to Tensor (channel, row, column)
        Every parameter in its unit; axes may have the length 1.
    dt : float
        Step in ms.

    Returns
    -------
    dict of str to Tensor
        By the names in :class:`~scnnbio.neurons.integrator.Integrator`.
    """
    chosen, entries, named = _system(model)
    si = {name: values[name].double() * si_factor(model.parameters[name].unit) for name in named}
    scale = [UNITS[model.unit_of(name)][1] for name in chosen] + [1.0]
    shape = torch.broadcast_shapes(*(v.shape for v in si.values()))
    size = len(chosen) + 1
    zero = torch.zeros(shape, dtype=torch.float64)
    rows = [[zero] * size for _ in range(size)]
    for i, j, entry in entries:
        # In plain units and 1/ms: z_plain = z_si / scale.
        factor = scale[j] / scale[i] * 1e-3
        rows[i][j] = torch.as_tensor(entry(si), dtype=torch.float64).expand(shape) * factor
    block = torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)
    exact = torch.linalg.matrix_exp(block * dt)
    dtype = next(iter(values.values())).dtype
    return {
        name: exact[
            ..., chosen.index(row), size - 1 if column is None else chosen.index(column)
        ].to(dtype)
        for name, (row, column) in integrator(model).entries.items()
    }
