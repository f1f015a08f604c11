"""Functions that expressions call in addition to Brian2's.

Their names begin with an underscore, which users cannot write. Functions of Brian2 that return
32-bit integers, such as ``floor``, have a version in doubles here
(:mod:`scnnbio.neurons.arithmetic`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import brian2 as b2
import numpy as np

from scnnbio.backends.notation import ARITHMETIC
from scnnbio.neurons.arithmetic import TRUTH


def _function(
    compute: Callable[..., Any], name: str, types: tuple[str, ...] = ("float",), own: bool = False
) -> Any:
    made = b2.Function(
        compute,
        arg_units=[1] * len(types),
        return_unit=1,
        arg_types=list(types),
        return_type="float",
    )
    code = ARITHMETIC.read_text(encoding="utf-8") if own else None
    made.implementations.add_implementation("cpp", code=code, name=name)
    return _unwrapped(made, compute)


def _unwrapped(function: Any, compute: Callable[..., Any]) -> Any:
    """Add a numpy implementation that Brian2 does not wrap.

    Brian2's wrapper compares units, and formats all arrays at every call for a possible error
    message. Nothing here has units.
    """
    function.implementations.add_implementation("numpy", code=compute)
    return function


#: Selects the old value of a held state. Multiplying by 0 would give NaN if the unused step
#: overflows. C++ programs hold states in another way.
SELECT = {
    "_select": _unwrapped(
        b2.Function(
            np.where, arg_units=[1, 1, 1], return_unit=1, arg_types=["boolean", "float", "float"]
        ),
        np.where,
    )
}

#: By the name in :data:`scnnbio.backends.notation.BRIAN2`.
FUNCTIONS = {
    "_floor": _function(np.floor, "floor"),
    "_ceil": _function(np.ceil, "ceil"),
    "_trunc": _function(np.trunc, "trunc"),
    "_sign": _function(np.sign, "scnnbio_sign", own=True),
    "_clip": _function(np.clip, "scnnbio_clip", ("float",) * 3, own=True),
    "_floor_divide": _function(
        np.floor_divide, "scnnbio_floor_divide", ("float", "float"), own=True
    ),
    "_remainder": _function(np.remainder, "scnnbio_remainder", ("float", "float"), own=True),
    TRUTH: _function(lambda x: np.asarray(x, float), "scnnbio_truth", ("boolean",), own=True),
}
