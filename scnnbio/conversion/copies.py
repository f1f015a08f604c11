"""The copy of a module that is converted, and whether two values of torch are equal."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import is_lazy
from torch.nn.utils.parametrize import is_parametrized

from scnnbio.errors import DataError, SpecError


def copied(module: nn.Module) -> nn.Module:
    """A copy in double precision, for evaluation.

    Raises
    ------
    SpecError
        If weights are computed from others.
    """
    for name, part in module.named_modules():
        if is_parametrized(part):
            raise SpecError(
                "its weights are computed from others; call"
                " torch.nn.utils.parametrize.remove_parametrizations first",
                where=f"module {name!r} ({type(part).__name__})",
            )
    try:
        return copy.deepcopy(module).cpu().double().eval()
    except RuntimeError as error:
        raise SpecError(
            f"it cannot be copied ({str(error).splitlines()[0][:80]}); if it is pruned or its"
            " weights are normalised, call torch.nn.utils.prune.remove or"
            " torch.nn.utils.remove_weight_norm first",
            where=f"module {type(module).__name__}",
        ) from None


def same(ours: Any, theirs: Any, rounding: float) -> bool:
    """Whether values are equal up to rounding; what is not finite is found elsewhere."""
    if not isinstance(ours, torch.Tensor) or not isinstance(theirs, torch.Tensor):
        return False
    if ours.shape != theirs.shape:
        return False
    bound = rounding * max(1.0, float(theirs.nan_to_num().abs().max()))
    return bool(torch.allclose(ours, theirs, rtol=0.0, atol=bound, equal_nan=True))


def check_weights(module: nn.Module) -> None:
    """Raise unless every weight has a value, which is finite."""
    named = [*module.named_parameters(), *module.named_buffers()]
    modules = dict(module.named_modules())
    for name, values in named:
        if is_lazy(values):
            raise SpecError(
                f"{name!r} has no values yet; show the module an input first",
                where=f"module {type(module).__name__}",
            )
        if values.is_floating_point() and not bool(torch.isfinite(values).all()):
            owner, _, field = name.rpartition(".")
            found = values.detach().cpu().double().numpy()
            place = tuple(int(i) for i in np.argwhere(~np.isfinite(found))[0])
            raise DataError(
                f"{field} is {found[place]} at {place}; make every value finite",
                where=f"module {owner!r} ({type(modules[owner]).__name__})",
            )
