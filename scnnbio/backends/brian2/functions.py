"""What the text of a step calls beyond Brian2's own functions.

No user's name begins with an underscore. Those of Brian2 that count in 32 bits, such as ``floor``,
have a counterpart here that counts in doubles (:mod:`scnnbio.neurons.arithmetic`).
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
    return _as_it_is(made, compute)


def _as_it_is(function: Any, compute: Callable[..., Any]) -> Any:
    """The function with an implementation for numpy that Brian2 does not wrap.

    Its wrapper holds dimensions against one another, and prints all arrays at every call for the
    error that it might raise. Nothing here has a dimension.
    """
    function.implementations.add_implementation("numpy", code=compute)
    return function


#: A held state is selected: weighted by 0 it would be no number where the step that it does not
#: take overflows. Programs in C++ hold their states otherwise.
SELECT = {
    "_select": _as_it_is(
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
